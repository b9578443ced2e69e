"""What differs between the record that people approved and the record as it is now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from itertools import takewhile
from typing import Any

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.values.model import Frozen, Text
from oppsync.domain.values.money import amount_text
from oppsync.kernel.json_pointer import is_within, leaves

# What no plan depends on, or what only says how a thing is called.
_NO_MATTER = (
    "/schema_version",
    "/system",
    "/id",
    "/version",
    "/modified_at",
    "/url",
    "/name",
    "/stage",
    "/is_won",
    "/probability",
    "/custom_attributes",
    "/unread",
    "/account/name",
    "/owner/name",
)
_LONGEST = 500
# Of two long texts, what is shown begins so many signs before they differ.
_BEFORE = 60
_AMOUNTS = ("/amount", "/unit_price", "/net", "/po_limit")
_LINE = re.compile(r"/lines/([^/]+)")


class ChangeSinceApproval(Frozen):
    """One field of the CRM's record: `approved` is what the plan was approved with, `now` what the CRM says.

    `field` is a JSON pointer into the record that names lines and milestones by their ids. A value that is
    empty or that does not exist is the empty text.
    """

    field: Text
    approved: Text
    now: Text

    def in_words(self, approved: Opportunity, now: Opportunity, label: str) -> str:
        """`label`: the field as the CRM calls it."""
        was, wanted = self.shown(approved, now)
        return f"{label}: {was or 'empty'} when it was approved, {wanted or 'empty'} now"

    def shown(self, approved: Opportunity, now: Opportunity) -> tuple[str, str]:
        """Both values as people read them: amounts with their currency, the owner by name."""
        return _shown(self.field, self.approved, approved), _shown(self.field, self.now, now)


def changes_since(approved: Opportunity, now: Opportunity) -> tuple[ChangeSinceApproval, ...]:
    """The fields that matter to a plan and that differ, in the order of the record."""
    before, after = _fields(approved), _fields(now)
    return tuple(
        _change(field, before.get(field, ""), after.get(field, ""))
        for field in dict.fromkeys([*before, *after])
        if before.get(field, "") != after.get(field, "")
    )


def _change(field: str, approved: str, now: str) -> ChangeSinceApproval:
    """Of texts too long to be kept, the part in which they differ."""
    begin = 0
    if max(len(approved), len(now)) > _LONGEST:
        same = takewhile(lambda signs: signs[0] == signs[1], zip(approved, now, strict=False))
        begin = max(0, sum(1 for _ in same) - _BEFORE)
    return ChangeSinceApproval(field=field, approved=_part(approved, begin), now=_part(now, begin))


def _part(value: str, begin: int) -> str:
    shown = value[begin:][:_LONGEST]
    return f"...{shown}" if begin and shown else shown


def line_named(field: str, approved: Opportunity, now: Opportunity) -> str:
    """` of Advisory` for a field of that line; empty for one of the deal."""
    found = _LINE.match(field)
    titles = {line.id: line.title for each in (now, approved) for line in each.lines}
    return f" of {titles.get(found[1], found[1])}" if found else ""


def _shown(field: str, value: str, record: Opportunity) -> str:
    if value and field.endswith(_AMOUNTS):
        return amount_text(Decimal(value), record.currency)
    if value and field == "/owner/id" and record.owner is not None and record.owner.id == value:
        return record.owner.name
    return value


def _fields(record: Opportunity) -> Mapping[str, str]:
    document = _by_id(record.model_dump(mode="json"))
    return {
        place: "" if value in (None, {}, []) else str(value)
        for place, value in leaves(document)
        if not any(is_within(place, ignored) for ignored in _NO_MATTER)
    }


def _by_id(value: Any) -> Any:
    """Lists of things that have ids as objects, so that one more line is not a change of all others."""
    if isinstance(value, dict):
        return {name: _by_id(item) for name, item in value.items()}
    if isinstance(value, list) and all(isinstance(item, dict) and "id" in item for item in value):
        return {item["id"]: _by_id(item) for item in value}
    return value
