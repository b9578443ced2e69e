"""A passing refusal is told from a misconfiguration by its code, not by its status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.connectors.http.client import Answer, judge_status
from adapters.crm.salesforce import errors as salesforce
from adapters.psa.kantata import errors as kantata
from oppsync.kernel.errors import (
    AmbiguousAnswer,
    Misconfigured,
    RateLimited,
    RecordBusy,
    VendorRejected,
    VendorUnavailable,
)


def answer(status: int, body: Any, *, after_write: bool = False) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer("Vendor: POST /", status, {}, text.encode(), after_write)


def refused(code: str) -> list[dict[str, str]]:
    return [{"errorCode": code, "message": "said so"}]


@pytest.mark.parametrize(
    ("code", "after_read", "after_write"),
    [
        ("QUERY_TIMEOUT", VendorUnavailable, AmbiguousAnswer),
        ("INVALID_QUERY_LOCATOR", VendorUnavailable, AmbiguousAnswer),
        ("SERVER_UNAVAILABLE", VendorUnavailable, AmbiguousAnswer),
        ("API_CURRENTLY_DISABLED", VendorUnavailable, AmbiguousAnswer),
        ("REQUEST_LIMIT_EXCEEDED", RateLimited, RateLimited),
        ("UNABLE_TO_LOCK_ROW", RecordBusy, RecordBusy),
        ("INVALID_FIELD", Misconfigured, Misconfigured),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", VendorRejected, VendorRejected),
    ],
)
def test_salesforce_says_by_its_code_whether_a_400_passes(
    code: str, after_read: type[Exception], after_write: type[Exception]
) -> None:
    read, wrote = answer(400, refused(code)), answer(400, refused(code), after_write=True)

    assert (salesforce.judge(read) or judge_status(read))[0] is after_read
    assert (salesforce.judge(wrote) or judge_status(wrote))[0] is after_write


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ({"error": "unknown_error", "error_description": "retry your request"}, VendorUnavailable),
        ({"error": "invalid_grant", "error_description": "login rate exceeded"}, RateLimited),
        ({"error": "server_busy"}, VendorUnavailable),
        ({"error": "temporarily_unavailable"}, VendorUnavailable),
        ("<h1>Bad Request</h1>", VendorUnavailable),
        ({"error": "invalid_client", "error_description": "invalid client credentials"}, Misconfigured),
        ({"error": "invalid_grant", "error_description": "no client credentials user enabled"}, Misconfigured),
    ],
)
def test_one_400_at_the_token_address_is_not_a_wrong_secret(body: Any, meant: type[Exception]) -> None:
    judged = salesforce.judge_sign_in(answer(400, body))

    assert judged is not None
    assert judged[0] is meant


@pytest.mark.parametrize(
    ("status", "kind", "message", "meant"),
    [
        (401, "oauth", "Invalid OAuth 2 Request", Misconfigured),
        (400, "oauth", "Invalid OAuth 2 Request", Misconfigured),
        (403, "system", "Your account has been canceled", Misconfigured),
        (403, "system", "Rate limit reached, try again later", RateLimited),
        (422, "validation", "Please give your project a title", VendorRejected),
        (429, "system", "Slow down", RateLimited),
        (503, "system", "Down for maintenance", VendorUnavailable),
    ],
)
def test_kantata_says_by_the_type_what_a_refusal_means(
    status: int, kind: str, message: str, meant: type[Exception]
) -> None:
    said = answer(status, {"errors": [{"type": kind, "message": message}]})

    assert (kantata.judge(said) or judge_status(said))[0] is meant
