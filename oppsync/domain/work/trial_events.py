"""A test event: what we send to a connection's own webhook, to see that an event arrives. It names no
record."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from oppsync.kernel import canonical_json

TYPE = "oppsync.test"


class TrialEvent(NamedTuple):
    """`status` of the answer; None when there was none. `event_id` under which it is kept."""

    arrived: bool
    says: str
    status: int | None = None
    event_id: UUID | None = None


def body_of(connection_id: str) -> bytes:
    return canonical_json.dumps({"type": TYPE, "connection": connection_id}).encode()


def is_trial_event(body: bytes) -> bool:
    if TYPE.encode() not in body:
        return False
    try:
        document = canonical_json.loads(body)
    except canonical_json.UnreadableJson:
        return False
    return isinstance(document, dict) and document.get("type") == TYPE
