"""A mutation: one place of the engine, broken on purpose."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


class DoesNotApplyError(Exception):
    """The engine changed: the mutation's text does not occur, or occurs more than once."""


@dataclass(frozen=True)
class Mutation:
    """`old` occurs exactly once in `file` (a path from the project's root) and becomes `new`.

    `first`: a test to run before all others, for a mutation that they would take minutes to reach.
    """

    name: str
    file: str
    old: str
    new: str
    first: str = ""

    @property
    def key(self) -> str:
        """The mutation's name, made of its file and its effect."""
        return hashlib.sha256("\0".join((self.name, self.file, self.old, self.new)).encode()).hexdigest()

    @property
    def in_core(self) -> bool:
        """Whether tests in memory run this code at all."""
        return self.file.startswith("oppsync/")

    def apply(self, tree: Path) -> str:
        """Change the file in `tree`; returns its former text. Raises DoesNotApplyError."""
        text = (tree / self.file).read_text()
        if (count := text.count(self.old)) != 1:
            raise DoesNotApplyError(f"{self.name}: its text stands {count} times in {self.file}")
        (tree / self.file).write_text(text.replace(self.old, self.new))
        return text
