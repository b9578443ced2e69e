"""JSON pointers (RFC 6901): how a place in a document is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def pointer(parts: Iterable[object]) -> str:
    """`("lines", 0, "a/b")` -> `/lines/0/a~1b`; no parts give the empty pointer, the whole document."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def leaves(document: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that contains no other value, with its pointer; empty objects and lists count."""
    children: Iterable[tuple[object, Any]] = ()
    if isinstance(document, dict):
        children = document.items()
    elif isinstance(document, list):
        children = enumerate(document)
    if not children or not document:
        yield at, document
        return
    for name, value in children:
        yield from leaves(value, at + pointer([name]))


def is_within(place: str, above: str) -> bool:
    """Whether `place` is `above` or lies below it."""
    return place == above or place.startswith(f"{above}/")
