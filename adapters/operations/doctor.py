"""The checks of `oppsync doctor`: each reports what it found and, where that is wrong, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Connection, Engine, text

from adapters.bootstrap import Application
from adapters.connectors.connector import AnyConnector
from adapters.connectors.maps import mapped
from adapters.connectors.registry import connector_of
from adapters.connectors.routing import build_adapter
from adapters.connectors.signatures.registry import SIGNATURE_SCHEMES
from adapters.postgres import schema
from adapters.postgres.engine import store_errors
from adapters.runtime.connection_budget import Need, needs
from adapters.runtime.plugins import load
from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.configuration.installation import broken_routes, unrouted
from oppsync.domain.plan.capabilities import (
    Capabilities,
    CrmCapabilities,
    ErpCapabilities,
    PsaCapabilities,
)
from oppsync.domain.plan.limits import Limit
from oppsync.domain.policy.connection_map import map_of
from oppsync.domain.reading.readings import PollStatus
from oppsync.domain.reading.traffic import Circuit, Traffic
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.work import connections
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.mirror import MirrorState
from oppsync.kernel.errors import OppsyncError, StoreUnavailable, TransientError
from oppsync.kernel.settings import Settings
from oppsync.services.configuration.here import connected
from oppsync.services.mirror.shown import age_in_words

POSTGRES_FLOOR = 15
POLL_LATE = timedelta(minutes=15)
CLOCK_WARNS, CLOCK_FAILS = timedelta(seconds=5), timedelta(seconds=60)
WITHOUT_EVICTION = "noeviction"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Of 32 random hexadecimal digits fewer than eight kinds are not to be expected once in a billion times.
FEWEST_SIGNS = 8
PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "password",
    "your-secret",
    "yoursecret",
    "qwerty",
)


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Check(NamedTuple):
    name: str
    verdict: Verdict
    says: str


def ok(name: str, says: str) -> Check:
    return Check(name, Verdict.OK, says)


def warning(name: str, says: str) -> Check:
    return Check(name, Verdict.WARNING, says)


def failed(name: str, says: str) -> Check:
    return Check(name, Verdict.FAILED, says)


def examine(application: Application, environ: Mapping[str, str]) -> Iterator[Check]:
    """Run all checks, in the order in which one would fix their faults. Never raises because of a fault it
    finds."""
    try:
        needed = needs(environ)
    except ValueError as error:
        needed = needs({})
        yield failed("sizes", f"WEB_CONCURRENCY and WORKER_THREADS are whole numbers: {error}.")
    yield from of_settings(application.settings)
    yield from _of_postgres(application, needed)
    yield from _of_redis(application.settings, needed)


def of_settings(settings: Settings) -> Iterator[Check]:
    """Find settings that will not do outside of a developer's machine."""
    yield address(settings.base_url)
    yield mail(settings)
    yield secret_keys(settings.secret_keys.get_secret_value())


def address(base_url: str) -> Check:
    name, parts = "address", urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return failed(name, f"{base_url} is no address: set OPPSYNC_BASE_URL to the one that people open.")
    if parts.hostname in LOOPBACK:
        return warning(
            name,
            f"{base_url} is this machine only: links in messages and in the CRM lead nowhere. "
            "Set OPPSYNC_BASE_URL to the address that people open.",
        )
    if parts.scheme == "http":
        return warning(
            name,
            f"{base_url} is not encrypted: passwords, sessions and tokens can be read on their way. "
            "Serve oppsync over https, and set OPPSYNC_BASE_URL.",
        )
    return ok(name, f"People open {base_url}.")


def mail(settings: Settings) -> Check:
    name = "mail"
    if settings.smtp_url is None:
        return warning(
            name,
            f"No mail server is set: notifications become files in {settings.outbox_folder}, and approvers "
            "hear nothing. Set OPPSYNC_SMTP_URL.",
        )
    if settings.mail_from.rpartition("@")[2] in ("", "localhost"):
        return warning(name, f"{settings.mail_from} is nobody's address: set OPPSYNC_MAIL_FROM.")
    return ok(name, f"Messages are sent from {settings.mail_from}.")


def secret_keys(given: str) -> Check:
    """Which of the keys can be guessed; a key itself is never shown. The first is in use, the others only open
    what is old, so they are named by their places."""
    keys = [key.strip() for key in given.split(",") if key.strip()]
    weak = [str(number) for number, key in enumerate(keys, start=1) if is_weak(key)]
    if weak:
        return failed(
            "secret keys",
            f"Number {', '.join(weak)} of OPPSYNC_SECRET_KEYS can be guessed: it is no random text. "
            "Put a random one in front (openssl rand -hex 32); docs/deploying.md says how long others stay.",
        )
    return ok("secret keys", "None of them is easily guessed.")


def is_weak(key: str) -> bool:
    """Few different characters, a text that repeats itself, a run of the alphabet or the keyboard, or a
    placeholder."""
    plain = key.lower()
    repeats = plain in (plain + plain)[1:-1]
    steps = [ord(after) - ord(before) for before, after in pairwise(plain)]
    runs = sum(step in (-1, 0, 1) for step in steps) > len(steps) / 2
    return len(set(plain)) < FEWEST_SIGNS or repeats or runs or any(word in plain for word in PLACEHOLDERS)


def _of_postgres(application: Application, needed: tuple[Need, ...]) -> Iterator[Check]:
    try:
        with store_errors(), application.engine.connect() as connection:
            yield _version(connection)
            yield _connections(connection, sum(need.postgres for need in needed))
            yield clock(_clock_difference(connection))
        found = _schema(application.engine)
        yield found
        if found.verdict is Verdict.OK:
            yield _configuration(application)
            yield from _routes(application)
            yield from _of_connections(application)
    except StoreUnavailable as error:
        yield failed("postgres", f"{error.message}. Check DATABASE_URL, and whether the server runs.")


def _version(connection: Connection) -> Check:
    number = int(_one(connection, "show server_version_num")) // 10_000
    if number < POSTGRES_FLOOR:
        return failed("postgres", f"Postgres {number} is older than {POSTGRES_FLOOR}: upgrade it.")
    return ok("postgres", f"Postgres {number}.")


def _schema(engine: Engine) -> Check:
    at, wanted = schema.current(engine), schema.head()
    if at != wanted:
        return failed(
            "schema",
            f"At {at or 'nothing'}, this release wants {wanted}: run `oppsync db upgrade`.",
        )
    return ok("schema", f"At {at}, as this release wants it.")


# A platform's plan often sets its limit on the database or the role, not in `max_connections`.
_ALLOWED = """
select least(
    (select sum(case when name = 'max_connections' then setting::int else -setting::int end) from pg_settings
      where name in ('max_connections', 'superuser_reserved_connections', 'reserved_connections')),
    (select nullif(datconnlimit, -1) from pg_database where datname = current_database()),
    (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user))
"""
_OTHERS = """
select count(*) from pg_stat_activity
 where backend_type = 'client backend' and datname = current_database() and application_name <> 'oppsync'
"""


def _connections(connection: Connection, needed: int) -> Check:
    allowed, others = int(_one(connection, _ALLOWED)), int(_one(connection, _OTHERS))
    numbers = f"Up to {needed} needed, {allowed} allowed, {others} used by others."
    if needed > allowed:
        return failed(
            "postgres connections", f"{numbers} Lower WEB_CONCURRENCY or WORKER_THREADS, or take a larger plan."
        )
    if needed + others > allowed:
        return warning("postgres connections", f"{numbers} Together they may be too many.")
    return ok("postgres connections", numbers)


def _clock_difference(connection: Connection) -> timedelta:
    """The database's clock minus ours, compared at the middle of the query."""
    asked = datetime.now(UTC)
    database_time = cast("datetime", _one(connection, "select clock_timestamp()"))
    return database_time - (asked + (datetime.now(UTC) - asked) / 2)


def clock(difference: timedelta) -> Check:
    apart = f"Database and this machine are {abs(difference).total_seconds():.1f} s apart."
    if abs(difference) > CLOCK_FAILS:
        return failed("clock", f"{apart} Signatures of webhooks are judged by the clock: set it.")
    if abs(difference) > CLOCK_WARNS:
        return warning("clock", f"{apart} Keep both with a time server.")
    return ok("clock", apart)


def _configuration(application: Application) -> Check:
    with application.uow.reading() as uow:
        latest = uow.configurations.latest(application.tenant_id)
        now = fingerprint(uow.configurations.rows(application.tenant_id))
    if latest is None and now == fingerprint(()):
        return warning("configuration", "There are no rules yet: `oppsync config apply` begins with some.")
    if latest is None or latest.fingerprint != now:
        return warning(
            "configuration",
            "Rows were written past the versions: the next change keeps them as a version of their own.",
        )
    return ok("configuration", f"{latest} is in force.")


def _routes(application: Application) -> Iterator[Check]:
    """Rows that lead deals to nobody: whoever removed or renamed a system in the database left them. And roles
    of which several systems are connected without a row."""
    with application.uow.reading() as uow:
        found = connected(uow, application.tenant_id, application.clock.now().date())
    broken, several = broken_routes(found), unrouted(found)
    for fault in broken:
        yield failed("routes", str(fault))
    for role in several:
        names = ", ".join(sorted(found.names[role]))
        yield failed(
            "routes",
            f"{len(found.names[role])} are connected of the role {role} ({names}), and no row of routes.csv "
            "holds today: new deals stop (CONNECTION_MISCONFIGURED). Add a row.",
        )
    if found.rows and not broken and not several:
        yield ok("routes", "Each leads to a system that is connected.")


def _of_connections(application: Application) -> Iterator[Check]:
    with application.uow() as uow:
        found = uow.connections.of_tenant(application.tenant_id)
    for connection in found:
        yield from _connection(application, connection)
    for poll in application.queries.polls(application.tenant_id):
        yield polling(poll, application.clock.now())
    for seen in application.traffic(application.tenant_id):
        yield traffic(seen)
    for connection in found:
        if connection.role is ConnectionRole.ERP:
            with application.uow.reading() as uow:
                state = uow.mirror.state(application.tenant_id, connection.id, 1)
            yield master_data(connection.id, state, application.clock.now())
    yield from _of_maps(application, found)
    for role in (ConnectionRole.CRM, ConnectionRole.ERP):
        if not any(connection.role is role for connection in found):
            yield warning("connections", f"No connection has the role {role.in_words}: no deal can go through.")


def _of_maps(application: Application, found: Sequence[connections.Connection]) -> Iterator[Check]:
    """Rows of the configuration that map nothing, and connections that it leaves to one person."""
    kind, today = ReferenceKind.CONNECTION_MAP, application.clock.now().date()
    with application.uow.reading() as uow:
        book = uow.references.book(application.tenant_id)
    names = book.keys(kind, today)
    used = {each.name for each in found if map_of(book, each.name, each.vendor, today) is not None}
    for name in names:
        if name not in used:
            yield warning(
                f"map of {name}", f"Nothing of its vendor is connected as {name}: its row maps nothing."
            )
    for each in found if names else ():
        if each.name not in used:
            says = f"No row of connection_maps.yaml is about {each.name}: its own settings say what it maps."
            yield warning(f"map of {each.id}", says)


def _connection(application: Application, connection: connections.Connection) -> Iterator[Check]:
    """Check that its secrets can be decrypted, that its vendor's connector accepts its settings, that its
    signature scheme exists and is the vendor's own, and that the system answers."""
    name = f"connection {connection.id}"
    try:
        with application.uow() as uow:
            secrets = uow.connections.secrets(connection.id)
            book = uow.references.book(application.tenant_id)
        # No gate: a circuit that opened must not answer for the vendor.
        as_mapped = mapped(connection, book, application.clock.now().date())
        adapter = build_adapter(as_mapped, secrets, application.clock, None)
        connector = connector_of(connection.role, connection.vendor)
        if connection.signature_scheme is not None:
            load(SIGNATURE_SCHEMES, connection.signature_scheme)
    except StoreUnavailable:
        raise
    except OppsyncError as error:
        yield failed(name, error.message)
        return
    yield signatures(name, connector, connection.signature_scheme) or ok(
        name, f"{connection.role.in_words}: {connector.title}.{lacking(adapter.capabilities)}"
    )
    if connection.paused_at is not None:
        yield warning(name, f"Paused since {connection.paused_at:%Y-%m-%d %H:%M} UTC: deals that need it wait.")
    yield sign_of_life(connection.id, connector.title, adapter.ping)


def sign_of_life(connection_id: str, title: str, ping: Callable[[], None]) -> Check:
    """Whether the system answers one call with the connection's credentials."""
    name = f"answer of {connection_id}"
    try:
        ping()
    except TransientError as error:
        return failed(name, f"{error.message}. Check the connection's address, and whether {title} is away.")
    except OppsyncError as error:
        return failed(name, error.message)
    return ok(name, f"{title} answers, and knows the credentials.")


def signatures(name: str, connector: AnyConnector, scheme: str | None) -> Check | None:
    """A warning when the webhooks of this vendor could not be verified."""
    if scheme == connector.signature_scheme or scheme is None:
        return None
    signs = f"signs by {connector.signature_scheme}" if connector.signature_scheme else "sends no webhooks"
    return warning(name, f"Its webhooks are verified by {scheme}, but {connector.title} {signs}.")


def lacking(capabilities: Capabilities) -> str:
    """List what this system cannot do, so that people have to do it themselves."""
    match capabilities:
        case ErpCapabilities():
            able = {
                "creates no customers": capabilities.creates_customers,
                "closes nothing that was created": capabilities.cancels,
                "only notes limits of invoices, which people have to watch": capabilities.holds
                == frozenset(Limit),
                "gives no master data, so that each look-up asks it": capabilities.mirrors,
            }
        case CrmCapabilities():
            able = {
                "cannot be polled, so nobody notices a lost webhook": capabilities.polls,
                "does not tell who owned a deal before it was read": capabilities.owner_history,
            }
        case PsaCapabilities():
            able = {"takes no staffing requests": capabilities.staffing}
    words = [what for what, can in able.items() if not can]
    return f" It {' and '.join(words)}." if words else ""


def polling(poll: PollStatus, now: datetime) -> Check:
    """Whether polls run, and so find changes whose webhook never arrived."""
    name = f"poll of {poll.connection_id}"
    if poll.error is not None:
        return failed(name, f"{poll.tries} polls failed in a row: {poll.error}")
    if now - poll.due_at > POLL_LATE:
        return failed(name, f"Due since {poll.due_at:%Y-%m-%d %H:%M} UTC: start a relay, which polls.")
    late = f", {poll.most_late_seconds} s late at most" if poll.most_late_seconds is not None else ""
    brought = f"{poll.deals} deals and {poll.changes} changes that arrived without a webhook{late}"
    until = f"{poll.covered_until:%Y-%m-%d %H:%M:%S} UTC" if poll.covered_until else "nothing yet"
    return ok(name, f"Covered until {until}; it brought {brought}.")


def master_data(connection_id: str, state: MirrorState, now: datetime) -> Check:
    """How old what is known of an ERP's master data is."""
    name = f"master data of {connection_id}"
    seen = [each.seen_at for each in state.kinds if each.seen_at is not None]
    age = f"{age_in_words(now - min(seen))} old" if seen else "nothing was read yet"
    if state.error is not None:
        return warning(name, f"It could not be read: {state.error}. What is known of it: {age}.")
    return ok(name, f"{age}: {sum(each.rows for each in state.kinds)} rows.")


def traffic(seen: Traffic) -> Check:
    """An open circuit is not our fault, but it is worth a warning to anybody who looks for a fault."""
    name = f"traffic {seen.connection_id}"
    match seen.circuit:
        case None:
            return warning(name, "Unknown: Redis cannot be reached.")
        case Circuit.CLOSED if seen.held_for:
            return warning(name, f"The vendor asked to wait: {seen.held_for:.0f} s more.{_waiting(seen)}")
        case Circuit.CLOSED:
            return ok(name, f"Calls go through.{_left(seen)}{_waiting(seen)}")
        case _:
            again = f"in {seen.retry_in:.0f} s" if seen.retry_in else "now"
            return warning(
                name,
                f"It failed too often: nothing but one call at a time, again {again}, until one succeeds."
                f"{_waiting(seen)} Check whether the vendor is away.",
            )


def _left(seen: Traffic) -> str:
    tokens = f" {seen.tokens} at once of {seen.requests} in {seen.per_seconds:g} s." if seen.requests else ""
    places = f" {seen.in_use} of {seen.concurrent} places taken." if seen.concurrent else ""
    return tokens + places


def _waiting(seen: Traffic) -> str:
    return f" {seen.waiting} deals wait for their turn." if seen.waiting else ""


def _of_redis(settings: Settings, needed: tuple[Need, ...]) -> Iterator[Check]:
    client = redis.Redis.from_url(
        settings.redis_address,
        socket_timeout=5,
        socket_connect_timeout=5,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    try:
        info = cast("Mapping[str, Any]", client.info())
        limit = info.get("maxclients") or _configured_limit(client)
    except redis.RedisError as error:
        yield failed(
            "redis",
            f"Redis cannot be reached ({type(error).__name__}). Check REDIS_URL, and whether the server runs.",
        )
        return
    finally:
        client.close()
    yield ok("redis", f"Redis {info['redis_version']}.")
    yield eviction(str(info["maxmemory_policy"]))
    yield redis_connections(sum(need.redis for need in needed), limit)


def _configured_limit(client: redis.Redis) -> int | None:
    """Before version 7 Redis has the limit in its configuration only, which hosted servers do not show."""
    try:
        shown = cast("Mapping[str, str]", client.config_get("maxclients"))
    except redis.ResponseError:
        return None
    return int(shown["maxclients"]) if shown else None


def eviction(policy: str) -> Check:
    if policy != WITHOUT_EVICTION:
        return warning(
            "redis eviction",
            f"The policy is {policy}: when memory is full, messages vanish and are sent again later. "
            f"Set maxmemory-policy to {WITHOUT_EVICTION}.",
        )
    return ok("redis eviction", f"The policy is {policy}.")


def redis_connections(needed: int, limit: int | None) -> Check:
    name = "redis connections"
    if limit is None:
        return warning(name, f"Up to {needed} needed; this server does not say how many it allows.")
    numbers = f"Up to {needed} needed, {limit} allowed."
    return failed(name, f"{numbers} Take a larger plan.") if needed > limit else ok(name, numbers)


def _one(connection: Connection, query: str) -> Any:
    return connection.execute(text(query)).scalar_one()
