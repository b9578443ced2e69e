"""What a fault is: something done to the house, and the trace by which it is known to have happened."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from random import Random

from tests.chaos.house import House

# Yields seconds to wait; returns how many traces it left (0: tried, but nothing was hit).
Injection = Generator[float, None, int]


@dataclass(frozen=True)
class Fault:
    """`uses`: what no other fault may touch meanwhile. `trace`: what counts as having happened, in words."""

    name: str
    uses: frozenset[str]
    trace: str
    inject: Callable[[House, Random], Injection]
    why_not: Callable[[House], str | None] = lambda _: None  # why it cannot be done on this machine


def until(is_so: Callable[[], bool], seconds: float) -> Generator[float, None, bool]:
    """Wait for something, at most so long; whether it came."""
    waited = 0.0
    while not is_so():
        if waited >= seconds:
            return False
        waited += 0.1
        yield 0.1
    return True
