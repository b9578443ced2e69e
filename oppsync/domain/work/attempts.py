"""Attempts to come in, counted: what was refused is not one entry each, or a guesser would fill the log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from oppsync.domain.values.model import Code, Frozen, Text


class AttemptKind(StrEnum):
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    CODE_WRONG = "code_wrong"
    SIGN_IN_BRAKED = "sign_in_braked"
    TOKEN_REFUSED = "token_refused"  # noqa: S105
    CALLS_BRAKED = "calls_braked"
    SIGNATURE_REFUSED = "signature_refused"
    FORBIDDEN = "forbidden"


KIND_TEXTS: dict[AttemptKind, str] = {
    AttemptKind.SIGNED_IN: "Signed in",
    AttemptKind.SIGN_IN_FAILED: "Wrong e-mail or password",
    AttemptKind.CODE_WRONG: "Wrong code of the second factor",
    AttemptKind.SIGN_IN_BRAKED: "Sign-in refused: too many attempts",
    AttemptKind.TOKEN_REFUSED: "Unknown API token",
    AttemptKind.CALLS_BRAKED: "API call refused: too many",
    AttemptKind.SIGNATURE_REFUSED: "Wrong webhook signature",
    AttemptKind.FORBIDDEN: "Not permitted",
}
# What is counted where nobody is known: names that a guesser makes up would be a row each.
UNKNOWN_ACCOUNT = "an unknown account"
UNKNOWN_TOKEN = "an unknown token"  # noqa: S105
LONGEST_SUBJECT = 200


class AttemptCount(Frozen):
    """How often in the hour from `hour` on. `subject`: the account, the token's person or the connection.

    `last_address` is where the last of them came from.
    """

    kind: AttemptKind
    subject: Code
    hour: datetime
    count: int
    last_at: datetime
    last_address: Text
