"""Exception items: what waits for a person. Dead letters are items too, of their own disposition."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, field_serializer

from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.finding import Finding, OwnerRole
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.values.money import amount_text, exact_text
from oppsync.domain.work.payload_references import mirrored_connection, polled_connection

# Reported for a deal that continues or has ended: none of these parks it.
BESIDE_THE_WORK = frozenset(
    {"LOST_AFTER_APPROVAL", "CHANGED_AFTER_APPROVAL", "APPROVAL_LOST", "NOTIFICATION_REFUSED"}
)


class Disposition(StrEnum):
    BUSINESS = "business"
    DEAD_LETTER = "dead_letter"


class ExceptionStatus(StrEnum):
    OPEN = "open"
    REPLAYED = "replayed"
    DISMISSED = "dismissed"


class NewException(Frozen):
    """`payload_reference` is where the payload is kept: a string of `payload_references`."""

    tenant_id: Code
    opportunity_id: UUID | None = None
    delivery_id: UUID | None = None
    stage: Code | None = None
    disposition: Disposition = Disposition.BUSINESS
    code: Code
    message: Text
    owner: OwnerRole
    findings: tuple[Finding, ...] = ()
    payload_reference: Code

    @property
    def subject(self) -> str:
        """The subject of the item: a deal, a delivery or a poll. A subject has at most one open item of a
        code."""
        return str(self.opportunity_id or self.delivery_id or self.payload_reference)


class ExceptionItem(NewException):
    """`opportunity_name`, `account`, `amount`: of its deal as last read; None where there is no deal."""

    id: UUID
    status: ExceptionStatus
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    occurrences: int = 1
    closed_at: AwareDatetime | None = None
    closed_by: Code | None = None
    reason: Text = ""
    opportunity_name: Text | None = None
    account: Text | None = None
    amount: Decimal | None = None
    currency: Code | None = None

    @field_serializer("amount")
    def _amount_as_text(self, amount: Decimal | None) -> str | None:
        return None if amount is None else exact_text(amount, self.currency)

    @property
    def was_replayed(self) -> bool:
        """Whether it was closed so that its deal is worked again. What is told beside the work and is settled
        by itself is not."""
        by_itself = (self.closed_by or "").startswith(stage_actor(""))
        return self.status is ExceptionStatus.REPLAYED and not (by_itself and self.code in BESIDE_THE_WORK)

    @property
    def about(self) -> str:
        """The deal in words: `Portal relaunch, Globex GmbH, EUR 864.00`; empty where there is none."""
        sum_ = None if self.amount is None else amount_text(self.amount, self.currency)
        return ", ".join(part for part in (self.opportunity_name, self.account, sum_) if part)

    @property
    def polled_connection(self) -> str | None:
        """The connection whose poll this is about."""
        return polled_connection(self.payload_reference)

    @property
    def mirrored_connection(self) -> str | None:
        """The connection whose master data this is about."""
        return mirrored_connection(self.payload_reference)
