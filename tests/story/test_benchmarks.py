"""The benchmarks run with the present product. Their figures are for people and not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from adapters.operations.supervisor import PROJECT


def test_a_small_burst_is_written_back_and_told_line_by_line(tmp_path: Path) -> None:
    told = tmp_path / "burst.json"
    command = [sys.executable, "-m", "benchmarks.burst", "--count", "4", "--workers", "1", "--json", str(told)]

    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "deals written back a second" in run.stdout
    rows = {row["what"]: row for row in json.loads(told.read_text())["rows"]}
    assert rows["SQL statements"]["one"] > 0
    # One parent, three children, one billing line, the CRM's and the PSA's write-back with its project.
    assert rows["vendor calls"]["all"] >= 4 * 8


def test_the_naive_chain_does_a_deals_work_in_the_products_place(tmp_path: Path) -> None:
    told = tmp_path / "naive.json"
    small = ["--count", "4", "--rounds", "1", "--workers", "1", "--delay", "5"]
    command = [sys.executable, "-m", "benchmarks.naive", *small, "--json", str(told)]

    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    rows = {row["what"]: row for row in json.loads(told.read_text())["rows"]}
    assert rows["deals written back a second"]["ratio"] > 0
    # It reads the deal; then one parent, three children, one billing line, the CRM, and the PSA in two calls.
    assert rows["vendor calls"]["naive chain"] == 9
