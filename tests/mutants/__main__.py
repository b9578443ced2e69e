"""`python -m tests.mutants [part of a name ...]`: the engine made wrong in one place at a time; what notices?

Works in copies of the tree. Ends with 1 when a mutation survives all tests or no longer applies. With no
argument the table goes into `docs/reliability.md`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from tests.mutants.engine import ENGINE
from tests.mutants.mutation import DoesNotApplyError, Mutation
from tests.mutants.storage import STORAGE

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- mutants: written by `make mutants` -->", "<!-- end of mutants -->"
MUTATIONS = (*ENGINE, *STORAGE)
AT_ONCE = 2
LONGEST_SECONDS = 900
_STATEFUL = [f"tests/stateful/test_{name}.py" for name in ("scenarios", "turns", "every_step", "histories")]


@dataclass(frozen=True)
class Tests:
    """Some of the project's tests, in the order in which they are asked."""

    name: str
    arguments: tuple[str, ...]


MEMORY = Tests("stateful, in memory", (*_STATEFUL, "-k", "not postgres"))
POSTGRES = Tests("stateful, on Postgres", (*_STATEFUL, "-k", "postgres"))
OTHERS = Tests("unit and service tests", ("tests/unit", "tests/service"))
BENCH = Tests("the bench", ("tests/chaos",))


@dataclass(frozen=True)
class Verdict:
    """`caught_by`: the first test that failed; None when none did."""

    mutation: Mutation
    asked: Tests
    caught_by: str | None
    seconds: float


class Invalid(Exception):
    """A mutation that does not even run proves nothing."""


def copy_tree(to: Path) -> Path:
    """What git knows or would add, as it stands now; the virtual environment and the caches are shared."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    (to / ".venv").symlink_to(ROOT / ".venv")
    (to / ".oppsync").mkdir()
    (ROOT / ".oppsync" / "cache").mkdir(parents=True, exist_ok=True)
    (to / ".oppsync" / "cache").symlink_to(ROOT / ".oppsync" / "cache")
    return to


def failing_test(tree: Path, tests: Tests) -> str | None:
    """The first test that fails in `tree`, None when all pass. Raises Invalid when they cannot be run."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "-p", "no:cacheprovider", *tests.arguments]
    environment = {**os.environ, "OPPSYNC_STATEFUL_QUICK": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        run = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "it does not end"
    if run.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$", run.stdout, re.MULTILINE)
    if run.returncode != 1 or found is None:
        raise Invalid(f"{tests.name} cannot be run:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return found[1]


def try_out(mutation: Mutation, trees: Queue[Path]) -> Verdict:
    began, tree = time.monotonic(), trees.get()
    asked = [*([MEMORY] if mutation.in_core else []), POSTGRES, OTHERS, BENCH]
    try:
        before = mutation.apply(tree)
        try:
            for tests in asked:
                if caught_by := failing_test(tree, tests):
                    return Verdict(mutation, tests, caught_by, time.monotonic() - began)
        finally:
            (tree / mutation.file).write_text(before)
    finally:
        trees.put(tree)
    return Verdict(mutation, asked[-1], None, time.monotonic() - began)


def table(verdicts: Sequence[Verdict]) -> str:
    rows = [
        f"| {verdict.mutation.name} | `{verdict.mutation.file}` | {verdict.asked.name} | `{_short(verdict)}` |"
        for verdict in verdicts
    ]
    return "\n".join(
        ["| what is made wrong | where | caught by | first test that fails |", "|---|---|---|---|", *rows]
    )


def _short(verdict: Verdict) -> str:
    return (verdict.caught_by or "SURVIVED").rpartition("::")[2]


def write(document: Path, verdicts: Sequence[Verdict]) -> None:
    """Replace the table between its marks, or add it at the end."""
    text = document.read_text()
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n## Mutants\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN)
    says = (
        f"`make mutants` made the engine wrong in {len(verdicts)} places, one at a time, and ran the tests "
        f"until one failed. All {len(verdicts)} were caught.\n\n"
    )
    document.write_text(f"{before}{BEGIN}\n{says}{table(verdicts)}\n{END}{rest.split(END)[1]}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(wanted: Sequence[str]) -> int:
    chosen = [one for one in MUTATIONS if not wanted or any(part in one.name for part in wanted)]
    verdicts, wrong = [], 0
    with tempfile.TemporaryDirectory(prefix="oppsync-mutants-") as folder:
        trees: Queue[Path] = Queue()
        for number in range(AT_ONCE):
            trees.put(copy_tree(Path(folder) / str(number)))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            running = [(mutation, pool.submit(try_out, mutation, trees)) for mutation in chosen]
            for mutation, promise in running:
                try:
                    verdict = promise.result()
                except (DoesNotApplyError, Invalid) as error:
                    wrong += 1
                    say(f"INVALID   {mutation.name}: {error}")
                    continue
                verdicts.append(verdict)
                wrong += verdict.caught_by is None
                said = f"caught by {verdict.caught_by}" if verdict.caught_by else "SURVIVED"
                say(f"{verdict.seconds:5.0f} s   {mutation.name}: {said}")
    say(f"{len(verdicts)} mutations, {wrong} survived or do not apply")
    if wrong == 0 and not wanted:
        write(DOCUMENT, verdicts)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
