"""Faults of a stand-in: how many of the calls a rule spoils."""

from __future__ import annotations

from sandbox.standins.faults import Fault, Faults
from sandbox.standins.wire import Call

CALL = Call("POST", "/services/data/v62.0/composite")


def spoilt(faults: Faults, calls: int) -> list[int]:
    """Which of so many calls, counted from 1."""
    return [number for number in range(1, calls + 1) if faults.take(CALL)[0] is not None]


def test_a_share_of_the_calls_is_spread_evenly_until_it_is_cleared() -> None:
    faults = Faults()
    faults.put([Fault(share=0.3, count=None, status=429)])
    assert spoilt(faults, 20) == [4, 7, 10, 14, 17, 20]
    assert faults.report()[0]["hits"] == 6
    faults.put([])
    assert spoilt(faults, 20) == []


def test_without_a_share_the_first_calls_are_spoilt() -> None:
    faults = Faults()
    faults.put([Fault(path="/elsewhere", count=None), Fault(count=2, status=500)])
    assert spoilt(faults, 5) == [1, 2]


def test_what_one_rule_leaves_may_be_spoilt_by_the_next() -> None:
    faults = Faults()
    faults.put([Fault(share=0.5, count=None, status=429), Fault(count=1, status=500)])
    assert spoilt(faults, 4) == [1, 2, 4]
