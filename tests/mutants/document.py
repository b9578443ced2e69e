"""The table that says what caught each mutation, in `docs/reliability.md`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.mutants.asking import Verdict
from tests.mutants.mutation import Mutation

BEGIN, END = "<!-- mutants: written by `make mutants` -->", "<!-- end of mutants -->"


def write(document: Path, verdicts: Mapping[Mutation, Verdict]) -> None:
    """Replace the text between the marks."""
    before, _, rest = document.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    says = (
        f"`make mutants` made the engine wrong in {len(verdicts)} places, one at a time, and ran the tests "
        f"until one failed. All {len(verdicts)} were caught.\n"
    )
    document.write_text(f"{before}{BEGIN}\n{says}\n{table(verdicts)}\n{END}{after}")


def table(verdicts: Mapping[Mutation, Verdict]) -> str:
    rows = [
        f"| {mutation.name} | `{mutation.file}` | {verdict.asked} | `{_short(verdict)}` |"
        for mutation, verdict in verdicts.items()
    ]
    head = ["| what is made wrong | where | caught by | first test that fails |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _short(verdict: Verdict) -> str:
    return (verdict.caught_by or "SURVIVED").rpartition("::")[2]
