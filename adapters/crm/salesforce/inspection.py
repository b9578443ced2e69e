"""What the integration user may see and do in an org: object by object, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from adapters.crm.salesforce import wire
from adapters.crm.salesforce.client import SalesforceClient
from oppsync.domain.work.observations import (
    Observation,
    fine,
    lacks_field,
    lacks_permission,
    leaves_unread,
    note,
)

_HISTORY = "OpportunityFieldHistory"
_PERMISSION_SET = "give it in the permission set of the integration user"
# Below this part of the allocation other applications may leave none for us.
_SCARCE = 0.1


def inspected(
    client: SalesforceClient,
    names: wire.FieldNames,
    left_out: Mapping[str, Set[str]],
    *,
    owner_history: bool,
) -> Sequence[Observation]:
    """`left_out`: the fields that each setting, being off, leaves unread."""
    seen: list[Observation] = []
    there: set[str] = set()
    for sobject, records in _by_object().items():
        described = client.describe(sobject)
        seen += _object(sobject, described, records, names)
        there.update(f"{sobject}.{field.name}".lower() for field in (described.fields if described else ()))
    seen += _unread(left_out, there)
    if owner_history:
        seen.append(_history(client.describe(_HISTORY)))
    return [*seen, _calls(client.daily_calls())]


def _by_object() -> dict[str, list[type[wire.Record]]]:
    found: dict[str, list[type[wire.Record]]] = {}
    for record in wire.RECORDS:
        found.setdefault(record.sobject, []).append(record)
    return found


def _object(
    sobject: str,
    described: wire.Described | None,
    records: Sequence[type[wire.Record]],
    names: wire.FieldNames,
) -> Iterator[Observation]:
    if described is None or not described.queryable:
        fix = f"Create it if the set-up guide says so, and {_PERMISSION_SET}: Read on {sobject}."
        yield lacks_permission(f"{sobject} cannot be read.", fix)
        return
    there = {field.name.lower(): field for field in described.fields}
    faults = [fault for record in records for fault in _fields(record, there, names)]
    yield from faults
    if not faults:
        yield fine(f"{sobject} and each of its fields that is used can be read.")
    if wire.WriteBackRecord in records:
        yield from _writable(described, there, names)


def _fields(
    record: type[wire.Record], there: dict[str, wire.DescribedField], names: wire.FieldNames
) -> Iterator[Observation]:
    for alias, behind in record.fields():
        own = None if behind else names.of(record.sobject, alias)
        if own is not None and own.lower() not in there:
            yield lacks_field(
                f"{record.sobject}.{own} is not there, or may not be read.",
                f"Create it as the set-up guide says, or {_PERMISSION_SET}: read access to the field. Where "
                "the org calls it otherwise or has none, say so in the setting fields.",
            )


def _writable(
    described: wire.Described, there: dict[str, wire.DescribedField], names: wire.FieldNames
) -> Iterator[Observation]:
    sobject = wire.WriteBackRecord.sobject
    if not described.updateable:
        yield lacks_permission(
            f"{sobject} may not be edited.", f"To write back, {_PERMISSION_SET}: Edit on it."
        )
        return
    ours = [own for alias, _ in wire.WriteBackRecord.fields() if (own := names.of(sobject, alias))]
    locked = [own for own in ours if own.lower() in there and not there[own.lower()].updateable]
    for own in locked:
        yield lacks_permission(
            f"{sobject}.{own} may not be written.",
            f"To write back, {_PERMISSION_SET}: edit access to the field.",
        )
    if not locked:
        yield fine(f"The fields of {sobject} that are written back may be written.")


def _unread(left_out: Mapping[str, Set[str]], there: Set[str]) -> Iterator[Observation]:
    """A field of the org's own that is there was made to be read. Standard ones are in every org."""
    for setting, fields in left_out.items():
        found = sorted(each for each in fields if each.endswith("__c") and each.lower() in there)
        if found:
            objects, names = (dict.fromkeys(each.split(".")[part] for each in found) for part in (0, 1))
            yield leaves_unread(
                f"The setting {setting} is off: deals are planned without what is in "
                f"{', '.join(names)} of {' and '.join(objects)}",
                f"Set {setting} to yes. Where a field is not to be read, name none for it in fields.",
            )


def _history(described: wire.Described | None) -> Observation:
    if described is None or not described.queryable:
        return lacks_permission(
            "The history of owners cannot be read.",
            "Tick Enable Opportunity Field History and Opportunity Owner in Set History Tracking, or switch "
            "the setting owner_history off.",
        )
    return fine("The history of owners can be read.")


def _calls(allocation: wire.Allocation) -> Observation:
    words = f"{allocation.left} of {allocation.most} calls of the org's last 24 hours are left."
    return note(f"{words} That is little.") if allocation.left < allocation.most * _SCARCE else fine(words)
