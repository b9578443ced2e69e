"""Report a benchmark: aligned columns for people, JSON for comparisons, and the machine it ran on."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, object]]


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser


def delay_argument(parser: argparse.ArgumentParser, default: float) -> None:
    wanted = "milliseconds that vendors take for each answer, as many as come at once"
    parser.add_argument("--delay", type=float, default=default, metavar="MS", help=wanted)


def pace() -> float:
    """CPU milliseconds for a fixed loop. Virtual machines have slow hours, and only figures measured at an
    equal pace can be compared."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        sum(number * number for number in range(1_000_000))
        taken.append(time.process_time() - began)
    return round(min(taken) * 1000, 1)


def machine() -> dict[str, Any]:
    """`load`: runnable processes in the minute before; a load above the number of cores means that others were
    busy too."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "cpu": model.strip(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "pace": pace(),
    }


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def table(rows: Rows) -> None:
    """Every row has the same names."""
    names = list(rows[0])
    cells = [names, *([_text(row[name]) for name in names] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(names))]
    for row in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def finish(name: str, before: Mapping[str, Any], rows: Rows, to: Path | None, **more: object) -> None:
    after = pace()
    say(f"\n{name} on {before['cores']} cores ({before['cpu']}), load before {before['load']}")
    say(f"pace: a fixed loop took {before['pace']} ms of CPU before, {after} ms after\n")
    table(rows)
    if to is not None:
        document = {"benchmark": name, "machine": {**before, "pace_after": after}, "rows": list(rows), **more}
        to.write_text(json.dumps(document, indent=2, default=str) + "\n")


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
