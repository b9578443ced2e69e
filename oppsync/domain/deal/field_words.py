"""What people call a field of the canonical opportunity, where its CRM has no name of its own for it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from oppsync.domain.deal.reading import FieldOfCrm

_WORDS: Mapping[str, str] = {
    "won_on": "close date",
    "starts_on": "start date",
    "ends_on": "end date",
    "signed_on": "day of signing",
    "planned_on": "planned date",
    "net": "net amount",
    "po_number": "purchase order number",
    "po_limit": "limit of the purchase order",
    "po_expires_on": "last day of the purchase order",
    "po_required": "purchase order required",
    "id": "",
    "email": "e-mail address",
    "tax_id": "tax id",
    "document_url": "link to the contract",
}
# A field of these is named with what it belongs to.
_OWNERS = ("account", "owner", "cap", "deposit", "retainer", "milestones", "custom_attributes")

_POSITION = re.compile(r"/(\d+)(?=/|$)")


def field_words(place: str) -> FieldOfCrm:
    """`/contract/billing/cap/amount` -> `Cap amount`, `/owner/id` -> `Owner`."""
    steps = [step for step in place.split("/") if step]
    of = [step.removesuffix("s") for step in steps[:-1] if step in _OWNERS]
    named = (
        " ".join((*of, _WORDS.get(steps[-1], steps[-1])) if steps else ("record",)).replace("_", " ").strip()
    )
    return FieldOfCrm(named[:1].upper() + named[1:])


def place_words(place: str) -> str:
    """The same for a place that names a line by its position: `/lines/0/net` -> `Net amount of line 1`."""
    positions = [int(position) + 1 for position in _POSITION.findall(place)]
    bare = _POSITION.sub("", place)
    if not positions:
        return field_words(bare).label
    if bare == "/lines":
        return f"Line {positions[0]}"
    return f"{field_words(bare).label} of line {positions[0]}"
