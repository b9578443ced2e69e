"""When a transient failure comes back: exponential, with jitter, capped, never before the vendor asked for."""

from __future__ import annotations

from datetime import timedelta

from oppsync.kernel.errors import TransientError

FIRST = timedelta(seconds=2)
LONGEST = timedelta(minutes=5)
# At five minutes each this is about a day: an outage of hours parks nobody.
MAX_TRIES = 300


def backoff(tries: int, error: TransientError, chance: float) -> timedelta:
    """The pause before try number `tries` + 1. `chance` in [0, 1) is the jitter: between half and all of it."""
    grown = min(LONGEST, FIRST * int(2 ** min(tries, 10)))
    jittered = grown * (0.5 + chance / 2)
    return max(jittered, error.retry_after or timedelta(0))
