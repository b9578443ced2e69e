"""One version of the configuration: what it changed, its files, and how its rows come back."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from adapters.documents.bundle_files import FirmBundle
from oppsync.domain.approval.who_may import Action, check, may
from oppsync.kernel.errors import Conflict
from oppsync.services.configuration.commands import Applied, RevertConfiguration
from oppsync.services.configuration.present import version_with_changes
from web.bundles import download
from web.context import application, signed_in
from web.forms import FormError, posted, too_long
from web.pages.configuration.shown import asked_backtest, compare, shown_rows, try_past_deals

# Deals that wait by plans of an earlier version.
MOST_LISTED = 50

page = Blueprint("configuration_version", __name__, url_prefix="/configuration/versions")


@page.get("/<int:number>")
def show(number: int) -> str:
    me = signed_in()
    with application().uow.reading() as uow:
        found = version_with_changes(uow, me.tenant_id, number)
        newest = uow.configurations.latest(me.tenant_id)
        backtest = uow.configurations.backtest_of(me.tenant_id, found.version.fingerprint)
        is_newest = newest is not None and newest.number == number
        of_rows = found.version.fingerprint
        waiting = uow.plans.waiting_by_others(me.tenant_id, of_rows, MOST_LISTED) if is_newest else ((), 0)
    return render_template(
        "configuration/version.html",
        waiting=waiting[0],
        more_waiting=waiting[1] - len(waiting[0]),
        version=found.version,
        firm_before=found.firm_before,
        changes=shown_rows(found.differences),
        backtest=backtest,
        is_newest=is_newest,
        may_propose=may(me.person, Action.PROPOSE_CONFIGURATION),
    )


@page.get("/<int:number>/download")
def get_files(number: int) -> Response:
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        found = version_with_changes(uow, tenant_id, number).version
        rows = uow.configurations.rows_of(tenant_id, number)
    return download(FirmBundle(found.firm, tuple(rows)), found.fingerprint)


@page.get("/<int:number>/revert")
def show_revert(number: int) -> str:
    """What taking it back would change, before anybody says so."""
    check(signed_in().person, Action.PROPOSE_CONFIGURATION)
    return _render(number)


@page.post("/<int:number>/revert")
def revert(number: int) -> ResponseReturnValue:
    me, note = signed_in(), posted("note")
    if posted("action") == "backtest":
        return _tried(number)
    if errors := too_long("note", note):
        return _render(number, errors), HTTPStatus.UNPROCESSABLE_ENTITY
    command = RevertConfiguration(me.tenant_id, me.person.id, number, note, posted("against"))
    try:
        answer = application().dispatch(command)
    except Conflict as error:
        return _render(number, notice=error.message), HTTPStatus.CONFLICT
    if isinstance(answer, Applied):
        return redirect(url_for("configuration_version.show", number=answer.number), 303)
    return redirect(url_for("configuration_proposal.show", proposal_id=answer.proposal_id), 303)


def _tried(number: int) -> ResponseReturnValue:
    """The same page, with what the last won deals would become."""
    asked = asked_backtest()
    if asked.error:
        return _render(number, [asked.error]), HTTPStatus.UNPROCESSABLE_ENTITY
    with application().uow.reading() as uow:
        rows = uow.configurations.rows_of(signed_in().tenant_id, number)
    try_past_deals(rows, asked)
    return _render(number)


def _render(number: int, errors: list[FormError] | None = None, notice: str = "") -> str:
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        rows, firm = uow.configurations.rows_of(tenant_id, number), uow.configurations.firm(tenant_id, number)
    compared = compare(firm, rows)
    return render_template(
        "configuration/revert.html",
        number=number,
        compared=compared,
        changes=shown_rows(compared.differences),
        errors=errors or [],
        notice=notice,
        note=posted("note"),
        last=posted("last"),
        as_of=posted("as_of"),
    )
