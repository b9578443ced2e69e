"""Tryton's REST interface: search, create, write, buttons; each call's context names the company it works for.

Tryton has no error codes: every refusal by its rules is a 400 with a translated sentence, so the language is
fixed and sentences are matched by their beginning. It rolls back before it answers 400.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from adapters.connectors.http.client import OPEN_GATE, Answer, Gate, HttpClient, Judgement
from adapters.erp.tryton import wire
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import Misconfigured, RecordBusy, VendorRejected

VENDOR = "Tryton"
NUMBER_RACE = "The number on work must be unique."
NO_ACCESS = "You are not allowed to access"
LOCKED = "database is locked"


class NumberDrawnTwice(RecordBusy):
    """Two creates at once drew the same project number, because Tryton reads and increments its sequence in two
    steps. The later one was rolled back."""


class TrytonClient:
    """One Tryton database. Thread-safe.

    Raises what `HttpClient.request` raises, and Misconfigured for an address that is not Tryton's.
    """

    def __init__(
        self, base_url: str, database: str, rest_key: str, *, timeout: float, gate: Gate = OPEN_GATE
    ) -> None:
        self._http = HttpClient(
            VENDOR,
            f"{base_url.rstrip('/')}/{database}/rest/model",
            headers={"Authorization": f"Bearer {rest_key}"},
            timeout=timeout,
            total=timeout,
            judge=judge,
            gate=gate,
        )

    def search(
        self, model: str, domain: Sequence[object], fields: Sequence[str], company: int | None = None
    ) -> list[wire.Wire]:
        """All records that match a Tryton domain; dotted fields come back nested."""
        query = urlencode([("d", wire.in_header(list(domain))), *(("f", name) for name in fields)])
        return self._records(self._call("GET", f"/{model}?{query}", company))

    def create(self, model: str, values: wire.Wire, fields: Sequence[str], company: int) -> wire.Wire:
        """Create one record; returns it as read in the same transaction."""
        path = f"/{model}?{urlencode([('f', name) for name in fields])}"
        (record,) = self._records(self._call("POST", path, company, values))
        return record

    def write(
        self, model: str, record: int, values: wire.Wire, fields: Sequence[str], company: int
    ) -> wire.Wire:
        """Change one record; returns it as changed."""
        path = f"/{model}/{record}?{urlencode([('f', name) for name in fields])}"
        (changed,) = self._records(self._call("PUT", path, company, values))
        return changed

    def press(self, model: str, record: int, button: str, company: int) -> None:
        """Press a button of one record: Tryton's way of moving it to another state."""
        self._call("POST", f"/{model}/{record}/{button}", company, {})

    def _call(self, method: str, path: str, company: int | None, values: wire.Wire | None = None) -> Answer:
        context: dict[str, Any] = {"language": "en"} | ({"company": company} if company else {})
        return self._http.request(
            method,
            path,
            write=values is not None,
            json=values,
            headers={"X-Tryton-Context": wire.in_header(context)},
        )

    @staticmethod
    def _records(answer: Answer) -> list[wire.Wire]:
        document = answer.json()
        return document if isinstance(document, list) else [document]


def judge(answer: Answer) -> Judgement | None:
    """Tryton's rows of the table; None leaves the answer to the common one."""
    match answer.status:
        case 404 | 405:
            return Misconfigured, "no such database: check the connection's base URL and database"
        case 503 if LOCKED in answer.text:
            return RecordBusy, LOCKED
        case 400:
            sentence = _sentence(answer)
            if sentence.startswith(NUMBER_RACE):
                return NumberDrawnTwice, sentence
            return (Misconfigured if sentence.startswith(NO_ACCESS) else VendorRejected), sentence
        case _:
            return None


def _sentence(answer: Answer) -> str:
    try:
        document = canonical_json.loads(answer.body)
        return str(document["message"])
    except (canonical_json.UnreadableJson, KeyError, TypeError):
        return answer.text
