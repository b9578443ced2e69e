"""Measure processes by /proc: CPU time, memory, and how much of it they share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The process and all its living descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(task).split():
            found += tree(int(child))
    return found


def cpu_ms(pids: Iterable[int]) -> float:
    """User and system time of the trees below `pids`, with ended children that were waited for."""
    return sum(_cpu(each) for pid in pids for each in tree(pid))


def pss_mb(pids: Iterable[int]) -> float:
    """Proportional set size of the trees below `pids`: memory that they share is counted once in all."""
    return sum(_pss_kb(each) for pid in pids for each in tree(pid)) / 1024


def _cpu(pid: int) -> float:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) * _TICK_MS if fields else 0.0


def _pss_kb(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
