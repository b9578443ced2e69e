"""The first `make` on a machine that lacks something prints one sentence on what to do, and no traceback."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PRETENDING = """\
#!/bin/sh
exec {python} -c 'import runpy, sys
{pretence}
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")' "$@"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The part of a fresh clone that the first minute needs."""
    folder = tmp_path / "checkout"
    shutil.copytree(PROJECT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "requirements-dev.txt"):
        shutil.copy(PROJECT / name, folder)
    return folder


def make_unit(checkout: Path, *arguments: str, **variables: str) -> str:
    """The output of a failing `make unit`, without make's own closing line."""
    done = subprocess.run(
        ["make", "--no-print-directory", "unit", *arguments],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "HOME": str(checkout), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    return "\n".join(line for line in said.splitlines() if not line.startswith("make: ***"))


def pretending_python(folder: Path, pretence: str) -> Path:
    script = folder / "pretending-python3"
    script.write_text(PRETENDING.format(python=sys.executable, pretence=pretence))
    script.chmod(0o755)
    return script


def test_no_python_at_all(checkout: Path) -> None:
    said = make_unit(checkout, "PYTHON=no-such-python3")
    assert said.startswith(
        "There is no no-such-python3 here: install Python 3.11 or later, or run `make PYTHON="
    )


def test_a_python_that_is_too_old(checkout: Path, tmp_path: Path) -> None:
    old = pretending_python(tmp_path, 'sys.version_info = (3, 9, 2, "final", 0)')
    said = make_unit(checkout, f"PYTHON={old}")
    assert said.startswith("Python 3.9 is too old: oppsync needs 3.11 or later; ")
    assert "make PYTHON=" in said


def test_a_python_without_its_venv_module(checkout: Path, tmp_path: Path) -> None:
    bare = pretending_python(tmp_path, 'sys.modules["ensurepip"] = None')
    said = make_unit(checkout, f"PYTHON={bare}")
    assert said.startswith("This Python cannot make virtual environments: install its venv module")
    assert not (checkout / ".venv").exists()


def test_no_network(checkout: Path) -> None:
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    said = make_unit(checkout, f"PYTHON={sys.executable}", **nowhere)
    assert "The packages could not be downloaded: check the network" in said
    assert not (checkout / ".venv" / "installed").exists()


def test_a_package_without_a_build_for_this_machine(checkout: Path) -> None:
    (checkout / "requirements-dev.txt").write_text("oppsync-not-built-for-you==1.0\n")
    nothing = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    said = make_unit(checkout, f"PYTHON={sys.executable}", **nothing)
    assert "oppsync-not-built-for-you==1.0 has no build for this machine" in said


def test_a_broken_environment_is_made_anew(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/a/python/that/was/removed")
    (checkout / "requirements-dev.txt").write_text("")
    said = make_unit(checkout, f"PYTHON={sys.executable}")
    assert "oppsync itself could not be installed" in said  # it was made, but nothing in it can build oppsync
    subprocess.run([checkout / ".venv" / "bin" / "python", "-c", "import pip"], check=True)


def test_help_needs_nothing_and_lists_every_target_in_straight_columns(checkout: Path) -> None:
    done = subprocess.run(["make"], cwd=checkout, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("  make ")]
    targets = re.search(r"^\.PHONY: (.*)$", (checkout / "Makefile").read_text(), re.MULTILINE)
    assert targets
    assert [line.split()[1] for line in lines] == targets[1].split()
    texts_begin_at = {len(line) - len(line.split(maxsplit=2)[2]) for line in lines}
    assert len(texts_begin_at) == 1
    assert not (checkout / ".venv").exists()
