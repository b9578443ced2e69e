"""Calls made to outside systems for an opportunity, as they are stored for people to read."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.values.model import Code, Frozen


class VendorCall(Frozen):
    """`target` is path and query. `request` and `response` are bodies, redacted and cut; None without one.

    `status` is None when no answer came; `outcome` is `ok` or an error's code. A call whose worker was killed
    before its step ended is not recorded.
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
