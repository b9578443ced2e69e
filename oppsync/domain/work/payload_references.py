"""Where the payload of an exception item is kept: one stored string an item, made and read here.

An item that is about no deal and no delivery is about the poll of a connection, or about its mirrored master
data, and is known by this string.
"""

from __future__ import annotations

from uuid import UUID

_POLL = "poll:"
_MIRROR = "mirror:"


def record_reference(opportunity_id: UUID) -> str:
    """The CRM's record as last read, on the opportunity."""
    return f"record:{opportunity_id}"


def delivery_reference(delivery_id: UUID) -> str:
    """The body of a delivery, in the inbox."""
    return f"delivery:{delivery_id}"


def message_reference(message_id: str) -> str:
    """A dead letter of the broker's, mirrored to Postgres."""
    return f"message:{message_id}"


def poll_reference(connection_id: str) -> str:
    """No payload: the connection's poll itself."""
    return f"{_POLL}{connection_id}"


def mirror_reference(connection_id: str, kind: str) -> str:
    """No payload: the mirrored master data of one kind."""
    return f"{_MIRROR}{kind}:{connection_id}"


def mirrored_connection(reference: str) -> str | None:
    """The connection of a `mirror_reference`; None for any other reference."""
    return reference.split(":", 2)[2] if reference.startswith(_MIRROR) else None


def polled_connection(reference: str) -> str | None:
    """The connection of a `poll_reference`; None for any other reference."""
    return reference.removeprefix(_POLL) if reference.startswith(_POLL) else None
