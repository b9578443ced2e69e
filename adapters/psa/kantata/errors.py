"""What Kantata's refusals mean, by the type of their errors (*Errors*, developer.kantata.com).

A type `system` stands for what a person has to settle, such as an account that was cancelled, unless its status
or its words say that it passes.
"""

from __future__ import annotations

from adapters.connectors.http.client import Answer, Judgement
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import Misconfigured, RateLimited, VendorRejected

_PASSING_STATUSES = {408, 425, 429}
_PASSING_WORDS = ("too many requests", "rate limit", "try again")
_SERVER_ERROR = 5


def judge(answer: Answer) -> Judgement | None:
    """Kantata's rows of the table; None leaves the answer to the common one."""
    errors = _errors(answer)
    if not errors or answer.status in _PASSING_STATUSES or answer.status // 100 == _SERVER_ERROR:
        return None
    kinds = {kind for kind, _ in errors}
    words = "; ".join(message for _, message in errors)
    if "oauth" in kinds:
        return Misconfigured, f"{words} (check the connection's token)"
    if "system" in kinds:
        passes = any(passing in words.lower() for passing in _PASSING_WORDS)
        return (RateLimited if passes else Misconfigured), words
    return (VendorRejected, words) if "validation" in kinds else None


def _errors(answer: Answer) -> list[tuple[str, str]]:
    """Type and message of each error; empty when the body is not Kantata's list of errors."""
    try:
        return [(str(e["type"]), str(e["message"])) for e in canonical_json.loads(answer.body)["errors"]]
    except (canonical_json.UnreadableJson, KeyError, TypeError):
        return []
