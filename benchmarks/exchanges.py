"""Calls as the vendors saw them, and how many of them waited for one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Exchange(NamedTuple):
    """`began` and `ended`: when the call was read, and when its answer was written, in seconds of one clock."""

    vendor: str
    method: str
    path: str
    began: float
    ended: float


def round_trips(calls: Sequence[Exchange]) -> int:
    """The most calls of which each began after the one before it was answered.

    Whoever takes the call that is answered first, and then always the first answered of those that begin
    later, gets the longest such chain.
    """
    count, answered = 0, float("-inf")
    for call in sorted(calls, key=lambda each: each.ended):
        if call.began >= answered:
            count, answered = count + 1, call.ended
    return count


def most_at_once(calls: Sequence[Exchange]) -> int:
    """The most calls that waited for their answers at one time. A call that begins as another ends does not
    overlap it."""
    changes = sorted([(call.began, 1) for call in calls] + [(call.ended, -1) for call in calls])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def timeline(calls: Sequence[Exchange], since: float) -> list[dict[str, object]]:
    """When each call began and was answered, in milliseconds since a moment."""
    return [
        {
            "began ms": round(1000 * (call.began - since)),
            "answered ms": round(1000 * (call.ended - since)),
            "call": f"{call.vendor} {call.method} {call.path}",
        }
        for call in sorted(calls, key=lambda each: each.began)
    ]


def by_method(calls: Sequence[Exchange]) -> Counter[str]:
    return Counter(f"{call.vendor} {call.method}" for call in calls)
