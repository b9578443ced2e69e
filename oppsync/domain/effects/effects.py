"""The ledger of outside effects: one entry for each thing to be written outside, recorded before it is
written."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.values.keys import EffectKind, MadeCode
from oppsync.domain.values.model import Code, Frozen, Text


class EffectState(StrEnum):
    INTENDED = "intended"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"  # confirmed, and closed outside later by an effect of its own


class ExternalRecord(Frozen):
    """A record that exists in an outside system. `differences`: field -> [expected, found], empty when it is
    as ordered. `revisable`: those differences that may be set to what is ordered: the system can, and what was
    found is what an earlier plan of ours ordered. `closed`: it exists, but no work is done on it and nothing is
    invoiced by it any more."""

    outside_id: Code
    number: Text | None = None
    url: Text | None = None
    differences: dict[str, tuple[str, str]] = {}
    revisable: frozenset[str] = frozenset()
    response: dict[str, Any] = {}
    closed: bool = False


class Effect(Frozen):
    """One thing to be made or set in an outside system. `request` is the canonical document that is sent
    (JSON-ready).

    A `repeatable` effect sets fields of a thing that exists: sending it twice does what sending it once does.
    `quarantine`: how long an effect of unknown outcome waits before it is looked up (client time-out + late
    commit + search lag of the vendor).
    """

    key: Code
    kind: EffectKind
    path: MadeCode
    opportunity_id: UUID
    connection_id: Code
    request: dict[str, Any]
    repeatable: bool = False
    quarantine: timedelta

    @property
    def makes_something(self) -> bool:
        return self.kind not in _MAKE_NOTHING


class LedgerRow(Frozen):
    """An effect as recorded; times are the database's."""

    key: Code
    kind: EffectKind
    path: MadeCode
    state: EffectState
    request_digest: Code
    attempts: int
    sent_at: AwareDatetime | None = None
    confirmed_at: AwareDatetime | None = None
    outside_id: Code | None = None
    number: Text | None = None
    url: Text | None = None
    error: Text | None = None

    @property
    def outcome_unknown(self) -> bool:
        """Whether it was sent and nobody knows the outcome: its worker died, or the answer was unclear."""
        return self.state in (EffectState.SENT, EffectState.UNKNOWN)

    @property
    def may_exist(self) -> bool:
        """Whether the effect created something outside, or might have, that was not closed since. Messages,
        write-backs and cancellations create nothing."""
        return self.makes_something and (self.outcome_unknown or self.state is EffectState.CONFIRMED)

    @property
    def makes_something(self) -> bool:
        return self.kind not in _MAKE_NOTHING

    @property
    def was_made(self) -> bool:
        """As `may_exist`, also of what was closed since."""
        return self.may_exist or self.state is EffectState.CANCELLED


# A customer counts as nothing made: it is no project, and stays whatever becomes of the deal.
_MAKE_NOTHING = frozenset(
    {
        EffectKind.NOTIFICATION,
        EffectKind.CRM_WRITE_BACK,
        EffectKind.PSA_WRITE_BACK,
        EffectKind.CANCELLATION,
        EffectKind.CUSTOMER,
    }
)
