"""Read a vendor's limits from the generic response headers.

These are `RateLimit` (IETF draft-ietf-httpapi-ratelimit-headers, its older key=value form too),
`RateLimit-Remaining` and `RateLimit-Reset` (its first drafts), and the same two with `X-` before them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_HOLD = timedelta(hours=1)
# The wait when the allowance is used up and the vendor does not state when it is renewed.
SHORT_HOLD = timedelta(seconds=1)
# A reset above this is a moment in seconds since 1970, above a thousand times this in milliseconds; below, a
# wait.
A_MOMENT = 10**9

_REMAINING = re.compile(r"(?:^|[;,\s])(?:remaining|r)\s*=\s*(\d{1,15})", re.IGNORECASE)
_RESET = re.compile(r"(?:^|[;,\s])(?:reset|t)\s*=\s*(\d{1,15})", re.IGNORECASE)


@dataclass(frozen=True)
class Signal:
    """`hold`: how long to call nothing. `remaining`: the calls left in the window, None when not stated."""

    hold: timedelta | None = None
    remaining: int | None = None


SILENT = Signal()


def read_limit_headers(headers: Mapping[str, str], now: datetime) -> Signal:
    """Takes header names in lower case; unreadable values are ignored."""
    combined = headers.get("ratelimit", "")
    remaining = _matched(_REMAINING, combined)
    reset = _matched(_RESET, combined)
    for prefix in ("ratelimit-", "x-ratelimit-"):
        if remaining is None:
            remaining = _number(headers.get(f"{prefix}remaining"))
        if reset is None:
            reset = _number(headers.get(f"{prefix}reset"))
    if remaining is None:
        return SILENT
    return Signal(_wait(reset, now) if remaining == 0 else None, remaining)


def _wait(reset: int | None, now: datetime) -> timedelta:
    if reset is None:
        return SHORT_HOLD
    seconds = float(reset)
    if reset > A_MOMENT:
        moment = reset / 1000 if reset > A_MOMENT * 1000 else reset
        seconds = moment - now.timestamp()
    return min(max(timedelta(seconds=min(seconds, LONGEST_HOLD.total_seconds())), timedelta(0)), LONGEST_HOLD)


def _matched(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(found[1]) if found else None


def _number(text: str | None) -> int | None:
    whole = (text or "").strip().partition(".")[0]
    return int(whole) if whole.isascii() and whole.isdigit() and len(whole) <= len("999999999999999") else None
