"""How tests wait: for a fact, never for a length of time.

A slow machine is no failure. What a test waits for comes sooner or later, or it never will: only against the
latter there is HANG_SECONDS, the one guard of all tests. It is far longer than anything takes, so that no test
passes or fails by it where things work, and it fails with what was seen last.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

HANG_SECONDS = 300.0
POLL_SECONDS = 0.02
Found = TypeVar("Found")


class NotYet(Exception):
    """What is asked cannot be answered now: `until` asks again."""


def until(look: Callable[[], Found], what: str, words: Callable[[], str] = str) -> Found:
    """The first truthy thing that `look` finds. `words` are added to the failure when there never is one."""
    deadline = time.monotonic() + HANG_SECONDS
    seen: object = None
    while True:
        try:
            found = look()
        except NotYet as reason:
            seen = reason
        else:
            if found:
                return found
            seen = found
        assert time.monotonic() < deadline, (
            f"{what}: not within {HANG_SECONDS:.0f} s; seen last: {seen!r}\n{words()}"
        )
        time.sleep(POLL_SECONDS)
