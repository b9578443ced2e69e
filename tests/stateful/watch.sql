-- A clock that tests move, and two watchers that see every write to opportunities and effects.
create schema sim;
create table sim.clock (at timestamptz not null, actor text not null);
insert into sim.clock values ('2026-05-04T09:00:00Z', '');
create table sim.moves (
    id bigserial primary key, opportunity_id uuid,
    before text, after text, version_before bigint, version_after bigint
);
create table sim.breaches (id bigserial primary key, what text);

-- Stands before pg_catalog on the search path: every due time and lease goes by it.
create function sim.clock_timestamp() returns timestamptz language sql volatile as 'select at from sim.clock';

create function sim.watch_opportunity() returns trigger language plpgsql as $$
declare
    acting text := (select actor from sim.clock);
    free boolean := old.lease_until is null or old.lease_until < sim.clock_timestamp();
    takes boolean := new.lease_token = old.lease_token + 1 and new.lease_holder = acting;
begin
    if acting like 'worker%' and old.lease_holder is distinct from acting and not (free and takes) then
        insert into sim.breaches (what)
        values (format('%s wrote %s, which %s works', acting, old.id, old.lease_holder));
    end if;
    if old.state <> new.state or old.version <> new.version then
        insert into sim.moves (opportunity_id, before, after, version_before, version_after)
        values (old.id, old.state, new.state, old.version, new.version);
    end if;
    return null;
end $$;
create trigger watch after update on opportunities for each row execute function sim.watch_opportunity();

create function sim.watch_effect() returns trigger language plpgsql as $$
declare
    acting text := (select actor from sim.clock);
begin
    perform from opportunities
    where id = new.opportunity_id and lease_holder = acting and lease_until > sim.clock_timestamp();
    if not found then
        insert into sim.breaches (what) values (format('%s wrote the effect %s without the lease', acting, new.key));
    end if;
    return null;
end $$;
create trigger watch after insert or update on effects for each row execute function sim.watch_effect();
