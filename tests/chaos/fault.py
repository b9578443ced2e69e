"""A fault: something done to the running product, and the trace that proves it happened."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from random import Random

from tests.chaos.house import House

# Yields seconds to wait; returns how many traces the fault left (0: tried, but without effect).
Injection = Generator[float, None, int]


@dataclass(frozen=True)
class Fault:
    """`uses`: what no other fault may touch at the same time. `trace`: a description of what proves the
    fault."""

    name: str
    uses: frozenset[str]
    trace: str
    inject: Callable[[House, Random], Injection]
    why_not: Callable[[House], str | None] = lambda _: None  # why it cannot be done on this machine


def until(is_so: Callable[[], bool], seconds: float) -> Generator[float, None, bool]:
    """Wait until something is so, for at most these seconds; return whether it became so."""
    waited = 0.0
    while not is_so():
        if waited >= seconds:
            return False
        waited += 0.1
        yield 0.1
    return True
