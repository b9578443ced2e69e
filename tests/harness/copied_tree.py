"""A copy of the project to which a test adds something by the steps of the guide (docs/architecture.md)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[2]
FOLDERS = ("oppsync", "adapters", "actors", "web", "sandbox", "tests", "migrations", "docs")


class CopiedTree:
    """Paths are those of the project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FOLDERS:
            # With what was compiled of it: nothing is compiled again but the files that a step changes.
            shutil.copytree(PROJECT / name, folder / name)
        for file in ("pyproject.toml", "README.md"):
            shutil.copy(PROJECT / file, folder / file)

    def put(self, source: Path, place: str) -> None:
        """A new file."""
        target = self.folder / place
        assert not target.exists(), f"{place} exists already"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def write(self, place: str, text: str) -> None:
        """A new file with this text."""
        target = self.folder / place
        assert not target.exists(), f"{place} exists already"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def add(self, place: str, after: str, line: str) -> None:
        """New lines in a file, after one that occurs once."""
        self.replace(place, f"{after}\n", f"{after}\n{line}\n")

    def append(self, place: str, text: str) -> None:
        """More text at a file's end."""
        with (self.folder / place).open("a", encoding="utf-8") as file:
            file.write(text)

    def replace(self, place: str, old: str, new: str) -> None:
        """Another text in the place of one that occurs once."""
        file = self.folder / place
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} in {place}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def test(self, *arguments: str) -> str:
        """Run tests there; return pytest's output, whose last lines name those that passed. Fails when one
        does."""
        return self.run("-m", "pytest", "-p", "no:cacheprovider", "-rpfE", *arguments)

    def run(self, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
        """Run Python there; return what it printed. Fails when it does."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder)} | dict(environ or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-6_000:]}\n{done.stderr[-6_000:]}"
        return done.stdout
