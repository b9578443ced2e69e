"""What trying deals by other rows does not show, because records are as they were read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from oppsync.domain.reference.book import ReferenceKind


def maps_among(changes: Iterable[tuple[ReferenceKind, str]]) -> tuple[str, ...]:
    """The connections whose maps are among the changed rows, by kind and key."""
    return tuple(sorted({key for kind, key in changes if kind is ReferenceKind.CONNECTION_MAP}))


def maps_in_words(connections: Sequence[str]) -> str:
    """A sentence; empty where no map differs."""
    if not connections:
        return ""
    return (
        f"What the changed connection maps ({', '.join(connections)}) read of other systems is not tried: "
        "deals are as they were read by the maps of then."
    )
