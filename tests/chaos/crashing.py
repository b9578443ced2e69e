"""`python -m tests.chaos.crashing actors.worker`: a process of the product that dies at a chosen place.

`CHAOS_CRASH_AT` is `place:number`: it dies when it reaches the place for the number-th time. `CHAOS_POISON`
names a file with record ids: it dies whenever it begins work on one of them.
"""

from __future__ import annotations

import itertools
import os
import runpy
import signal
import sys
from pathlib import Path

from oppsync.kernel.crash_points import hang_in

CRASH_AT, POISON = "CHAOS_CRASH_AT", "CHAOS_POISON"
DIED_AT = "chaos: died at"


def arm() -> None:
    """Install the crash points that the environment asks for."""
    wanted, _, number = os.environ.get(CRASH_AT, "").partition(":")
    passed = itertools.count(1)
    poison = Path(os.environ[POISON]) if POISON in os.environ else None

    def hook(place: str, subject: str) -> None:
        if place == wanted and next(passed) == int(number):
            _die(place, subject)
        if poison is not None and place == "stage.begins" and subject in poison.read_text().split():
            _die(place, f"poison {subject}")

    hang_in(hook)


def _die(place: str, subject: str) -> None:
    os.write(sys.stderr.fileno(), f"{DIED_AT} {place} {subject}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    arm()
    module = sys.argv.pop(1)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
