"""One row, added, edited or ended: seen to be sound, compared, then applied or proposed as an upload is.

A row of a CSV file is a form of its columns; one of a YAML file, which is nested, is its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import NamedTuple

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from adapters.documents.bundle_files import FirmBundle, cells_of, record_of, text_of
from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.configuration.edits import OF_THE_ROW, ended, row_of, written
from oppsync.domain.configuration.faults import BadBundle, Fault, Place
from oppsync.domain.configuration.files import FILES, VALID_FROM, VALID_TO, Form, key_in_words
from oppsync.domain.configuration.records import Record, choices_of, columns, must_be_given, types_of
from oppsync.domain.reference.book import OF_TODAY, ReferenceKind, ReferenceRow
from oppsync.kernel.errors import NotFound
from oppsync.services.admin.connection_maps import as_row
from web.bundles import configuration_now, mine
from web.context import application, signed_in
from web.forms import FormError, day_of, posted
from web.pages.configuration.rows import kind_named
from web.pages.configuration.upload import ask

page = Blueprint("configuration_row", __name__, url_prefix="/configuration/rows")
_MOVED_ON = "The configuration changed since you opened the form: look at what changes of the one of now."


class Field(NamedTuple):
    """One column. `choices`: what it may be, where that is a few. `may_be_any`: `*` stands for every other."""

    name: str
    value: str
    is_needed: bool
    is_day: bool
    choices: Sequence[str]
    may_be_any: bool


@page.get("/<kind>/add")
def show_new(kind: str) -> str:
    of_kind, key = kind_named(kind), request.args.get("key", "")
    of_key = [row for row in configuration_now().rows if (row.kind, row.key) == (of_kind, key)]
    return _form(of_kind, None, _begun(of_kind, of_key[-1] if of_key else _of_connection(of_kind, key)))


@page.post("/<kind>/add")
def add(kind: str) -> ResponseReturnValue:
    return _written(kind_named(kind), configuration_now(), None)


@page.get("/<kind>/edit")
def show(kind: str) -> str:
    row = _row(kind_named(kind), configuration_now())
    return _form(row.kind, row, _as_given(row))


@page.post("/<kind>/edit")
def edit(kind: str) -> ResponseReturnValue:
    now = configuration_now()
    return _written(kind_named(kind), now, _row(kind_named(kind), now))


@page.post("/<kind>/end")
def end(kind: str) -> ResponseReturnValue:
    now = configuration_now()
    row = _row(kind_named(kind), now)
    try:
        until = day_of(posted("until"))
    except ValueError:
        errors = [FormError("until", "Write the day as 2026-01-31.")]
        return _form(row.kind, row, _as_given(row), errors), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        return _compared(now, ended(now.rows, row, until))
    except BadBundle as refused:
        errors = [FormError("until", _in_words(each)) for each in refused.faults]
        return _form(row.kind, row, _as_given(row), errors), HTTPStatus.UNPROCESSABLE_ENTITY


def _written(kind: ReferenceKind, now: FirmBundle, instead_of: ReferenceRow | None) -> ResponseReturnValue:
    given = _given(kind)
    try:
        judge = application().connectors.wrong_map
        rows = written(now.rows, kind, _record(kind, given), instead_of, mine(), judge=judge)
    except BadBundle as refused:
        errors = [FormError(_input_of(kind, each), _in_words(each)) for each in refused.faults]
        return _form(kind, instead_of, given, errors), HTTPStatus.UNPROCESSABLE_ENTITY
    return _compared(now, rows)


def _compared(now: FirmBundle, rows: Sequence[ReferenceRow]) -> str:
    moved_on = posted("opened") not in ("", fingerprint(now.rows))
    return ask(FirmBundle(now.firm, tuple(rows)), notice=_MOVED_ON if moved_on else "")


def _of_connection(kind: ReferenceKind, name: str) -> ReferenceRow | None:
    """What a connection maps by its own settings, so that the configuration can say it from a day on."""
    if kind is not ReferenceKind.CONNECTION_MAP:
        return None
    with application().uow.reading() as uow:
        connected = uow.connections.of_tenant(signed_in().tenant_id)
    of_name = [each for each in connected if each.name == name]
    return as_row(application().connectors, of_name[0], application().clock.now().date()) if of_name else None


def _row(kind: ReferenceKind, now: FirmBundle) -> ReferenceRow:
    """Which the address names."""
    try:
        since = day_of(request.args.get("since", ""))
    except ValueError:
        since = None
    found = row_of(now.rows, kind, request.args.get("key", ""), since) if since else None
    if found is None:
        raise NotFound("The configuration of now has no such row.")
    return found


def _is_flat(kind: ReferenceKind) -> bool:
    return FILES[kind].form is Form.CSV


# What the inputs hold: by column, or the text alone.
_TEXT = "text"


def _as_given(row: ReferenceRow) -> Mapping[str, str]:
    return cells_of(row) if _is_flat(row.kind) else {_TEXT: text_of(row)}


def _begun(kind: ReferenceKind, like: ReferenceRow | None) -> Mapping[str, str]:
    """What a new row begins with: with all but the days of one of its key, or empty."""
    if _is_flat(kind):
        given = cells_of(like) if like else {}
        return {name: value for name, value in given.items() if name not in (VALID_FROM, VALID_TO)}
    if like is None:
        return {_TEXT: "".join(f"{name}:\n" for name in columns(kind) if must_be_given(kind, name))}
    days = (f"{VALID_FROM}:", f"{VALID_TO}:")
    kept = (line for line in text_of(like).splitlines(keepends=True) if not line.startswith(days))
    return {_TEXT: f"{VALID_FROM}:\n{''.join(kept)}"}


def _given(kind: ReferenceKind) -> Mapping[str, str]:
    if _is_flat(kind):
        return {name: posted(_input(name)) for name in columns(kind)}
    return {_TEXT: request.form.get(_input(_TEXT), "").replace("\r\n", "\n")}


def _record(kind: ReferenceKind, given: Mapping[str, str]) -> Record:
    return Record(given, Place(OF_THE_ROW, 0)) if _is_flat(kind) else record_of(given[_TEXT])


def _input(name: str) -> str:
    """The id and name of a column's input: alone, it could be that of another."""
    return f"row-{name}"


def _input_of(kind: ReferenceKind, fault: Fault) -> str:
    """Of what is wrong elsewhere the first day may be the cause, and is where people begin."""
    if not _is_flat(kind):
        return _input(_TEXT)
    name = fault.field if fault.file == OF_THE_ROW else ""
    return _input(name if name in columns(kind) else VALID_FROM)


def _in_words(fault: Fault) -> str:
    if fault.file != OF_THE_ROW:
        return str(fault)
    return f"Line {fault.line}: {fault.in_words}" if fault.line else fault.in_words


def _form(
    kind: ReferenceKind,
    row: ReferenceRow | None,
    given: Mapping[str, str],
    errors: Sequence[FormError] = (),
) -> str:
    fields = [
        Field(
            name,
            given.get(name, ""),
            must_be_given(kind, name),
            date in types_of(kind, name),
            choices_of(kind, name),
            name in FILES[kind].may_be_any,
        )
        for name in columns(kind)
    ]
    return render_template(
        "configuration/row.html",
        kind=kind,
        file=FILES[kind].name,
        row=row,
        words=key_in_words(kind, row.key) if row else "",
        fields=fields if _is_flat(kind) else [],
        text=given.get(_TEXT, ""),
        columns=columns(kind),
        is_of_today=kind in OF_TODAY,
        opened=posted("opened") or fingerprint(configuration_now().rows),
        until=posted("until"),
        errors=errors,
    )
