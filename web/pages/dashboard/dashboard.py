"""The executives' dashboard: how long deals take, where value waits, what is planned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from http import HTTPStatus
from io import BytesIO
from typing import Any

from flask import Blueprint, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from adapters.documents.written_tables import CSV, XLSX, written_csv, written_xlsx
from oppsync.domain.reading.dashboard import Dashboard
from oppsync.domain.values.model import LONGEST_CODE
from oppsync.domain.work.states import State
from oppsync.kernel.errors import InvalidInput, NotFound
from oppsync.services.insight.dashboard import Asked, read_dashboard
from web.context import application, signed_in
from web.forms import FormError, day_of
from web.pages.dashboard.pictures import cycle_picture, revenue_bars, trend_in_words
from web.pages.dashboard.tables import TABLES
from web.pages.dashboard.words import duration

page = Blueprint("dashboard", __name__, url_prefix="/dashboard")
page.add_app_template_filter(duration)


@page.get("")
def show() -> ResponseReturnValue:
    asked, errors = asked_for(request.args)
    try:
        shown = dashboard(asked)
    except InvalidInput as error:
        errors = [*errors, FormError(error.field, error.message)]
        shown = dashboard(Asked())
    markup = render_template(
        "dashboard/page.html",
        shown=shown,
        lists=Lists(shown),
        picture=cycle_picture(shown),
        trend=trend_in_words(shown.cycle),
        bars=revenue_bars(shown),
        errors=errors,
    )
    return markup, HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK


@page.get("/<table>.<form>")
def download(table: str, form: str) -> ResponseReturnValue:
    """A table of the page with the same address, as CSV or XLSX."""
    if table not in TABLES or form not in ("csv", "xlsx"):
        raise NotFound("There is no such table.")
    asked, errors = asked_for(request.args)
    if errors:
        raise InvalidInput(errors[0].message, field=errors[0].field)
    shown = dashboard(asked)
    lines, wanted = TABLES[table](shown), shown.wanted
    content = written_csv(lines) if form == "csv" else written_xlsx(table, lines)
    name = f"{table}-{wanted.since}-{wanted.until}-{wanted.currency}.{form}"
    kind = CSV if form == "csv" else XLSX
    return send_file(BytesIO(content), mimetype=kind, as_attachment=True, download_name=name)


def dashboard(asked: Asked) -> Dashboard:
    """Raises InvalidInput."""
    app = application()
    return read_dashboard(app.queries, app.uow, app.clock, signed_in().tenant_id, asked)


def asked_for(args: Mapping[str, str]) -> tuple[Asked, list[FormError]]:
    """What the address asks for, and what of it cannot be read."""
    asked: dict[str, Any] = {}
    errors = []
    for name in ("won_from", "won_to"):
        if text := args.get(name, "").strip():
            try:
                asked[name] = day_of(text)
            except ValueError:
                errors.append(FormError(name, "Write the day as 2026-01-31."))
    for name in ("currency", "entity"):
        if text := args.get(name, "").replace("\x00", "").strip()[:LONGEST_CODE]:
            asked[name] = text
    return Asked(**asked), errors


class Lists:
    """The addresses of the lists behind the figures."""

    def __init__(self, shown: Dashboard) -> None:
        self._wanted = shown.wanted

    def won(
        self, month: str | None, state: State | None = None, *, under_way: bool = False, planned: bool = False
    ) -> str:
        """Deals won in a month, as far as it is in the period; in the whole period for None."""
        first, last = self._wanted.since, self._wanted.until
        if month is not None:
            begin = date.fromisoformat(f"{month}-01")
            first, last = max(first, begin), min(last, _last_day(begin))
        return self._list(
            won_from=first, won_to=last, state=state, under_way=_yes(under_way), planned=_yes(planned)
        )

    def waiting(
        self, state: State | None = None, cause: str | None = None, revenue_in: str | None = None
    ) -> str:
        return self._list(state=state, cause=cause, revenue_in=revenue_in, under_way=_yes(state is None))

    def file(self, table: str, form: str) -> str:
        """The same figures to take away."""
        wanted = self._wanted
        return url_for(
            "dashboard.download",
            table=table,
            form=form,
            won_from=wanted.since,
            won_to=wanted.until,
            currency=wanted.currency,
            entity=wanted.entity,
        )

    def unconverted(self, currency: str | None, *, of_period: bool) -> str:
        return self._list(
            currency=currency,
            under_way=_yes(not of_period),
            won_from=self._wanted.since if of_period else None,
            won_to=self._wanted.until if of_period else None,
        )

    def _list(self, **filters: Any) -> str:
        return url_for("opportunity_overview.show", entity=self._wanted.entity, **filters)


def _yes(wanted: bool) -> str | None:
    return "yes" if wanted else None


def _last_day(begin: date) -> date:
    return (begin + timedelta(days=31)).replace(day=1) - timedelta(days=1)
