"""Who may decide about what, by the same rule that judges the decision itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
)

from adapters.postgres.queries.base import of_task
from adapters.postgres.repositories.absences import all_absences
from adapters.postgres.repositories.audit import shapers_of
from adapters.postgres.repositories.overrides import overrides_of
from adapters.postgres.repositories.part_in_deals import (
    OWNER,
    edited,
    kept_bars,
    kept_of_plan,
    owned,
    owner_of,
    undecided,
)
from adapters.postgres.repositories.parties import parties_of_deal
from adapters.postgres.repositories.people import everyone
from adapters.postgres.repositories.plans import changers_of
from adapters.postgres.rows import to_task
from adapters.postgres.tables import (
    approval_tasks,
    opportunities,
)
from oppsync.domain.approval.deciding import may_decide
from oppsync.domain.approval.involved import Involved, KeptBar, involved, is_same, with_absences
from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus
from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.deal.place import made_in
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval, seat_of
from oppsync.domain.values.limits import Place
from oppsync.domain.values.roles import approves_for

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


def place_of_row(document: Mapping[str, Any]) -> Place:
    return made_in(document["entity"], document["region"], document["delivered_in"] or ())


def everyone_and_involved(
    connection: Connection,
    tenant_id: str,
    task: ApprovalTask,
    owner: Mapping[str, Any] | None,
    place: Place,
) -> tuple[Sequence[Person], Involved]:
    """All people there ever were, and who has a part in the deal and the plan of `task`; `owner` and
    `place`: as its record has them."""
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
        kept=kept_of_plan(connection, tenant_id, opportunity_id, task.plan_hash),
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
    edits = {one.id: edited(connection, tenant_id, accounts[one.id]) for one in these}
    kept = {one.id: kept_bars(connection, tenant_id, accounts[one.id]) for one in these}
    owners = [owned(connection, tenant_id, one) for one in these]
    waited = _tasks(connection, tenant_id) if mine else {}
    waiting: list[UUID] = []
    barred: list[UUID] = []
    for row in found:
        bars = [
            KeptBar(person=one, reason=why)
            for one in these
            for why in kept[one.id].get((row.opportunity_id, row.plan_hash), ())
        ]
        part = Involved(
            parties=(*(party for of in owners for party in of[row.opportunity_id]), *owner_of(row.owner)),
            editors=tuple(one for one in these if row.opportunity_id in edits[one.id]),
            changers=tuple(bar.person for bar in bars if bar.reason is Refusal.EDITED_REFERENCE_DATA),
            deciders=every,
            place=place_of_row(row.place),
            kept=tuple(bars),
        )
        part = with_absences(part, these, absences, waited.get(row.opportunity_id, ()))
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


def _tasks(connection: Connection, tenant_id: str) -> Mapping[UUID, Sequence[ApprovalTask]]:
    """All tasks that the deals with open tasks ever had."""
    found: dict[UUID, list[ApprovalTask]] = defaultdict(list)
    query = select(approval_tasks).where(
        approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.opportunity_id.in_(undecided(tenant_id))
    )
    for row in connection.execute(query).mappings():
        found[row["opportunity_id"]].append(to_task(row))
    return found
