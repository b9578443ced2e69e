"""Calls made to outside systems for an opportunity, as they are kept for people."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.values.model import Code, Frozen


class VendorCall(Frozen):
    """`target` is path and query. `request` and `response` are bodies, redacted and cut; None without one.

    `status` is None when no answer came; `outcome` is `ok` or the code of what it meant. Nothing is known of a
    call whose worker was killed before its step ended.
    """

    id: UUID
    at: AwareDatetime
    opportunity_id: UUID
    connection_id: Code
    stage: Code
    method: Code
    target: str
    status: int | None
    outcome: Code
    milliseconds: int
    request: str | None
    response: str | None
