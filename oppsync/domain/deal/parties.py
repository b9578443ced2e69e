"""Who has a part in a deal in the CRM: whoever ever owned it, and whoever requested it."""

from __future__ import annotations

from enum import StrEnum

from oppsync.domain.deal.opportunity import Opportunity, Owner
from oppsync.domain.values.model import Code, Frozen, Text


class Part(StrEnum):
    OWNER = "owner"
    REQUESTER = "requester"


class Party(Frozen):
    """A user of the CRM, under one of the addresses that were ever seen of them."""

    part: Part
    user_id: Code
    name: Text
    email: Code | None = None


def parties_of(record: Opportunity | None) -> tuple[Party, ...]:
    """Those whom one reading names."""
    if record is None:
        return ()
    owners = (record.owner, *record.past_owners)
    named = [_party(Part.OWNER, owner) for owner in owners if owner is not None]
    if record.created_by is not None:
        named.append(_party(Part.REQUESTER, record.created_by))
    return tuple(dict.fromkeys(named))


def _party(part: Part, user: Owner) -> Party:
    return Party(part=part, user_id=user.id, name=user.name, email=user.email)
