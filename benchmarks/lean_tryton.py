"""The benchmarks' Tryton: reference data as the stand-in answers it, cached; the rest is kept in memory."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from adapters.erp.tryton import wire
from sandbox.standins.books import Books
from sandbox.standins.tryton.firm import seed
from sandbox.standins.tryton.records import Records
from sandbox.standins.tryton.rest import TrytonApi
from sandbox.standins.tryton.schema import tables
from sandbox.standins.wire import Call, to_json

DATABASE, REST_KEY = "erp", "tryton-standin-rest-key"
WORK, INVOICE = "project.work", "account.invoice"
_FIELDS = {WORK: wire.WORK_FIELDS, INVOICE: wire.INVOICE_FIELDS}
# The CRM's id of the deal, which is in each of its keys.
_DEAL = re.compile(r"006[A-Za-z0-9]{15}")
Headers = Mapping[str, str]
Document = dict[str, Any]


class Tryton:
    """Records are found by their key, by what it begins with, and by id. They are made one by one, many in one
    call, or by a nested write of their parent. Each has all fields that an adapter asks for."""

    def __init__(self, folder: Path) -> None:
        records = Records(Books(folder / "erp.sqlite", list(tables())))
        seed(records)
        self._api = TrytonApi(records, DATABASE, REST_KEY)
        self._known: dict[tuple[str, str], bytes] = {}
        self._shapes: dict[str, Document] = {}
        self._made: list[Document] = []
        self._of_key: dict[str, Document] = {}
        self._keys_of_deal: defaultdict[str, list[str]] = defaultdict(list)
        self._below: defaultdict[int, list[Document]] = defaultdict(list)

    def answer(self, method: str, path: str, headers: Headers, body: bytes) -> tuple[int, bytes]:
        where, _, query = path.partition("?")
        model, *rest = where.split("/")[4:]
        if model not in _FIELDS:
            return 200, self._reference(where, query, headers)
        if method == "GET":
            return 200, json.dumps(self._found(query)).encode()
        document = json.loads(body)
        if rest == ["create"]:
            made: object = [self._create(model, headers, each)["id"] for each in document["vlist"]]
        elif rest:
            made = self._create_below(int(rest[0]), headers, document)
        else:
            made = self._create(model, headers, document)
        return 200, json.dumps(made).encode()

    def _reference(self, where: str, query: str, headers: Headers) -> bytes:
        asked = (f"{where}?{query}", headers.get("x-tryton-context", ""))
        if asked not in self._known:
            reply = self._api.answer(Call("GET", where, query, headers))
            self._known[asked] = reply.content.encode()
        return self._known[asked]

    def _found(self, query: str) -> list[Document]:
        """What any clause of the domain finds; `like` by the text before its `%`."""
        clauses = json.loads(base64.urlsafe_b64decode(dict(parse_qsl(query))["d"]))
        found: dict[int, Document] = {}
        for _column, how, value in (clause for clause in clauses if clause != "OR"):
            for record in self._by(how, value):
                found[record["id"]] = record
        return list(found.values())

    def _by(self, how: str, value: Any) -> list[Document]:
        if how == "=":
            return [self._of_key[value]] if value in self._of_key else []
        if how == "in":
            return [self._made[number - 1] for number in value]
        begins = str(value).removesuffix("%")
        deal = _DEAL.search(begins)
        keys = self._keys_of_deal[deal[0]] if deal else list(self._of_key)
        return [self._of_key[key] for key in keys if key.startswith(begins)]

    def _create_below(self, parent: int, headers: Headers, document: Document) -> Document:
        for _create, values in document["children"]:
            for each in values:
                self._create(WORK, headers, {**each, "parent": parent})
        return {"id": parent, "__name__": WORK, "children": self._below[parent]}

    def _create(self, model: str, headers: Headers, values: Document) -> Document:
        """Create a record. The stand-in makes the first of each kind, and the others get its shape."""
        record = {**self._shape(model, headers, values), "id": len(self._made) + 1}
        if model == WORK:
            record |= {"number": str(record["id"]), "name": values["name"], "comment": values["comment"]}
            record["parent"] = values["parent"]
            key = values["comment"].partition("\n")[0]
        else:
            record |= {name: values[name] for name in ("reference", "comment", "description")}
            record |= _priced(record, values)
            key = values["reference"]
        self._made.append(record)
        self._of_key[key] = record
        if deal := _DEAL.search(key):
            self._keys_of_deal[deal[0]].append(key)
        if record.get("parent"):
            self._below[record["parent"]].append(record)
        return record

    def _shape(self, model: str, headers: Headers, values: Document) -> Document:
        has_parent = "parent" in values and values["parent"] is not None
        kind = f"{model} {values.get('type')} {has_parent} {'lines' in values}"
        if kind not in self._shapes:
            where, query = (
                f"/{DATABASE}/rest/model/{model}",
                urlencode([("f", name) for name in _FIELDS[model]]),
            )
            alone = {**values, "parent": None} if has_parent else values
            reply = self._api.answer(Call("POST", where, query, headers, to_json(alone).encode()))
            self._shapes[kind] = json.loads(reply.content)
        return self._shapes[kind]


def _priced(shape: Document, values: Document) -> Document:
    """The invoice's own price, in the shape of another's."""
    if "lines" not in values:
        return {}
    price = values["lines"][0][1][0]["unit_price"]
    return {"untaxed_amount": price, "lines": [{**shape["lines"][0], "unit_price": price}]}
