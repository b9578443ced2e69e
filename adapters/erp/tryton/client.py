"""Tryton's REST interface: search, create, write, buttons; each call's context names its company."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from adapters.connectors.http.client import OPEN_GATE, Answer, Gate, HttpClient
from adapters.erp.tryton import wire
from adapters.erp.tryton.errors import judge

VENDOR = "Tryton"


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
        self,
        model: str,
        domain: Sequence[object],
        fields: Sequence[str],
        company: int | None = None,
        first: int | None = None,
    ) -> list[wire.Wire]:
        """All records that match a Tryton domain, or the `first` of them by their ids; dotted fields come back
        nested."""
        bounds = [] if first is None else [("s", str(first)), ("o", wire.in_header([["id", "ASC"]]))]
        query = urlencode([("d", wire.in_header(list(domain))), *(("f", name) for name in fields), *bounds])
        return self._records(self._call("GET", f"/{model}?{query}", company))

    def create(self, model: str, values: wire.Wire, fields: Sequence[str], company: int) -> wire.Wire:
        """Create one record; returns it as read in the same transaction."""
        path = f"/{model}?{urlencode([('f', name) for name in fields])}"
        (record,) = self._records(self._call("POST", path, company, values))
        return record

    def create_many(self, model: str, values: Sequence[wire.Wire], company: int) -> list[int]:
        """Create all of these records or none; returns their ids."""
        answer = self._call("POST", f"/{model}/create", company, {"vlist": [*values]})
        ids = answer.json()
        if not isinstance(ids, list) or not all(isinstance(each, int) for each in ids):
            raise answer.unreadable("no list of ids")
        return ids

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
