"""Python as in a production install: what requirements.txt pins; no sandbox, none of its packages."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import packages_distributions

from adapters.operations.supervisor import PROJECT

PACKAGES = ("oppsync", "adapters", "actors", "web", "migrations")
NOT_INSTALLED = ("sandbox", "tests", "benchmarks", "tools")
_BEFORE = """
import sys
class NotInstalled:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} in production", name=name)
sys.meta_path.insert(0, NotInstalled)
sys.argv = {argv!r}
"""


def run_as_in_production(
    code: str, *arguments: str, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `code` in an interpreter that can import only what a production install has."""
    before = _BEFORE.format(absent=absent_modules(), argv=["-c", *arguments])
    command = [sys.executable, "-c", before + code]
    return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)


def absent_modules() -> set[str]:
    """The top-level modules here that no distribution of requirements.txt brings."""
    pinned = _pinned()
    brought = packages_distributions().items()
    return {*NOT_INSTALLED, *(module for module, by in brought if not pinned & {_plain(name) for name in by})}


def _pinned() -> set[str]:
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    return {"oppsync", *(_plain(line.partition("==")[0]) for line in lines)}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
