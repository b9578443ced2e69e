"""`python -m tests.mutants [part of a name ...]`: break the engine in one place at a time; which test notices?

Works in copies of the tree, and continues an interrupted run. Ends with 1 when a mutation survives all tests or
no longer applies. With no argument the table is written into `docs/reliability.md`, once all are caught.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import Queue

from tests.mutants.asking import InvalidError, Tests, Verdict, ask, copy_tree, digest_of, listed, try_out
from tests.mutants.document import write
from tests.mutants.engine import ENGINE
from tests.mutants.governed import GOVERNED
from tests.mutants.mirrored import MIRRORED
from tests.mutants.mutation import DoesNotApplyError, Mutation
from tests.mutants.ruled import RULED
from tests.mutants.storage import STORAGE
from tests.mutants.trust import TRUST
from tests.mutants.verdicts import Verdicts
from tests.mutants.waiting import WAITING
from tests.mutants.warm import ROOT
from tests.mutants.wire import WIRE

DOCUMENT = ROOT / "docs" / "reliability.md"
KEPT = ROOT / ".oppsync" / "mutants.json"
MUTATIONS = (*ENGINE, *TRUST, *STORAGE, *WIRE, *GOVERNED, *MIRRORED, *RULED, *WAITING)
AT_ONCE = 2


def main(wanted: Sequence[str]) -> int:
    chosen = [one for one in MUTATIONS if not wanted or any(part in one.name for part in wanted)]
    names = listed()
    with tempfile.TemporaryDirectory(prefix="oppsync-mutants-") as folder:
        whole = copy_tree(ROOT, names, Path(folder) / "whole")
        trees: Queue[Path] = Queue()
        for number in range(AT_ONCE):
            trees.put(copy_tree(whole, names, Path(folder) / str(number)))
        kept = Verdicts(KEPT, digest_of(whole, names))
        verdicts = try_all(chosen, trees, kept)
        survived = [mutation for mutation, verdict in verdicts.items() if verdict.caught_by is None]
        say(f"{len(chosen)} mutations, {len(survived)} survived, {len(chosen) - len(verdicts)} are none")
        if survived or len(verdicts) < len(chosen):
            return 1
        if not wanted:
            if not are_green(whole, verdicts):
                return 1
            write(DOCUMENT, verdicts)
    return 0


def try_all(chosen: Sequence[Mutation], trees: Queue[Path], kept: Verdicts) -> Mapping[Mutation, Verdict]:
    """Mutations that do not apply or do not run are left out."""

    def try_one(mutation: Mutation) -> Verdict:
        tree = trees.get()
        try:
            return try_out(mutation, tree, kept.newest(mutation))
        finally:
            trees.put(tree)

    known = {mutation: verdict for mutation in chosen if (verdict := kept.of_this_tree(mutation))}
    say(f"{len(known)} of {len(chosen)} are known from a run on this very tree")
    found = dict(known)
    pool = ThreadPoolExecutor(AT_ONCE)
    running = {pool.submit(try_one, mutation): mutation for mutation in chosen if mutation not in known}
    try:
        for done in as_completed(running):
            mutation = running[done]
            try:
                found[mutation] = verdict = done.result()
            except (DoesNotApplyError, InvalidError) as error:
                say(f"INVALID   {mutation.name}: {error}")
                continue
            kept.keep(mutation, verdict)
            said = f"caught by {verdict.caught_by}" if verdict.caught_by else "SURVIVED"
            say(f"{verdict.seconds:5.0f} s   {mutation.name}: {said}")
    finally:
        pool.shutdown(cancel_futures=True)
    return {mutation: found[mutation] for mutation in chosen if mutation in found}


def are_green(whole: Path, verdicts: Mapping[Mutation, Verdict]) -> bool:
    """Whether the tests that caught something pass on the unchanged tree."""
    caught = {verdict.caught_by for verdict in verdicts.values() if verdict.caught_by}
    tests = tuple(sorted(test for test in caught if "::" in test))
    ended = ask(whole, Tests("those that caught something", tests, longest_seconds=3600))
    if ended.code != 0:
        say(f"What fails here fails without any mutation and proves nothing:\n{ended.said[-4000:]}")
    return ended.code == 0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
