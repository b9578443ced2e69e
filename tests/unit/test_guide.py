"""*Where new things go* is enough: a billing model that is added by it goes all the way to a plan."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
GUIDE = Path(__file__).parent / "guide"
FOLDERS = (
    "oppsync",
    "adapters",
    "web",
    "sandbox/firm",
    "sandbox/contracts",
    "tests/harness",
    "tests/unit/guide",
)
BILLING = "oppsync/domain/billing"


def copy_of_the_project(folder: Path) -> Path:
    for name in FOLDERS:
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for package in ("sandbox", "tests", "tests/unit"):
        (folder / package / "__init__.py").touch()
    return folder


def add(file: Path, after: str, line: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(after) == 1, f"{after!r} in {file.name}"
    file.write_text(text.replace(after, f"{after}\n{line}"), encoding="utf-8")


def test_a_billing_model_is_a_code_a_module_and_a_row(tmp_path: Path) -> None:
    tree = copy_of_the_project(tmp_path)
    add(
        tree / "oppsync/domain/deal/opportunity.py",
        '    NON_BILLABLE = "non_billable"',
        '    SUCCESS_FEE = "success_fee"',
    )
    shutil.copy(GUIDE / "success_fee.py", tree / BILLING / "success_fee.py")
    table = tree / BILLING / "table.py"
    add(table, "    NonBillable(),", "    SuccessFee(),")
    add(
        table,
        "from oppsync.domain.billing.retainer import RetainerBilling",
        "from oppsync.domain.billing.success_fee import SuccessFee",
    )

    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.guide.goes_through"],
        cwd=tree,
        env={"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "findings": [],
        "findings of a line that says nothing": ["FIELD_MISSING"],
        "template": "TPL-CLOUD-DACH-SF",
        "lines": [["milestone", "10000.00", "2026-09-15"]],
        "revenue": ["milestone", "2026-09"],
        "why": "scheduled by the billing model success fee",
        "title": "Success fee",
    }
