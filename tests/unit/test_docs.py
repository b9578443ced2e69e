"""The documents name only files and folders that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = ("oppsync", "adapters", "web", "actors", "sandbox", "tests", "migrations")
PATH = re.compile(rf"`((?:{'|'.join(ROOMS)})/[^\s`]*)`")
# The vendor that docs/connectors.md adds as its example.
EXAMPLE = "hubspot"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_path_in_a_document_exists(document: Path) -> None:
    named = PATH.findall(document.read_text(encoding="utf-8"))

    assert [path for path in named if EXAMPLE not in path and not _exists(path)] == []


def _exists(path: str) -> bool:
    """A placeholder such as `<model>` stands for some name there."""
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    return any(ROOT.glob(pattern))
