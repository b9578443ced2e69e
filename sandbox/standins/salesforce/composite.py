"""Composite requests: up to 25 calls in one, where later ones can use the answers of earlier ones."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from sandbox.standins.books import Books
from sandbox.standins.salesforce.errors import SalesforceError
from sandbox.standins.wire import Call, Json, Reply, to_json

MAX_PARTS, MAX_QUERIES = 25, 5
REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)\.([^}]+)\}")
STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
REFERENCE_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
Answer = dict[str, Json]


class _Undone(Exception):
    """Rolls back the transaction of an all-or-none request."""


def run(books: Books, resource: Callable[[Call], Reply], request: Mapping[str, Json]) -> Reply:
    """The outer status is 200. Call it inside a transaction. Raises SalesforceError for a bad envelope."""
    parts = _parts(request)
    all_or_none = bool(request.get("allOrNone", False))
    answers: list[Answer] = []
    try:
        with books.transaction():
            for part in parts:
                answers.append(_answer(books, resource, part, answers))
                if all_or_none and answers[-1]["httpStatusCode"] >= HTTPStatus.BAD_REQUEST:
                    raise _Undone
    except _Undone:
        answers = _halted(parts, answers[-1])
    return Reply(200, {"compositeResponse": answers})


def _parts(request: Mapping[str, Json]) -> list[Mapping[str, Any]]:
    parts = request.get("compositeRequest")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "compositeRequest has to be an array of subrequests")
    references = [str(part.get("referenceId", "")) for part in parts]
    if len(parts) > MAX_PARTS:
        raise SalesforceError(400, "LIMIT_EXCEEDED", f"Limit of {MAX_PARTS} subrequests exceeded")
    if sum("/query" in str(part.get("url", "")) for part in parts) > MAX_QUERIES:
        raise SalesforceError(400, "LIMIT_EXCEEDED", f"Limit of {MAX_QUERIES} query subrequests exceeded")
    if len(set(references)) < len(references) or not all(map(REFERENCE_ID.fullmatch, references)):
        raise SalesforceError(
            400, "INVALID_INPUT", "referenceId has to be there, unique, and letters or digits"
        )
    return parts


def _answer(
    books: Books, resource: Callable[[Call], Reply], part: Mapping[str, Any], answers: list[Answer]
) -> Answer:
    earlier = {answer["referenceId"]: answer for answer in answers}
    try:
        with books.transaction():
            reply = resource(_call(part, earlier))
    except SalesforceError as error:
        reply = error.reply()
    return {
        "body": reply.body,
        "httpHeaders": dict(reply.headers),
        "httpStatusCode": reply.status,
        "referenceId": part["referenceId"],
    }


def _call(part: Mapping[str, Any], earlier: Mapping[str, Answer]) -> Call:
    url = REFERENCE.sub(lambda match: quote(str(_referred(match, earlier)), safe=""), str(part.get("url", "")))
    path, _, query = url.partition("?")
    headers = {str(name).lower(): str(value) for name, value in part.get("httpHeaders", {}).items()}
    body = to_json(_filled(part["body"], earlier)).encode() if "body" in part else b""
    return Call(str(part.get("method", "")).upper(), path, query, headers, body)


def _filled(value: Json, earlier: Mapping[str, Answer]) -> Json:
    match value:
        case dict():
            return {key: _filled(item, earlier) for key, item in value.items()}
        case list():
            return [_filled(item, earlier) for item in value]
        case str() if (whole := REFERENCE.fullmatch(value)) is not None:
            return _referred(whole, earlier)
        case str():
            return REFERENCE.sub(lambda match: str(_referred(match, earlier)), value)
        case _:
            return value


def _referred(match: re.Match[str], earlier: Mapping[str, Answer]) -> Json:
    """The value of `@{reference.path}` in an earlier answer's body. Raises SalesforceError."""
    reference, path = match.groups()
    value: Json = earlier.get(reference, {}).get("body")
    try:
        for name, index in STEP.findall(path):
            value = value[name] if name else value[int(index)]
    except (KeyError, IndexError, TypeError):
        text = f"Invalid reference specified. No value for {path} found in {reference}"
        raise SalesforceError(400, "PROCESSING_HALTED", text) from None
    return value


def _halted(parts: list[Mapping[str, Any]], failed: Answer) -> list[Answer]:
    text = "The transaction was rolled back since another operation in the same transaction failed."
    body = [{"errorCode": "PROCESSING_HALTED", "message": text}]
    return [
        failed
        if part["referenceId"] == failed["referenceId"]
        else {"body": body, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": part["referenceId"]}
        for part in parts
    ]
