"""Every capability of an outside system is explained to whoever writes a connector."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from oppsync.domain.plan.capabilities import Capabilities

ROWS = Path("docs/connectors.md").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (shape.__name__.removesuffix("Capabilities").upper(), name)
        for shape in get_args(Capabilities)
        for name in shape.model_fields
    ],
)
def test_the_connectors_document_has_a_row_for_it(role: str, name: str) -> None:
    rows = [row.split(" | ") for row in ROWS if row.startswith("| ") and f"| `{name}` |" in row]

    assert [role in of.removeprefix("| ").split(", ") for of, *_ in rows] == [True]
