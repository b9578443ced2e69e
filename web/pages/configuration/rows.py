"""The rows of one kind as of a day, and the history of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import NamedTuple

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.configuration.bundle import governed
from oppsync.domain.configuration.conditionals import CONDITIONALS
from oppsync.domain.configuration.differences import values_in_words
from oppsync.domain.configuration.erp_names import NAMING
from oppsync.domain.configuration.files import FILES, key_in_words
from oppsync.domain.master_data.rows import in_words
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.kernel.errors import NotFound
from oppsync.services.configuration.present import history_of
from oppsync.services.mirror.ended_in_use import EndedName, RowAt, ended_by_row
from web.context import application, signed_in
from web.forms import FormError, day_of
from web.pages.configuration.shown import MOST_ROWS, shown_rows
from web.pages.formats import zone

page = Blueprint("configuration_rows", __name__, url_prefix="/configuration/rows")


class Row(NamedTuple):
    key: str
    words: str
    valid_from: date
    valid_to: date | None
    says: str
    ended: Sequence[EndedName] = ()


@page.get("/<kind>")
def show(kind: str) -> ResponseReturnValue:
    of_kind, text = kind_named(kind), request.args.get("text", "").strip()
    errors, today = [], application().clock.now().astimezone(zone()).date()
    try:
        on = day_of(request.args.get("on") or today.isoformat())
    except ValueError:
        on, errors = today, [FormError("on", "Write the day as 2026-01-31.")]
    every, ended = _rows(of_kind), _ended(of_kind)
    valid = [each for each in every if each.covers(on)]
    shown = [_shown(each, ended.get((each.kind, each.key, each.valid_from), ())) for each in valid]
    matching = [row for row in shown if text.casefold() in f"{row.words} {row.says}".casefold()]
    markup = render_template(
        "configuration/rows.html",
        kind=of_kind,
        file=FILES[of_kind].name,
        files=[(each, file.name) for each, file in FILES.items()],
        conditionals=CONDITIONALS,
        in_words=in_words,
        on=on,
        text=text,
        listed=matching[:MOST_ROWS],
        more=max(0, len(matching) - MOST_ROWS),
        others=len(every) - len(valid),
        errors=errors,
        may_propose=may(signed_in().person, Action.PROPOSE_CONFIGURATION),
    )
    return markup, HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK


@page.get("/<kind>/history")
def show_history(kind: str) -> str:
    of_kind, key = kind_named(kind), request.args.get("key", "").replace("\x00", "")
    with application().uow.reading() as uow:
        found = history_of(uow, signed_in().tenant_id, of_kind, key)
    rows = [_shown(each) for each in _rows(of_kind) if each.key == key]
    if not rows and not found:
        raise NotFound("No version has such a row.")
    return render_template(
        "configuration/history.html",
        kind=of_kind,
        file=FILES[of_kind].name,
        words=key_in_words(of_kind, key),
        listed=rows,
        key=key,
        may_propose=may(signed_in().person, Action.PROPOSE_CONFIGURATION),
        history=[(each.version, shown_rows(each.differences)) for each in found],
    )


def kind_named(name: str) -> ReferenceKind:
    """Raises NotFound."""
    found = next((kind for kind in FILES if kind == name), None)
    if found is None:
        raise NotFound("There is no such kind of rows.")
    return found


def _rows(kind: ReferenceKind) -> Sequence[ReferenceRow]:
    with application().uow.reading() as uow:
        rows = uow.configurations.rows(signed_in().tenant_id)
    return governed(each for each in rows if each.kind is kind)


def _ended(kind: ReferenceKind) -> Mapping[RowAt, Sequence[EndedName]]:
    """What rows name that their ERP does not have; not looked for where no row of the kind can name any."""
    if kind not in NAMING:
        return {}
    today = application().clock.now().date()
    with application().uow.reading() as uow:
        return ended_by_row(uow, signed_in().tenant_id, today, application().connectors)


def _shown(row: ReferenceRow, ended: Sequence[EndedName] = ()) -> Row:
    words = key_in_words(row.kind, row.key)
    return Row(row.key, words, row.valid_from, row.valid_to, values_in_words(row), ended)
