"""The verdicts so far, stored so that an interrupted run can continue."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.mutants.asking import Verdict
from tests.mutants.mutation import Mutation


class Verdicts:
    """By mutation: the newest verdict, and the digest of the tree it was reached on."""

    def __init__(self, path: Path, tree: str) -> None:
        self._path = path
        self._tree = tree
        self._kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def newest(self, mutation: Mutation) -> Verdict | None:
        kept = self._kept.get(mutation.key)
        return Verdict(**kept["verdict"]) if kept else None

    def of_this_tree(self, mutation: Mutation) -> Verdict | None:
        kept = self._kept.get(mutation.key)
        return self.newest(mutation) if kept and kept["tree"] == self._tree else None

    def keep(self, mutation: Mutation, verdict: Verdict) -> None:
        self._kept[mutation.key] = {"name": mutation.name, "tree": self._tree, "verdict": asdict(verdict)}
        self._path.parent.mkdir(exist_ok=True)
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(self._kept, indent=1))
        written.replace(self._path)
