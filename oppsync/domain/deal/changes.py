"""What differs between two readings of one record."""

from __future__ import annotations

from typing import Any

from oppsync.domain.deal.opportunity import Opportunity

# The CRM's bookkeeping: it changes with every save, our own write-back's too.
_BOOKKEEPING = {"version", "modified_at"}


def changes(before: Opportunity | None, after: Opportunity) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that differ, JSON-ready: as they were and as they are; for a first reading, every field it
    has."""
    now = after.model_dump(mode="json", exclude=_BOOKKEEPING)
    if before is None:
        return {}, {name: value for name, value in now.items() if value not in (None, [], {})}
    was = before.model_dump(mode="json", exclude=_BOOKKEEPING)
    # A field that is left out of a document stands at its default.
    different = [name for name in type(after).model_fields if now.get(name) != was.get(name)]
    return {name: was.get(name) for name in different}, {name: now.get(name) for name in different}
