"""The promise, as checks of the books. Each function yields its breaches as text; nothing yielded is a pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal

from oppsync.domain.plan.plan import NodeKind, PlanContent
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.kernel import canonical_json
from tests.chaos.books import Books, Row, doubles
from tests.chaos.crm import Crm

KIND_OF = {
    NodeKind.PROJECT: EffectKind.PARENT,
    NodeKind.WORKSTREAM: EffectKind.CHILD,
    NodeKind.TASK: EffectKind.TASK,
}
FOR_A_PERSON = {"CONTENT_CONFLICT", "LOST_AFTER_APPROVAL", "APPROVAL_LOST"}
FINAL = {"active", "rejected", "withdrawn"}
Breaches = Iterator[str]


def fate(books: Books, opportunity: Row) -> str:
    """The end of one opportunity; `unfinished` when it is none of the ends that the promise allows."""
    state, open_items = opportunity["state"], _open_items(books, opportunity)
    if state in FINAL:
        return str(state)
    if state == "parked" and open_items:
        return "dead letter" if any(item["disposition"] == "dead_letter" for item in open_items) else "parked"
    waits = any(
        task["opportunity_id"] == opportunity["id"] and task["status"] == "open" for task in books.tasks
    )
    return "waiting for a person" if state == "awaiting_approval" and waits else "unfinished"


def fates(books: Books) -> Counter[str]:
    return Counter(fate(books, opportunity) for opportunity in books.opportunities)


def nothing_accepted_is_lost(books: Books, crm: Crm) -> Breaches:
    known = {opportunity["source_id"] for opportunity in books.opportunities}
    for delivery in crm.acknowledged.values():
        if delivery.id not in books.deliveries:
            yield f"delivery {delivery.id} was acknowledged and is not in the inbox"
        if delivery.record_id not in known:
            yield f"{delivery.record_id} was accepted and is not there"
    for delivery_id in crm.stale:
        if delivery_id in books.deliveries:
            yield f"delivery {delivery_id} had a stale timestamp and was stored"


def nothing_won_is_unheard(books: Books, crm: Crm) -> Breaches:
    """No won deal is missing, including those whose webhook was never sent."""
    known = {opportunity["source_id"] for opportunity in books.opportunities}
    for record_id, record in books.records.items():
        if record["IsWon"] and record_id not in known:
            yield f"{record_id} is won in the CRM and is not there"


def everything_has_an_end(books: Books, crm: Crm) -> Breaches:
    for opportunity in books.opportunities:
        if fate(books, opportunity) == "unfinished":
            yield (
                f"{opportunity['source_id']} is {opportunity['state']}: due {opportunity['due_at']}, "
                f"lease {opportunity['lease_until']}, tries {opportunity['tries']}"
            )
    if books.outbox:
        yield f"{books.outbox} outbox rows were never sent"


def nothing_exists_twice(books: Books, crm: Crm) -> Breaches:
    every = [thing.key for things in books.things.values() for thing in things]
    for key, count in doubles(every).items():
        yield f"{count} things in the ERP under {key}"
    references = [row["external_reference"] for rows in books.workspaces.values() for row in rows]
    for key, count in doubles(references).items():
        yield f"{count} projects in the PSA under {key}"
    asked = [row["service_model_ref"] for rows in books.asked.values() for row in rows]
    for key, count in doubles(asked).items():
        yield f"the PSA is asked for somebody {count} times under {key}"
    for record_id, writes in books.written_back.items():
        for text, count in doubles(canonical_json.dumps(write) for write in writes).items():
            yield f"{record_id} was told {count} times: {text}"


def nothing_exists_unasked(books: Books, crm: Crm) -> Breaches:
    """Each external record has its ledger entry, and belongs to a plan that both roles approved.

    For records that a restored backup forgot there is an open exception until a person decides about it.
    """
    by_id = {opportunity["id"]: opportunity for opportunity in books.opportunities}
    disputed = {
        by_id[item["opportunity_id"]]["source_id"]
        for item in books.exceptions
        if item["code"] in FOR_A_PERSON and item["status"] == "open"
    }
    for record_id, things in books.things.items():
        for thing in things:
            row = books.effects.get(thing.key)
            if row is None and record_id in disputed:
                continue
            if row is None:
                yield f"{thing.key} of {_described(books, record_id)} exists and is not in the ledger"
            elif not _is_approved(books, by_id[row["opportunity_id"]]):
                yield f"{thing.key} exists, and its plan was not approved by both"


def active_means_all_of_it(books: Books, crm: Crm) -> Breaches:
    for opportunity in books.opportunities:
        if opportunity["state"] != "active":
            continue
        plan, record_id = books.plans[opportunity["id"]], opportunity["source_id"]
        things = {thing.key: thing for thing in books.things[record_id]}
        wanted = set(keys_of(opportunity, plan))
        yield from (f"{key} is missing in the ERP" for key in wanted - things.keys())
        yield from (f"{key} is in the ERP and in no plan" for key in things.keys() - wanted)
        money = sum((thing.amount for thing in things.values()), Decimal(0))
        if money != plan.total.amount:
            yield f"{record_id}: {money} in the ERP, {plan.total.amount} in the plan"
        parent = things.get(next(keys_of(opportunity, plan)))
        yield from _written_back_of(books, record_id, parent.number if parent else None)
        yield from _asked_for(books, opportunity, plan)


def keys_of(opportunity: Row, plan: PlanContent) -> Iterator[str]:
    """The keys of everything that the plan wants in the ERP, the parent's first."""
    whose = (opportunity["tenant_id"], opportunity["connection_id"], opportunity["source_id"])
    for node in plan.nodes:
        yield outside_key(*whose, KIND_OF[node.kind], node.path)
    for _, line in plan.billing_lines():
        yield outside_key(*whose, EffectKind.BILLING_LINE, line.path)


def _written_back_of(books: Books, record_id: str, number: str | None) -> Breaches:
    record = books.records[record_id]
    if record["oppsync_Status__c"] != "Active" or record["oppsync_Project_Number__c"] != number:
        yield (
            f"{record_id} is {number} in the ERP; the CRM says {record['oppsync_Status__c']} "
            f"{record['oppsync_Project_Number__c']}"
        )
    workspaces = books.workspaces.get(record_id, [])
    if len(workspaces) != 1 or str(number) not in (workspaces[0]["description"] or ""):
        yield f"{record_id} is {number} in the ERP; the PSA has {len(workspaces)} projects, or another number"


def _asked_for(books: Books, opportunity: Row, plan: PlanContent) -> Breaches:
    whose = (opportunity["tenant_id"], opportunity["connection_id"], opportunity["source_id"])
    wanted = {
        outside_key(*whose, EffectKind.STAFFING, asked.path): asked.hours * 60 for asked in plan.staffing()
    }
    existing = {
        row["service_model_ref"]: sum((each["minutes"] for each in row["allocations"]), Decimal(0))
        for row in books.asked[opportunity["source_id"]]
    }
    for key in wanted.keys() | existing.keys():
        if round(wanted.get(key, Decimal(0))) != existing.get(key):
            yield f"{key}: {existing.get(key)} minutes in the PSA, {wanted.get(key)} in the plan"


def rejections_are_told(books: Books, crm: Crm) -> Breaches:
    for opportunity in books.opportunities:
        status = books.records[opportunity["source_id"]]["oppsync_Status__c"]
        if opportunity["state"] == "rejected" and status != "Rejected":
            yield f"{opportunity['source_id']} is rejected; the CRM says {status}"


def exceptions_have_code_and_owner(books: Books, crm: Crm) -> Breaches:
    for item in books.exceptions:
        if not (item["code"] and item["owner"] and item["message"]):
            yield f"exception {item['id']} lacks code, owner or message"


def nothing_waits_for_nobody(books: Books, crm: Crm) -> Breaches:
    """Everything unfinished has a due time, a lease, an open approval or an open exception."""
    for opportunity in books.opportunities:
        held = opportunity["due_at"] or opportunity["lease_holder"]
        end = fate(books, opportunity)
        if end == "unfinished" and not held:
            yield f"{opportunity['source_id']} is {opportunity['state']} and nobody will ever look at it"


def the_audit_trail_is_whole(books: Books, crm: Crm) -> Breaches:
    for opportunity in books.opportunities:
        trail = books.audit[opportunity["id"]]
        yield from (f"{opportunity['source_id']}: {broken}" for broken in _broken_trail(opportunity, trail))
        recorded = {
            entry["detail"].get("key")
            for entry in trail
            if entry["type"] == "effect.recorded.v1" and entry["after"].get("state") == "confirmed"
        }
        confirmed = {
            key
            for key, row in books.effects.items()
            if row["opportunity_id"] == opportunity["id"] and row["state"] == "confirmed"
        }
        yield from (f"{key} is confirmed without an audit entry" for key in confirmed - recorded)


def _broken_trail(opportunity: Row, trail: list[Row]) -> Breaches:
    """In the order that people see: by the database's clock, read while the opportunity's row is locked."""
    state = None
    for entry in trail:
        if state is None:
            state = entry["after"].get("state")
            if entry["type"] != "delivery.received.v1" or state != "received":
                yield f"the trail begins with {entry['type']}"
        elif entry["type"] in ("state.changed.v1", "replayed.v1"):
            if entry["before"].get("state") != state:
                yield f"the trail leaps from {state} to {entry['before'].get('state')}"
            state = entry["after"].get("state")
    if state != opportunity["state"]:
        yield f"the trail ends at {state}, the opportunity is {opportunity['state']}"


def _is_approved(books: Books, opportunity: Row) -> bool:
    roles = {
        task["role"]
        for task in books.tasks
        if task["opportunity_id"] == opportunity["id"]
        and task["plan_hash"] == opportunity["plan_hash"]
        and task["status"] == "approved"
    }
    return roles == {"finance", "delivery"}


def _described(books: Books, record_id: str) -> str:
    """A deal and its state, for people who read about a breach."""
    for opportunity in books.opportunities:
        if opportunity["source_id"] == record_id:
            codes = ", ".join(item["code"] for item in _open_items(books, opportunity))
            return f"{record_id} ({opportunity['state']}; open: {codes or 'nothing'})"
    return record_id or "nobody"


def _open_items(books: Books, opportunity: Row) -> list[Row]:
    return [
        item
        for item in books.exceptions
        if item["opportunity_id"] == opportunity["id"] and item["status"] == "open"
    ]


INVARIANTS: tuple[Callable[[Books, Crm], Breaches], ...] = (
    nothing_accepted_is_lost,
    nothing_won_is_unheard,
    everything_has_an_end,
    nothing_exists_twice,
    nothing_exists_unasked,
    active_means_all_of_it,
    rejections_are_told,
    exceptions_have_code_and_owner,
    nothing_waits_for_nobody,
    the_audit_trail_is_whole,
)


def breaches(books: Books, crm: Crm) -> list[str]:
    return [f"{ask.__name__}: {breach}" for ask in INVARIANTS for breach in ask(books, crm)]
