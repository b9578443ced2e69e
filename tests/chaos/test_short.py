"""A short run of the bench: fixed seeds, the most telling faults. Only a broken promise fails it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from adapters.operations.supervisor import PROJECT
from tests.harness.waiting import HANG_SECONDS

SHORT = {
    "processes": (
        "SIGKILL worker",
        "paused for 20 s",
        "SIGKILL all",
        "named place",
        "SIGTERM",
        "tryton: commits late",
    ),
    "stores": (
        "FLUSHALL",
        "back empty",
        "Postgres crashed",
        "COMMIT lost",
        "disk full",
        "tryton: drops",
        "restored",
    ),
}


@pytest.mark.parametrize("what", SHORT)
def test_nothing_is_lost_and_nothing_is_there_twice(what: str) -> None:
    chosen = [word for name in SHORT[what] for word in ("--only", name)]
    # How soon a process ends after SIGTERM depends on the machine here; only the bench on its own machine
    # judges it.
    patient = ["--kill-after", str(HANG_SECONDS)]
    run = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--seed", f"short {what}", "--deals", "30", *patient, *chosen],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    sys.stdout.write(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
