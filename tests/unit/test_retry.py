"""A transient failure is retried: later each time, never all at once, never before the vendor's Retry-After."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppsync.kernel.errors import RateLimited, VendorUnavailable
from oppsync.pipeline.retry import FIRST, LONGEST, MAX_TRIES, backoff

AWAY = VendorUnavailable("away")


@given(tries=st.integers(0, MAX_TRIES), chance=st.floats(0, 1, exclude_max=True))
def test_a_pause_lies_between_half_and_all_of_what_it_grew_to(tries: int, chance: float) -> None:
    pause = backoff(tries, AWAY, chance)

    assert FIRST / 2 <= pause <= LONGEST
    assert backoff(tries, AWAY, 0.0) <= pause


@given(tries=st.integers(0, MAX_TRIES), chance=st.floats(0, 1, exclude_max=True))
def test_a_later_try_never_waits_less(tries: int, chance: float) -> None:
    assert backoff(tries + 1, AWAY, chance) >= backoff(tries, AWAY, chance)


def test_it_doubles_until_it_is_capped() -> None:
    seconds = [backoff(tries, AWAY, 0.0).total_seconds() for tries in range(10)]

    assert seconds == [1, 2, 4, 8, 16, 32, 64, 128, 150, 150]


def test_chance_spreads_what_failed_together() -> None:
    assert len({backoff(3, AWAY, chance / 100) for chance in range(100)}) == 100


@pytest.mark.parametrize(("wish", "pause"), [(3_600, 3_600), (0, 1)])
def test_the_vendor_s_wish_is_honoured(wish: int, pause: int) -> None:
    limited = RateLimited("later", retry_after=timedelta(seconds=wish))

    assert backoff(0, limited, 0.0) == timedelta(seconds=pause)


def test_an_outage_of_hours_uses_up_no_retries() -> None:
    shortest = sum((backoff(tries, AWAY, 0.0) for tries in range(MAX_TRIES)), timedelta(0))

    assert shortest > timedelta(hours=12)
