"""Exception items: what waits for a person. Dead letters are items too, of their own disposition."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.values.findings.finding import Finding, OwnerRole
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.work.payload_references import polled_connection


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
        """What the item is about: a deal, a delivery or a poll. A subject has at most one open item of a
        code."""
        return str(self.opportunity_id or self.delivery_id or self.payload_reference)


class ExceptionItem(NewException):
    id: UUID
    status: ExceptionStatus
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    occurrences: int = 1
    closed_at: AwareDatetime | None = None
    closed_by: Code | None = None
    reason: Text = ""

    @property
    def polled_connection(self) -> str | None:
        """The connection whose poll this is about."""
        return polled_connection(self.payload_reference)
