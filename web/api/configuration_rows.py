"""Single rows of the configuration: read as of a day, and written one at a time with the same check, difference
and second person as a whole bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import Any

from pydantic import Field

from adapters.documents.bundle_files import FirmBundle
from oppsync.domain.approval.who_may import Action
from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.configuration.edits import OF_THE_ROW, row_of, written
from oppsync.domain.configuration.faults import BadBundle, Place
from oppsync.domain.configuration.files import FILES, KIND_OF_FILE, Form, key_in_words
from oppsync.domain.configuration.records import Record, records
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.kernel.errors import NotFound
from oppsync.services.configuration.commands import ApplyConfiguration
from web.access.dear_calls import spend_dear_call
from web.api.auth import authenticate_for
from web.api.bridge import Blueprint
from web.api.configuration import answered, compared
from web.api.schemas import configuration as schemas
from web.bundles import configuration_now, mine
from web.context import application, signed_in

_PLACE = Place(OF_THE_ROW, 0)
rows = Blueprint("configuration_rows_api", __name__, description="Single rows of the configuration.")
rows.before_request(authenticate_for(Action.VISIT_CONFIGURATION, write_row=Action.PROPOSE_CONFIGURATION))


class RowsQuery(Frozen):
    on: date | None = Field(default=None, description="The day on which the rows hold; without it, every row.")


class RowId(Frozen):
    """`key` and `valid_from` as `GET /configuration/rows/{file}` answers them."""

    key: Code
    valid_from: date


class RowRequest(Frozen):
    """`row`: names and values as in the file; the values of a CSV file are text. `instead_of`: the row of now
    that it replaces; without it the row is added. A row with a `valid_to` ends."""

    row: dict[str, Any]
    instead_of: RowId | None = None


class RowChange(RowRequest):
    """`against`: as of a proposal; without it, of the configuration as it is when the request arrives."""

    against: Code | None = None
    note: Text = ""


class StoredRow(Frozen):
    """`row`: names and values as in the file, without what is at its default."""

    key: Code
    words: Text
    valid_from: date
    valid_to: date | None
    row: dict[str, Any]


class StoredRows(Frozen):
    fingerprint: Code
    rows: tuple[StoredRow, ...]


@rows.route("/configuration/rows/<file>")
@rows.takes(RowsQuery, location="query")
@rows.answers(StoredRows)
@rows.refuses(HTTPStatus.NOT_FOUND)
def list_rows(query: RowsQuery, file: str) -> Mapping[str, object]:
    """List the rows of one file of the configuration of now

    `fingerprint` is that of the whole configuration, for `against`.
    """
    kind, now = _kind(file), configuration_now()
    wanted = [row for row in now.rows if row.kind is kind and (query.on is None or row.covers(query.on))]
    return {"fingerprint": fingerprint(now.rows), "rows": tuple(_stored(wanted))}


@rows.route("/configuration/rows/<file>/preview", methods=["POST"])
@rows.takes(RowRequest)
@rows.answers(schemas.ConfigurationDifference)
@rows.refuses(HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)
def preview_row(request: RowRequest, file: str) -> Mapping[str, object]:
    """Show what writing one row would change

    Writes nothing. Refused with BAD_BUNDLE, which lists every fault with its field and what to do.
    """
    spend_dear_call()
    return compared(_with(_kind(file), request, configuration_now()))


@rows.route("/configuration/rows/<file>", methods=["POST"])
@rows.takes(RowChange)
@rows.answers(schemas.AppliedOrProposed)
@rows.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
def write_row(request: RowChange, file: str) -> Mapping[str, object]:
    """Add or replace one row, or propose that where it needs a second person

    Needs the role finance approver or integration admin.
    """
    spend_dear_call()
    me, now = signed_in(), configuration_now()
    bundle = _with(_kind(file), request, now)
    # What is written is all rows with this one: those of somebody who wrote meanwhile would be lost.
    against = request.against or fingerprint(now.rows)
    command = ApplyConfiguration(me.tenant_id, me.asker, bundle.firm, bundle.rows, against, request.note)
    return answered(application().dispatch(command))


def _kind(file: str) -> ReferenceKind:
    if file not in KIND_OF_FILE:
        raise NotFound(f"There is no such file of rows. Known are {', '.join(KIND_OF_FILE)}.")
    return KIND_OF_FILE[file]


def _stored(kept: Sequence[ReferenceRow]) -> Iterator[StoredRow]:
    """Raises BadBundle for a row that no file can hold."""
    written_as = [each for of_kind in records(kept).values() for each in of_kind]
    for row, values in zip(kept, written_as, strict=True):
        words = key_in_words(row.kind, row.key)
        yield StoredRow(key=row.key, words=words, valid_from=row.valid_from, valid_to=row.valid_to, row=values)


def _with(kind: ReferenceKind, request: RowRequest, now: FirmBundle) -> FirmBundle:
    """The configuration of now with this row. Raises NotFound, BadBundle."""
    replaced = None
    if request.instead_of is not None:
        replaced = row_of(now.rows, kind, request.instead_of.key, request.instead_of.valid_from)
        if replaced is None:
            raise NotFound("The configuration of now has no such row.")
    values = request.row if FILES[kind].form is Form.YAML else _cells(request.row)
    judge = application().connectors.wrong_map
    rows = written(now.rows, kind, Record(values, _PLACE), replaced, mine(), judge=judge)
    return FirmBundle(now.firm, tuple(rows))


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    """As a table has them. Raises BadBundle for what no cell can be."""
    faults = [
        _PLACE.fault([name], "is no value of a cell", "Send text, a number or a truth value")
        for name, value in row.items()
        if not isinstance(value, str | bool | int | None)
    ]
    if faults:
        raise BadBundle(faults)
    return {name: _cell(value) for name, value in row.items()}


def _cell(value: str | bool | int | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
