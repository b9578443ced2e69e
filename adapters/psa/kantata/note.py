"""oppsync's note in a project's description, between two marks. People's text around it stays."""

from __future__ import annotations

import re
from collections.abc import Mapping

BEGIN, END = "[oppsync]", "[/oppsync]"
_NOTE = re.compile(rf"\n*{re.escape(BEGIN)}\n(.*?){re.escape(END)}\n*", re.DOTALL)


def read(description: str | None) -> dict[str, str]:
    """Name -> text of each line; empty when there is no note."""
    note = _NOTE.search((description or "").replace("\r\n", "\n"))
    lines = note[1].splitlines() if note else []
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


def written(description: str | None, lines: Mapping[str, str]) -> str:
    """The description with this note in place of an older one, or at its end. Empty lines are left out."""
    people = _NOTE.sub("\n\n", (description or "").replace("\r\n", "\n")).strip()
    note = "".join(f"{name}: {_on_one_line(text)}\n" for name, text in lines.items() if text)
    return f"{people}\n\n{BEGIN}\n{note}{END}".strip()


def _on_one_line(text: str) -> str:
    return " ".join(text.replace(BEGIN, "").replace(END, "").split())
