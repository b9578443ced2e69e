"""Codes of dead letters."""

from __future__ import annotations

from oppsync.domain.values.findings.finding import CodeText, OwnerRole, code_text

DEAD_LETTER_CODES: dict[str, CodeText] = {
    "RETRIES_EXHAUSTED": code_text(
        "An outside system was unavailable for too long",
        OwnerRole.OPERATIONS,
        "Check the system and its connection, then replay.",
    ),
    "WORKER_CRASHED": code_text(
        "Three workers crashed while they processed this opportunity",
        OwnerRole.OPERATIONS,
        "Report it with the payload reference; replay once it is fixed.",
    ),
    "BUG": code_text(
        "An unexpected error in oppsync",
        OwnerRole.OPERATIONS,
        "Report it with its reference; replay once it is fixed.",
    ),
}
