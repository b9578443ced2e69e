"""Thousands of histories: any order of events, a crash between any two steps. Nothing is lost, nothing done
twice."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.conftest import REFERENCE
from tests.stateful.machine import machine_in, profile
from tests.stateful.matrices import machine_with_matrix
from tests.stateful.people import PEOPLE
from tests.stateful.simulation import START
from tests.stateful.worlds import MemoryWorld, World


def test_histories_in_memory(memory: Callable[[], World]) -> None:
    run_state_machine_as_test(machine_in(memory), settings=profile(examples=500, steps=50))


def test_histories_of_firms_with_an_approval_matrix() -> None:
    machine = machine_with_matrix(lambda matrix: MemoryWorld(START, PEOPLE, (*REFERENCE, *matrix)))
    run_state_machine_as_test(machine, settings=profile(examples=100, steps=40))


def test_histories_on_postgres(postgres: Callable[[], World]) -> None:
    run_state_machine_as_test(machine_in(postgres), settings=profile(examples=20, steps=30))
