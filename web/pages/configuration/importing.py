"""Import a table of rows of one kind: choose its form, see what it would change, then apply or propose it."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from adapters.documents.tables import read_table
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.configuration.imports import (
    DATE_EXAMPLES,
    IMPORTED,
    NUMBER_EXAMPLES,
    DateForm,
    Forms,
    NumberForm,
)
from oppsync.domain.configuration.records import columns
from web.bundles import configuration_now, with_imported
from web.forms import FormError, day_of, posted
from web.pages.configuration.upload import ask, refuse

page = Blueprint("configuration_import", __name__, url_prefix="/configuration/import")
# What somebody chooses besides the file, kept for the corrected one.
_CHOICES = ("rows", "numbers", "dates", "since")


@page.get("")
def show() -> str:
    return _render()


@page.post("")
def take() -> ResponseReturnValue:
    file, since, errors = request.files.get("table"), None, []
    content = file.read() if file else b""
    if not content:
        errors.append(FormError("table", "Choose a CSV or XLSX file."))
    kind = IMPORTED.get(posted("rows"))
    if kind is None:
        errors.append(FormError("rows", "Choose which rows these are."))
    if posted("numbers") not in set(NumberForm):
        errors.append(FormError("numbers", "Choose the form of numbers."))
    if posted("dates") not in set(DateForm):
        errors.append(FormError("dates", "Choose the form of dates."))
    try:
        since = day_of(posted("since")) if posted("since") else None
    except ValueError:
        errors.append(FormError("since", "Write the day as 2026-01-31."))
    if errors or kind is None:
        return _render(errors), HTTPStatus.UNPROCESSABLE_ENTITY
    forms = Forms(NumberForm(posted("numbers")), DateForm(posted("dates")), since)
    try:
        return ask(with_imported(configuration_now(), kind, read_table(posted("rows"), content), forms))
    except BadBundle as refused:
        return refuse(refused, f"{url_for('configuration_import.show')}?{urlencode(_typed())}")


def _typed() -> dict[str, str]:
    return {name: posted(name) for name in _CHOICES}


def _render(errors: list[FormError] | None = None) -> str:
    return render_template(
        "configuration/import.html",
        files=[(name, ", ".join(columns(kind))) for name, kind in IMPORTED.items()],
        numbers=NUMBER_EXAMPLES,
        dates=DATE_EXAMPLES,
        typed=_typed() if request.method == "POST" else {name: request.args.get(name, "") for name in _CHOICES},
        errors=errors or [],
    )
