"""Tryton 8.2's REST interface: `/DATABASE/rest/model/MODEL[/ID[/BUTTON]]`, bearer key, context in a header.

Refusals by a rule are 400 with a sentence; an unknown model or field is a 500 and a missing record a 404, both
as pages. The answer of a create or a write is read in the same transaction; that of `MODEL/create`, which takes
many records, has only their ids.
"""

import base64
import binascii
from collections.abc import Sequence
from urllib.parse import parse_qsl

from sandbox.standins.faults import Fault
from sandbox.standins.tryton.domains import find_field
from sandbox.standins.tryton.errors import HttpRefusal, ServerError, UserError, page, user_error
from sandbox.standins.tryton.records import Fields, Records
from sandbox.standins.tryton.schema import COMMON, MODELS, Kind
from sandbox.standins.wire import Call, Json, Reply, from_json


class TrytonApi:
    """Answers everything of one database."""

    def __init__(self, records: Records, database: str, key: str) -> None:
        self._records = records
        self._database = database
        self._key = key

    def answer(self, call: Call) -> Reply:
        try:
            if call.method == "GET":
                return self._resource(call)
            with self._records.books.transaction():
                return self._resource(call)
        except UserError as error:
            return user_error(str(error))
        except ServerError:
            return page(500, "Internal Server Error")
        except HttpRefusal as error:
            return page(error.status, str(error))

    def refuse(self, fault: Fault) -> Reply:
        """A 4xx is a refusal in Tryton's words (`code` is the sentence); a 5xx or 429 a page."""
        status = fault.status or 503
        if status == 400:  # noqa: PLR2004
            return fault.refusal({"status": 400, "message": fault.code or "ordered failure", "description": ""})
        refused, shape = fault.refusal(None), page(status, fault.code or "ordered failure")
        return Reply(status, raw=shape.raw, headers={**shape.headers, **refused.headers})

    def keeps_body_secret(self, call: Call) -> bool:
        return False

    def _resource(self, call: Call) -> Reply:
        match call.segments:
            case [database, "rest", "model", model, *rest] if database == self._database:
                if call.headers.get("authorization") != f"Bearer {self._key}":
                    raise HttpRefusal(401, "Unauthorized")
                return self._of_model(call, model, rest)
            case _:
                raise HttpRefusal(404, "Not Found")

    def _of_model(self, call: Call, model: str, rest: Sequence[str]) -> Reply:
        find_field(model, "id")
        match call.method, rest:
            case "GET", []:
                return self._search(call, model)
            case "POST", ([] | ["create"]):
                return self._create(call, model, are_many=bool(rest))
            case "GET", [which]:
                return self._read(call, model, self._existing(model, which))
            case "PUT", [which]:
                record = self._existing(model, which)
                self._records.write(model, record, _values(call), _company(call))
                return self._read(call, model, record)
            case "DELETE", [which]:
                self._records.delete(model, self._existing(model, which))
                return Reply(204)
            case "POST", [which, ("cancel" | "draft") as button] if model == "account.invoice":
                record = self._existing(model, which)
                self._records.move_invoice(record, button, {"cancel": "cancelled"}.get(button, button))
                return self._read(call, model, record)
            case "POST", [_, _]:
                raise HttpRefusal(403, "Forbidden")
            case _:
                raise HttpRefusal(405, "Method Not Allowed")

    def _create(self, call: Call, model: str, *, are_many: bool) -> Reply:
        company = _company(call)
        if are_many:
            return Reply(200, [self._records.create(model, each, company) for each in _vlist(call)])
        return self._read(call, model, self._records.create(model, _values(call), company))

    def _search(self, call: Call, model: str) -> Reply:
        domain = _decoded(call.args["d"]) if "d" in call.args else []
        first = int(call.args.get("p", 0))
        last = first + int(call.args["s"]) if "s" in call.args else None
        ids = self._records.search(model, domain, _company(call), call.lag_seconds)[first:last]
        return Reply(200, self._records.read(model, ids, _fields(call, model)))

    def _read(self, call: Call, model: str, record: int) -> Reply:
        (found,) = self._records.read(model, [record], _fields(call, model))
        return Reply(200, found)

    def _existing(self, model: str, which: str) -> int:
        if not which.isdecimal() or not self._records.exists(model, int(which)):
            raise HttpRefusal(404, "Not Found")
        return int(which)


def _fields(call: Call, model: str) -> Fields:
    """The `f` of the query, with dotted names as a tree; all plain fields without it."""
    asked = [value for name, value in parse_qsl(call.query) if name == "f"]
    if not asked:
        asked = [name for name, field in MODELS[model].items() if field.kind is not Kind.ONE2MANY]
    tree: Fields = {}
    for path in asked:
        below = tree
        for name in path.split("."):
            below = below.setdefault(name, {})
    return tree


def _values(call: Call) -> dict[str, Json]:
    try:
        body = from_json(call.body)
    except ValueError:
        raise HttpRefusal(400, "Bad Request") from None
    if not isinstance(body, dict) or any(name in COMMON for name in body):
        raise HttpRefusal(400, "Bad Request")
    return body


def _vlist(call: Call) -> list[dict[str, Json]]:
    """What its `create` takes by its own name: many records at once."""
    listed = _values(call).get("vlist")
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise ServerError("no list of values")
    return listed


def _company(call: Call) -> int | None:
    header = call.headers.get("x-tryton-context")
    company = _decoded(header).get("company") if header else None
    return int(company) if company else None


def _decoded(text: str) -> Json:
    try:
        return from_json(base64.urlsafe_b64decode(text))
    except (binascii.Error, ValueError) as error:
        raise ServerError("not base64 of JSON") from error
