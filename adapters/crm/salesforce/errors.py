"""What Salesforce's refusals mean, by their code: a status says less, and the same one stands for both kinds.

Sources: *Status Codes and Error Responses* (REST API Developer Guide), *Core Data Types Used in API Calls*
(SOAP API Developer Guide, its list of exception codes), *'INVALID_QUERY_LOCATOR' Salesforce Error* and *OAuth
2.0 Authorization Errors* (Salesforce Help). That `unknown_error: retry your request` and `login rate exceeded`
come with a 400 is what integrators report.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from adapters.connectors.http.client import Answer, ErrorClass, Judgement, unanswered
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import BusinessError, Misconfigured, RateLimited, RecordBusy, VendorRejected

GONE = {"NOT_FOUND", "ENTITY_IS_DELETED"}
# The deletions asked for lie too far back, or before a purge of the recycle bin.
FORGOTTEN = {"INVALID_REPLICATION_DATE"}
# Refused, not carried out, and worth trying again: the whole org, or this record alone.
_LIMITED = {"REQUEST_LIMIT_EXCEEDED", "EXCEEDED_RATE_LIMIT"}
_LOCKED = {"UNABLE_TO_LOCK_ROW"}
# Passing as well, but a write may have been carried out.
_PASSING = {
    "API_CURRENTLY_DISABLED",
    "INVALID_QUERY_LOCATOR",  # the cursor is gone: asked again from the first page
    "QUERY_TIMEOUT",
    "REQUEST_RUNNING_TOO_LONG",
    "SERVER_UNAVAILABLE",
}
# What the org's set-up lacks, not what is wrong with the record.
_SET_UP = {
    "API_DISABLED_FOR_ORG",
    "INSUFFICIENT_ACCESS",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "INVALID_FIELD",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "INVALID_TYPE",
    "MALFORMED_QUERY",
    "UNSUPPORTED_API_VERSION",
}
_OF_STATUS: Mapping[int, type[BusinessError]] = {400: VendorRejected, 401: Misconfigured, 403: Misconfigured}

# Codes, what they mean (None: unanswered), and what to say beside. A record that is gone is told from a path
# that does not exist where records are asked for.
_TABLE: tuple[tuple[set[str], ErrorClass | None, str], ...] = (
    (_LIMITED, RateLimited, ""),
    (_LOCKED, RecordBusy, ""),
    (_PASSING, None, ""),
    (_SET_UP, Misconfigured, " (check the connection's settings and what its user may do)"),
    (GONE, Misconfigured, " (check the connection's address and API version)"),
)

# At the token address. A description may say more than the error it comes with.
_PASSING_SIGN_IN = {"unknown_error", "server_busy", "temporarily_unavailable", "server_error"}
_PASSING_DESCRIPTIONS = ("retry your request", "already being processed", "temporarily unavailable")
_TOO_MANY_SIGN_INS = "login rate exceeded"


def judge(answer: Answer) -> Judgement | None:
    """Salesforce's rows of the table; None leaves the answer to the common one."""
    errors = errors_of(answer)
    if not errors:
        return None
    codes = {code for code, _ in errors}
    words = "; ".join(f"{code}: {message}" for code, message in errors)
    for these, kind, hint in _TABLE:
        if codes & these:
            return kind or unanswered(answer.after_write), words + hint
    return (_OF_STATUS[answer.status], words) if answer.status in _OF_STATUS else None


def judge_sign_in(answer: Answer) -> Judgement | None:
    """OAuth's errors are an object, not the array of the REST API. One without a code comes from what stands
    before Salesforce, and passes."""
    if answer.status not in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED):
        return None
    try:
        document = canonical_json.loads(answer.body)
        error, description = str(document["error"]), str(document.get("error_description", ""))
    except (canonical_json.UnreadableJson, KeyError, TypeError, AttributeError):
        if answer.status != HTTPStatus.BAD_REQUEST or errors_of(answer):
            return judge(answer)
        return unanswered(answer.after_write), answer.text
    words = f"{error}: {description}"
    if _TOO_MANY_SIGN_INS in words.lower():
        return RateLimited, words
    if error in _PASSING_SIGN_IN or any(passing in description.lower() for passing in _PASSING_DESCRIPTIONS):
        return unanswered(answer.after_write), words
    return Misconfigured, f"{words} (check client_id and client_secret)"


def errors_of(answer: Answer) -> list[tuple[str, str]]:
    """Code and message of each error; empty when the body is not Salesforce's array of errors."""
    try:
        return [(str(e["errorCode"]), str(e["message"])) for e in canonical_json.loads(answer.body)]
    except (canonical_json.UnreadableJson, KeyError, TypeError):
        return []
