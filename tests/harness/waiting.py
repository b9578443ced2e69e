"""How tests wait: for a fact, never for a length of time.

A slow machine must not fail a test. A fact that a test waits for becomes true sooner or later, or never:
HANG_SECONDS, the one guard of all tests, is only against the latter. It is far longer than anything takes, so
no working test passes or fails by it, and it fails with the last thing seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine, text

HANG_SECONDS = 300.0
POLL_SECONDS = 0.02
Found = TypeVar("Found")


class NotYet(Exception):
    """The answer is not available now: `until` tries again."""


def until(look: Callable[[], Found], what: str, words: Callable[[], str] = str) -> Found:
    """The first truthy result of `look`. `words` are added to the failure when it never comes."""
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


def somebody_waits(engine: Engine) -> bool:
    """Whether a statement waits for a lock that another transaction holds."""
    waiting = (
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    )
    with engine.connect() as connection:  # anew: a transaction sees one state of things
        return bool(connection.execute(text(waiting)).scalar_one())
