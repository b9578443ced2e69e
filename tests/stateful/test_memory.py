"""Thousands of histories in memory: any order of events, a crash between any two steps."""

from __future__ import annotations

from hypothesis.stateful import run_state_machine_as_test

from adapters.seed.demo_firm import reference_rows
from tests.stateful.machine import machine_in, profile
from tests.stateful.people import PEOPLE
from tests.stateful.simulation import START
from tests.stateful.worlds import MemoryWorld

REFERENCE = tuple(reference_rows())


def test_nothing_is_lost_and_nothing_is_twice_in_memory() -> None:
    machine = machine_in(lambda: MemoryWorld(START, PEOPLE, REFERENCE))

    run_state_machine_as_test(machine, settings=profile(examples=500, steps=50))
