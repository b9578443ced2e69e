"""What an entry of the timeline changed and what else it says, in words: one fact a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from oppsync.domain.deal.field_words import field_words
from oppsync.domain.reading.readings import TimelineEntry
from oppsync.domain.work.states import State
from oppsync.kernel.json_pointer import pointer
from web.pages.statuses import state_name

Place = tuple[str, ...]
# What people call something by, the best first.
_NAMES = ("title", "description", "name", "product_name", "product_code")

# From when to when a stage worked, for programs: an entry has its time.
_OF_A_STAGE = ("began", "ended")


class Fact(NamedTuple):
    name: str
    value: str


def facts(entry: TimelineEntry) -> list[Fact]:
    """List what differs, then the details. A field that is named only as it was is not said to be empty now."""
    was, now = dict(_facts(entry.before)), dict(_facts(entry.after))
    changes = [
        Fact(known.name, _change(was.get(place), now.get(place), still_there=place[0] in entry.after))
        for place, known in {**was, **now}.items()
        if was.get(place) != now.get(place)
    ]
    details = {name: value for name, value in entry.detail.items() if name not in _OF_A_STAGE}
    return [*changes, *(fact for _place, fact in _facts(details))]


def _change(was: Fact | None, now: Fact | None, *, still_there: bool) -> str:
    if was is None:
        return now.value if now else ""
    if now is None:
        return f"{was.value} before, empty now" if still_there else f"{was.value} before"
    return f"{was.value} before, {now.value} now"


def _facts(value: Any, place: Place = (), of: str = "") -> Iterator[tuple[Place, Fact]]:
    """Every value that is not empty, under its place. What stands in a list is placed by its id, so that one
    line more is not a change of all others, and is named as people call it."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _facts(item, (*place, name), of)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value, start=1):
            yield from _facts(item, (*place, _id(item, number)), f" of {_title(item, number)}")
    elif value not in (None, "", []):
        yield place, Fact(f"{_label(place)}{of}", _words(value))


def _id(item: Any, number: int) -> str:
    return str(item.get("id", number)) if isinstance(item, dict) else str(number)


def _title(item: Any, number: int) -> str:
    names = (item.get(name) for name in _NAMES) if isinstance(item, dict) else ()
    return str(next((name for name in names if name), number))


def _label(place: Place) -> str:
    return field_words(pointer(place)).label or "Id"


def _words(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_words, value))
        case str() if value in set(State):
            return state_name(State(value))
        case _:
            return str(value)
