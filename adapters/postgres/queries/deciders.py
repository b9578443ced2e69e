"""Who may decide about what, by the same rule that judges the decision itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Text,
    and_,
    cast,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from adapters.postgres.queries.base import of_task
from adapters.postgres.repositories.absences import all_absences
from adapters.postgres.repositories.audit import shapers_of
from adapters.postgres.repositories.overrides import overrides_of
from adapters.postgres.repositories.parties import parties, parties_of_deal, to_party
from adapters.postgres.repositories.people import everyone
from adapters.postgres.repositories.plans import changers_of
from adapters.postgres.rows import to_task
from adapters.postgres.tables import (
    approval_tasks,
    audit,
    barred_approvers,
    crm_users,
    opportunities,
    opportunity_parties,
    plan_overrides,
)
from oppsync.domain.approval.deciding import may_decide
from oppsync.domain.approval.involved import Involved, involved, is_same, keys_of, keys_of_user, with_absences
from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus
from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.deal.opportunity import Owner
from oppsync.domain.deal.parties import Part, Party
from oppsync.domain.deal.place import made_in
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval, seat_of
from oppsync.domain.values.actor import person_actor
from oppsync.domain.values.limits import Place
from oppsync.domain.values.roles import approves_for
from oppsync.domain.work.events import SHAPES_THE_PLAN

OWNER = opportunities.c.record["owner"].label("owner")
WON_ON = opportunities.c.record["won_on"].astext.label("won_on")
_DELIVERED_IN: ColumnElement[Any] = literal_column("'$.lines[*].delivery_region'::jsonpath")
# Where the deal is made, without the rest of its record.
PLACE = func.jsonb_build_object(
    "entity",
    opportunities.c.record["contracting_entity"],
    "region",
    opportunities.c.record["region"],
    "delivered_in",
    func.jsonb_path_query_array(opportunities.c.record, _DELIVERED_IN),
).label("place")


class OpenTasks(NamedTuple):
    """Ids of the open tasks that ask for a person: those that wait for the person, and those that the person
    may not decide."""

    waiting: Sequence[UUID]
    barred: Sequence[UUID]


def asks_of(person: Person) -> ColumnElement[bool]:
    """The tasks of steps that ask for a role of the person, or for them by name."""
    held = sorted(approves_for(person.roles)) if may(person, Action.DECIDE_APPROVAL) else []
    named = [person.email.lower()] if held else []
    asks = approval_tasks.c.asks
    return or_(
        and_(asks.is_(None), approval_tasks.c.role.in_(held)),
        asks["roles"].has_any(cast(held, ARRAY(Text))),
        asks["people"].has_any(cast(named, ARRAY(Text))),
    )


def owner_of(document: Mapping[str, Any] | None) -> tuple[Party, ...]:
    """The owner that the record names."""
    if not document:
        return ()
    owner = Owner.model_validate(document)
    return (Party(part=Part.OWNER, user_id=owner.id, name=owner.name, email=owner.email),)


def day_of(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def place_of_row(document: Mapping[str, Any]) -> Place:
    return made_in(document["entity"], document["region"], document["delivered_in"] or ())


def everyone_and_involved(
    connection: Connection,
    tenant_id: str,
    task: ApprovalTask,
    owner: Mapping[str, Any] | None,
    place: Place,
    *,
    won_on: str | None,
) -> tuple[Sequence[Person], Involved]:
    """All people there ever were, and who has a part in the deal and the plan of `task`; `owner`, `place` and
    `won_on`: as its record has them."""
    known, opportunity_id = everyone(connection, tenant_id), task.opportunity_id
    tasks = select(approval_tasks).where(
        approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.opportunity_id == opportunity_id
    )
    part = involved(
        (*parties_of_deal(connection, tenant_id, opportunity_id), *owner_of(owner)),
        overrides_of(connection, tenant_id, opportunity_id),
        [to_task(row) for row in connection.execute(tasks).mappings()],
        known,
        shapers_of(connection, tenant_id, opportunity_id),
        changers=changers_of(connection, tenant_id, opportunity_id, task.plan_hash),
        place=place,
        absences=all_absences(connection, tenant_id),
        won_on=day_of(won_on),
    )
    return known, part


def open_tasks(connection: Connection, tenant_id: str, person: Person) -> OpenTasks:
    """Split the open tasks by what can bar this person: the deal's owners and requesters, and what the person
    decided or shaped, under whatever account; and the same of those for whom the person stands in or did."""
    query = (
        select(
            approval_tasks.c.id,
            approval_tasks.c.opportunity_id,
            approval_tasks.c.plan_hash,
            approval_tasks.c.role,
            approval_tasks.c.asks,
            OWNER,
            PLACE,
            WON_ON,
        )
        .join(opportunities, of_task())
        .where(*_open(tenant_id), asks_of_these(standing_in(connection, tenant_id, person)))
        .order_by(approval_tasks.c.id)
    )
    found = connection.execute(query).all()
    known, absences = everyone(connection, tenant_id), all_absences(connection, tenant_id)
    mine = {each.person_id for each in absences.rows if each.delegate_id == person.id}
    these = [each for each in known if is_same(each, person) or each.id in mine]
    accounts = {one.id: [each for each in known if is_same(each, one)] for one in these}
    every = tuple({each.id: each for them in accounts.values() for each in them}.values())
    decided = _decided(connection, tenant_id, every)
    edited = {one.id: _edited(connection, tenant_id, accounts[one.id]) for one in these}
    changed = {one.id: _changed_configuration(connection, tenant_id, accounts[one.id]) for one in these}
    owned = [_owned(connection, tenant_id, one) for one in these]
    waiting: list[UUID] = []
    barred: list[UUID] = []
    for row in found:
        part = Involved(
            parties=(*(party for of in owned for party in of[row.opportunity_id]), *owner_of(row.owner)),
            editors=tuple(one for one in these if row.opportunity_id in edited[one.id]),
            changers=tuple(one for one in these if (row.opportunity_id, row.plan_hash) in changed[one.id]),
            deciders=every,
            place=place_of_row(row.place),
        )
        part = with_absences(part, these, absences, day_of(row.won_on))
        others = decided[row.opportunity_id, row.plan_hash]
        listed = (RequiredApproval.model_validate(row.asks),) if row.asks else DEFAULT_APPROVALS
        refusal = may_decide(person, seat_of(row.role, listed).asks, part, others)
        (waiting if refusal is None else barred).append(row.id)
    return OpenTasks(waiting, barred)


def standing_in(connection: Connection, tenant_id: str, person: Person) -> Sequence[Person]:
    """The person, and those for whom they stand in now."""
    current = all_absences(connection, tenant_id).current()
    absent = {each.person_id for each in current if each.delegate_id == person.id}
    found = [each for each in everyone(connection, tenant_id) if each.id in absent] if absent else []
    return [person, *found]


def asks_of_these(these: Iterable[Person]) -> ColumnElement[bool]:
    return or_(*(asks_of(each) for each in these))


def _open(tenant_id: str) -> tuple[ColumnElement[bool], ...]:
    return approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.status == TaskStatus.OPEN


def _decided(
    connection: Connection, tenant_id: str, accounts: Sequence[Person]
) -> dict[tuple[UUID, str], list[ApprovalTask]]:
    """A person's decisions on plans that have open tasks, by deal and plan."""
    decided, ids = approval_tasks.alias("decided"), [account.id for account in accounts]
    same_plan = and_(
        *(decided.c[name] == approval_tasks.c[name] for name in ("tenant_id", "opportunity_id", "plan_hash")),
        or_(decided.c.decided_by.in_(ids), decided.c.decided_for.in_(ids)),
        decided.c.status != TaskStatus.VOID,
    )
    found: dict[tuple[UUID, str], list[ApprovalTask]] = defaultdict(list)
    query = select(decided).join(approval_tasks, same_plan).where(*_open(tenant_id))
    for row in connection.execute(query).mappings():
        found[row["opportunity_id"], row["plan_hash"]].append(to_task(row))
    return found


def _edited(connection: Connection, tenant_id: str, accounts: Sequence[Person]) -> Collection[UUID]:
    """The deals with open tasks of which a person overrode something, linked the customer, or confirmed
    a finding."""
    overrode = select(plan_overrides.c.opportunity_id).where(
        plan_overrides.c.tenant_id == tenant_id,
        plan_overrides.c.made_by.in_([account.id for account in accounts]),
        plan_overrides.c.opportunity_id.in_(_undecided(tenant_id)),
    )
    shaped = select(audit.c.opportunity_id).where(
        audit.c.tenant_id == tenant_id,
        audit.c.opportunity_id.in_(_undecided(tenant_id)),
        audit.c.type.in_(SHAPES_THE_PLAN),
        audit.c.actor.in_([person_actor(account.email) for account in accounts]),
    )
    return set(connection.execute(overrode.union(shaped)).scalars())


def _changed_configuration(
    connection: Connection, tenant_id: str, accounts: Sequence[Person]
) -> Collection[tuple[UUID, str]]:
    """The plans that use a change of the configuration which a person made or approved, as was kept before
    anybody was asked."""
    query = select(barred_approvers.c.opportunity_id, barred_approvers.c.plan_hash).where(
        barred_approvers.c.tenant_id == tenant_id,
        barred_approvers.c.person_id.in_([account.id for account in accounts]),
        barred_approvers.c.reason == Refusal.EDITED_REFERENCE_DATA,
        barred_approvers.c.opportunity_id.in_(_undecided(tenant_id)),
    )
    return {(row.opportunity_id, row.plan_hash) for row in connection.execute(query)}


def _owned(connection: Connection, tenant_id: str, person: Person) -> Mapping[UUID, Sequence[Party]]:
    """The part that a person has in deals with open tasks. A normal form is no column: the users of the CRMs
    are few, and are compared here."""
    keys = keys_of(person)
    users = select(crm_users).where(crm_users.c.tenant_id == tenant_id)
    mine = {
        (user.connection_id, user.user_id)
        for user in connection.execute(users)
        if not keys.isdisjoint(keys_of_user(user.user_id, user.email))
    }
    found: dict[UUID, list[Party]] = defaultdict(list)
    if not mine:
        return found
    query = parties().where(
        opportunity_parties.c.tenant_id == tenant_id,
        tuple_(crm_users.c.connection_id, crm_users.c.user_id).in_(mine),
        opportunity_parties.c.opportunity_id.in_(_undecided(tenant_id)),
    )
    for row in connection.execute(query).mappings():
        found[row["opportunity_id"]].append(to_party(row))
    return found


def _undecided(tenant_id: str) -> Any:
    return select(approval_tasks.c.opportunity_id).where(*_open(tenant_id))
