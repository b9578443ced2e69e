"""Runs of pytest that start warm: libraries are imported once, and each run is a fork of that process.

A run imports all of our own modules anew, from its tree. Most mutations are caught within a second, and
importing the libraries takes longer than that.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"actors", "adapters", "benchmarks", "migrations", "oppsync", "sandbox", "tests", "web"}

_forks = get_context("forkserver")
# For the libraries that they import.
_forks.set_forkserver_preload(
    ["pytest", "tests.conftest", "tests.harness.house", "tests.stateful.test_histories"]
)


@dataclass(frozen=True)
class Run:
    """`code`: pytest's exit code; None when the run had to be stopped."""

    code: int | None
    said: str


def run(tree: Path, arguments: Sequence[str], longest_seconds: float) -> Run:
    """Run pytest in `tree`. Temporary folders are its own: runs at once would clear each other's away."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        said = Path(folder) / "said"
        said.touch()
        process = _forks.Process(target=_run, args=(str(tree), list(arguments), str(said)))
        process.start()
        process.join(longest_seconds)
        code = process.exitcode
        if code is None:
            process.kill()
            process.join()
        return Run(code, said.read_text(errors="replace"))


def _run(tree: str, arguments: list[str], said: str) -> None:
    writes = os.open(said, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(writes, stream)
    os.chdir(tree)
    sys.path[:] = [tree, *(path for path in sys.path if path not in ("", str(ROOT)))]
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.dont_write_bytecode = True
    os.environ |= {
        "OPPSYNC_STATEFUL_QUICK": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DEBUG_TEMPROOT": str(Path(said).parent),
    }
    # Libraries that are pytest plugins too are loaded before pytest, so it cannot rewrite their assertions.
    known = ["-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    sys.exit(int(pytest.main([*known, *arguments])))
