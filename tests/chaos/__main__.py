"""`python -m tests.chaos`: attack the product, print every attack and the end of every deal.

Exit code 1 when the promise was broken. The seed repeats what was sent and the order of the attacks (processes
and clocks cannot be repeated).
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from adapters.operations.supervisor import PROJECT
from tests.chaos.bench import FAULTS, RESTORE, Bench, Report
from tests.chaos.fault import Fault
from tests.chaos.process_faults import every_place
from tests.chaos.tables import tables_of

INSIDE = "CHAOS_DISK"
DISK_MEGABYTES = 300
FOLDER = PROJECT / ".oppsync" / "chaos"


def main() -> int:
    options = _options()
    disk = os.environ.get(INSIDE)
    if disk is None and not options.one_disk:
        enter_small_disk()
        disk = os.environ.get(INSIDE)
    all_faults = every_place() if options.places else FAULTS
    faults = [fault for fault in all_faults if any(part in fault.name for part in options.only)]
    reports = []
    for number in range(options.runs):
        seed = options.seed if options.runs == 1 else f"{options.seed}.{number + 1}"
        reports.append(_run(seed, faults, options, Path(disk) if disk else None))
        if options.runs > 1:
            sys.stdout.write(tables_of(reports[-1:], all_faults))
    sys.stdout.write(tables_of(reports, all_faults))
    return int(any(report.breaches for report in reports))


def _run(seed: str, faults: Sequence[Fault], options: argparse.Namespace, disk: Path | None) -> Report:
    FOLDER.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="run-", dir=FOLDER))
    home.chmod(0o755)
    own = disk / "run" if disk else home / "disk"
    sys.stdout.write(f"seed {seed}, logs in {home}\n")
    sys.stdout.flush()
    restore = not options.places and any(part in RESTORE for part in options.only)
    say = _say if options.verbose else lambda _: None
    bench = Bench(home, own, seed, deals=options.deals, kill_after=options.kill_after, say=say)
    report = bench.run(faults, restore=restore)
    if not report.breaches:
        shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(own, ignore_errors=True)
    return report


def _say(line: str) -> None:
    sys.stdout.write(f"  {line}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--deals", type=int, default=200, help="in each run")
    parser.add_argument("--kill-after", type=float, default=30.0, help="seconds a platform waits after SIGTERM")
    parser.add_argument("--only", action="append", default=None, help="faults whose name has this in it")
    parser.add_argument("--places", action="store_true", help="instead: die at every named place, three times")
    parser.add_argument("--one-disk", action="store_true", help="no small disk for Postgres")
    parser.add_argument("--verbose", action="store_true", help="say what is being done")
    options = parser.parse_args()
    options.only = options.only or [""]
    return options


def enter_small_disk() -> None:
    """Start this program again with a small disk of its own for Postgres; return if that is not possible.

    Only this program sees the mount, which is gone when it ends, however it ends.
    """
    folder = str(FOLDER / "disk")
    Path(folder).mkdir(parents=True, exist_ok=True)
    mount = f'mount -t tmpfs -o size={DISK_MEGABYTES}m,mode=755 tmpfs "{folder}"'
    uid, gid = os.getuid(), os.getgid()
    # Mounting takes root's rights in a name space; afterwards the program is an ordinary user again.
    back = "" if uid == 0 else f"unshare --user --map-user={uid} --map-group={gid} "
    apart = ["unshare", "--mount"] if uid == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    own = f'{mount} && chown {uid if uid == 0 else 0} "{folder}"'
    if subprocess.run([*apart, "sh", "-c", own], capture_output=True, check=False).returncode:
        return
    os.environ[INSIDE] = folder
    again = [sys.executable, "-m", "tests.chaos", *sys.argv[1:]]
    os.execvp(apart[0], [*apart, "sh", "-c", f'{own} && exec {back}"$@"', "sh", *again])  # noqa: S606


if __name__ == "__main__":
    sys.exit(main())
