"""Which tests run on a mutation, in which order, and their result."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutation import Mutation
from tests.mutants.warm import ROOT, Run, run

_STORIES = (
    "effects",
    "crashes_and_pauses",
    "decisions",
    "crm_changes",
    "lost_messages",
    "close_date",
    "planning_anew",
)
_STATEFUL = [f"tests/stateful/test_{name}.py" for name in (*_STORIES, "turns", "every_step", "histories")]
_SHORT_BENCH = "tests/chaos/test_short.py"


@dataclass(frozen=True)
class Tests:
    """Some of the project's tests, in the order in which they run."""

    name: str
    arguments: tuple[str, ...]
    longest_seconds: int = 1_800


MEMORY = Tests("stateful, in memory", (*_STATEFUL, "-k", "not postgres"))
UNIT = Tests("unit", ("tests/unit",))
POSTGRES = Tests("stateful, on Postgres", (*_STATEFUL, "-k", "postgres"))
INTEGRATION = Tests("integration and contract", ("tests/integration", "tests/contract"))
SERVICE = Tests("service", ("tests/service",))
WEB = Tests("web", ("tests/web",))
BENCH = Tests("the bench", (_SHORT_BENCH,))
_FOLDERS = {
    "tests/stateful": POSTGRES,
    "tests/unit": UNIT,
    "tests/integration": INTEGRATION,
    "tests/contract": INTEGRATION,
    "tests/service": SERVICE,
    "tests/web": WEB,
    "tests/chaos": BENCH,
}


class InvalidError(Exception):
    """A mutation that does not even run proves nothing."""


@dataclass(frozen=True)
class Verdict:
    """`caught_by`: the first test that failed; None when none did."""

    asked: str
    caught_by: str | None
    seconds: float


def listed() -> list[str]:
    """The project's files: those that git knows or would add."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted(name for name in found.stdout.splitlines() if (ROOT / name).is_file())


def copy_tree(source: Path, names: Sequence[str], to: Path) -> Path:
    """Copy the files as they are now; the virtual environment and the caches are shared."""
    for name in names:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, to / name)
    (to / ".venv").symlink_to(ROOT / ".venv")
    (to / ".oppsync").mkdir()
    (ROOT / ".oppsync" / "cache").mkdir(parents=True, exist_ok=True)
    (to / ".oppsync" / "cache").symlink_to(ROOT / ".oppsync" / "cache")
    return to


def digest_of(tree: Path, names: Sequence[str]) -> str:
    """A digest of everything that can change a verdict: not the documents, and not the files in this folder."""
    digest = hashlib.sha256()
    for name in names:
        if not name.endswith(".md") and not name.startswith("tests/mutants/"):
            digest.update(f"{name}\0".encode() + (tree / name).read_bytes() + b"\0")
    return digest.hexdigest()


def stages(mutation: Mutation, tree: Path, remembered: Verdict | None) -> list[Tests]:
    """First the test that caught it on another tree or that it names; last the bench, for what all others
    miss."""
    named = (remembered.caught_by if remembered else None, mutation.first)
    known = [test for test in named if test and _is_there(tree, test)]
    first = [Tests(stage_of(test).name, (test,)) for test in known[:1]]
    core = [MEMORY, UNIT] if mutation.in_core else []
    bench = [BENCH] if (tree / _SHORT_BENCH).exists() else []
    return [*first, *core, POSTGRES, SERVICE, INTEGRATION, WEB, *bench]


def _is_there(tree: Path, test: str) -> bool:
    """A class's test is found by its class, since a contract suite may define the test itself."""
    file, _, name = test.partition("::")
    first = re.escape(name.partition("::")[0].partition("[")[0])
    return (tree / file).is_file() and bool(
        re.search(rf"^(?:def|class) {first}\(", (tree / file).read_text(), re.MULTILINE)
    )


def stage_of(test: str) -> Tests:
    """The stage that a test belongs to."""
    stage = next(stage for folder, stage in _FOLDERS.items() if test.startswith(folder))
    return MEMORY if stage is POSTGRES and "postgres" not in test else stage


def try_out(mutation: Mutation, tree: Path, remembered: Verdict | None) -> Verdict:
    """Run tests until one fails. Leaves `tree` as it was. Raises DoesNotApplyError and InvalidError."""
    began, asked = time.monotonic(), stages(mutation, tree, remembered)
    before = mutation.apply(tree)
    try:
        for tests in asked:
            if caught_by := failing_test(tree, tests):
                return Verdict(tests.name, caught_by, time.monotonic() - began)
    finally:
        (tree / mutation.file).write_text(before)
    return Verdict(asked[-1].name, None, time.monotonic() - began)


def failing_test(tree: Path, tests: Tests) -> str | None:
    """The first test that fails in `tree`, None when all pass. Raises InvalidError when they cannot be run."""
    ended = ask(tree, tests)
    if ended.code is None:  # a matter of the machine: the simulation ends an endless loop by itself
        raise InvalidError(f"{tests.name} did not end within {tests.longest_seconds} s")
    if ended.code == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$", ended.said, re.MULTILINE)
    if ended.code != 1 or found is None:
        raise InvalidError(f"{tests.name} cannot be run:\n{ended.said[-4000:]}")
    return found[1]


def ask(tree: Path, tests: Tests) -> Run:
    return run(tree, ["-x", "-q", "-rfE", *tests.arguments], tests.longest_seconds)
