"""Thousands of histories: any order of events, a crash between any two steps. Nothing is lost, nothing done
twice."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import machine_in, profile
from tests.stateful.worlds import World


def test_histories_in_memory(memory: Callable[[], World]) -> None:
    run_state_machine_as_test(machine_in(memory), settings=profile(examples=500, steps=50))


def test_histories_on_postgres(postgres: Callable[[], World]) -> None:
    run_state_machine_as_test(machine_in(postgres), settings=profile(examples=20, steps=30))
