"""Exception items: what waits for a person. Dead letters are items too, of their own disposition."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.values.findings.finding import Finding, OwnerRole
from oppsync.domain.values.model import Code, Frozen, Text


class Disposition(StrEnum):
    BUSINESS = "business"
    DEAD_LETTER = "dead_letter"


class ExceptionStatus(StrEnum):
    OPEN = "open"
    REPLAYED = "replayed"
    DISMISSED = "dismissed"


class NewException(Frozen):
    """`payload_reference` says where the payload is kept: `delivery:<id>`, `effect:<key>` or `record:<id>`.

    An item about no deal and no delivery is about the poll of a connection: `poll:<connection id>`.
    """

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


POLL = "poll:"


def poll_reference(connection_id: str) -> str:
    return f"{POLL}{connection_id}"


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
        return self.payload_reference.removeprefix(POLL) if self.payload_reference.startswith(POLL) else None
