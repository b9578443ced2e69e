"""The REST API: query, sobjects, upsert, composite."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import count

from sandbox.standins.faults import Fault
from sandbox.standins.salesforce import composite, oauth
from sandbox.standins.salesforce.cursors import Cursors
from sandbox.standins.salesforce.errors import SalesforceError, malformed_query, no_such_column, not_found
from sandbox.standins.salesforce.oauth import OAuth
from sandbox.standins.salesforce.objects import SObject, parsed, shown, timestamp
from sandbox.standins.salesforce.org import Org
from sandbox.standins.salesforce.soql import Query, compile_query
from sandbox.standins.wire import Call, Json, Reply, from_json

ROOT = re.compile(r"v\d{2}\.0")
FAULT_CODES = {403: "REQUEST_LIMIT_EXCEEDED", 503: "SERVER_UNAVAILABLE"}


class SalesforceApi:
    """Answers everything on the vendor's host."""

    def __init__(self, org: Org, sign_in: OAuth, page_size: int, daily_calls: int) -> None:
        self._org = org
        self._sign_in = sign_in
        self._cursors = Cursors(page_size)
        self._daily_calls = daily_calls
        self._counter = count(1)
        self._used = 0

    def answer(self, call: Call) -> Reply:
        if call.path == oauth.PATH:
            return self._sign_in.token(call)
        try:
            self._sign_in.check(call)
            self._count_call()
            reply = self._within_transaction(call)
        except SalesforceError as error:
            reply = error.reply()
        usage = {"Sforce-Limit-Info": f"api-usage={self._used}/{self._daily_calls}"}
        return Reply(reply.status, reply.body, {**reply.headers, **usage})

    def refuse(self, fault: Fault) -> Reply:
        status = fault.status or 503
        code = fault.code or FAULT_CODES.get(status, "UNKNOWN_EXCEPTION")
        return fault.refusal([{"message": "ordered failure", "errorCode": code, "fields": []}])

    def keeps_body_secret(self, call: Call) -> bool:
        return call.path == oauth.PATH

    def _count_call(self) -> None:
        self._used = next(self._counter)
        if self._used > self._daily_calls:
            raise SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    def _within_transaction(self, call: Call) -> Reply:
        if call.method == "GET":
            return self.resource(call)
        with self._org.transaction():
            return self.resource(call)

    def resource(self, call: Call) -> Reply:
        """Answer one resource; a composite request calls this for each of its parts. Raises SalesforceError."""
        match call.segments:
            case ["services", "data", version, *rest] if ROOT.fullmatch(version):
                return self._versioned(call, version, rest)
            case _:
                raise not_found()

    def _versioned(self, call: Call, version: str, rest: Sequence[str]) -> Reply:
        match call.method, rest:
            case "GET", ["query"]:
                return self._query(call, version)
            case "GET", ["query", locator]:
                return Reply(200, self._cursors.page(locator, version))
            case "GET", ["limits"]:
                left = max(0, self._daily_calls - self._used)
                return Reply(200, {"DailyApiRequests": {"Max": self._daily_calls, "Remaining": left}})
            case "POST", ["composite"]:
                return composite.run(self._org.books, self.resource, json_object(call))
            case _, ["sobjects", name, *which]:
                return self._sobject(call, version, self._org.sobject(name), which)
            case _:
                raise not_found()

    def _sobject(self, call: Call, version: str, sobject: SObject, which: Sequence[str]) -> Reply:
        match call.method, which:
            case "POST", []:
                return Reply(201, _written(self._org.insert(sobject.name, json_object(call))))
            case "GET", ["describe" | "deleted" as what]:
                deleted = what == "deleted"
                return Reply(200, self._org.bin.deleted(sobject, call.args) if deleted else _described(sobject))
            case "GET", [record_id]:
                return Reply(200, self._record(call, version, sobject, record_id))
            case "PATCH", [record_id]:
                self._guard_unmodified(call, sobject, record_id)
                self._org.update(sobject.name, record_id, json_object(call))
                return Reply(204)
            case "GET", [field, value]:
                return self._by_key(call, version, sobject, field, value)
            case "PATCH", [field, value]:
                return self._upsert(call, version, sobject, field, value)
            case _, [_] | [_, _] | []:
                text = f"HTTP Method '{call.method}' not allowed."
                raise SalesforceError(405, "METHOD_NOT_ALLOWED", text)
            case _:
                raise not_found()

    def _query(self, call: Call, version: str) -> Reply:
        if "q" not in call.args:
            raise malformed_query("A query string has to be specified")
        until = timestamp(datetime.now(UTC) - timedelta(seconds=call.lag_seconds)) if call.lag_seconds else None
        query = compile_query(call.args["q"], self._org.objects, until)
        rows = self._org.books.rows(query.sql, query.parameters)
        return Reply(
            200, self._cursors.first_page([_nested(query, tuple(row), version) for row in rows], version)
        )

    def _record(self, call: Call, version: str, sobject: SObject, record_id: str) -> dict[str, Json]:
        record = self._org.record(sobject, record_id)
        names = list(record)
        if "fields" in call.args:
            names = [_own_name(sobject, name.strip()) for name in call.args["fields"].split(",")]
        shown_fields = {name: record[name] for name in names}
        return {"attributes": _attributes(version, sobject.name, record["Id"]), **shown_fields}

    def _by_key(self, call: Call, version: str, sobject: SObject, field: str, value: str) -> Reply:
        found = self._org.ids_by(sobject, field, value)
        if not found:
            raise not_found()
        if len(found) > 1:
            return _several(version, sobject, found)
        return Reply(200, self._record(call, version, sobject, found[0]))

    def _upsert(self, call: Call, version: str, sobject: SObject, field: str, value: str) -> Reply:
        found = self._org.ids_by(sobject, field, value)
        fields = json_object(call)
        if field.lower() in (name.lower() for name in fields):
            text = f"The {field} field should not be specified in the sobject data."
            raise SalesforceError(400, "INVALID_FIELD", text)
        if len(found) > 1:
            return _several(version, sobject, found)
        if found:
            self._org.update(sobject.name, found[0], fields)
            return Reply(200, _written(found[0]) | {"created": False})
        if call.args.get("updateOnly", "").lower() == "true":
            raise not_found()
        return Reply(
            201, _written(self._org.insert(sobject.name, {**fields, field: value})) | {"created": True}
        )

    def _guard_unmodified(self, call: Call, sobject: SObject, record_id: str) -> None:
        """Compare in whole seconds, as the header has them."""
        since = call.headers.get("if-unmodified-since")
        if since is None:
            return
        modified = parsed(self._org.find(sobject, record_id)["LastModifiedDate"]).replace(microsecond=0)
        if modified > _http_date(since):
            text = "The requested resource was modified after the given time"
            raise SalesforceError(412, "PRECONDITION_FAILED", text)


def json_object(call: Call) -> Mapping[str, Json]:
    """Raises SalesforceError JSON_PARSER_ERROR."""
    try:
        body = from_json(call.body)
    except ValueError as error:
        raise SalesforceError(400, "JSON_PARSER_ERROR", f"{error}") from error
    if not isinstance(body, dict):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "Expected a JSON object")
    return body


def _http_date(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        raise SalesforceError(400, "INVALID_HEADER", f"not an HTTP date: {text}") from None


def _written(record_id: str) -> dict[str, Json]:
    return {"id": record_id, "success": True, "errors": []}


def _several(version: str, sobject: SObject, ids: Sequence[str]) -> Reply:
    return Reply(300, [_url(version, sobject.name, record_id) for record_id in ids])


def _url(version: str, sobject: str, record_id: str) -> str:
    return f"/services/data/{version}/sobjects/{sobject}/{record_id}"


def _attributes(version: str, sobject: str, record_id: str) -> dict[str, Json]:
    return {"type": sobject, "url": _url(version, sobject, record_id)}


def _own_name(sobject: SObject, asked: str) -> str:
    name = sobject.field_name(asked)
    if name is None:
        raise no_such_column(asked, sobject.name)
    return name


def _described(sobject: SObject) -> dict[str, Json]:
    fields = [
        {"name": name, "type": field.kind, "externalId": field.external_id, "updateable": not field.read_only}
        for name, field in sobject.fields.items()
    ]
    is_history = sobject.name == "OpportunityFieldHistory"
    rights = {"queryable": True, "createable": not is_history, "updateable": not is_history}
    return {"name": sobject.name, "keyPrefix": sobject.prefix, **rights, "fields": fields}


def _nested(query: Query, row: Sequence[Json], version: str) -> dict[str, Json]:
    """One row as a record: fields of relations stand in records of their own, null where nothing is related."""
    values, related = row[: len(query.columns)], row[len(query.columns) : -1]
    ids = dict(zip(query.relations, related, strict=True))
    record: dict[str, Json] = {"attributes": _attributes(version, query.sobject, row[-1])}
    for column, value in zip(query.columns, values, strict=True):
        *relations, name = column.path
        place: dict[str, Json] | None = record
        for depth, relation in enumerate(relations):
            record_id = ids[column.path[: depth + 1]]
            fresh = (
                {"attributes": _attributes(version, column.objects[depth], record_id)} if record_id else None
            )
            place = place.setdefault(relation, fresh) if place is not None else None
        if place is not None:
            place[name] = shown(column.field, value)
    return record
