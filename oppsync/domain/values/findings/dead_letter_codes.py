"""Codes of dead letters."""

from __future__ import annotations

from oppsync.domain.values.findings.finding import CodeText, OwnerRole, code_text

DEAD_LETTER_CODES: dict[str, CodeText] = {
    "RETRIES_EXHAUSTED": code_text(
        "An outside system stayed away for too long",
        OwnerRole.OPERATIONS,
        "Check the system and its connection, then replay.",
    ),
    "WORKER_CRASHED": code_text(
        "Working on this opportunity killed its worker three times",
        OwnerRole.OPERATIONS,
        "Report it with the payload reference; replay once it is mended.",
    ),
    "BUG": code_text(
        "An unexpected error in oppsync",
        OwnerRole.OPERATIONS,
        "Report it with its reference; replay once it is mended.",
    ),
}
