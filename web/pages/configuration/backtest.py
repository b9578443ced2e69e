"""The report on rows that somebody tried past deals by, under an address of its own."""

from __future__ import annotations

from flask import Blueprint, render_template

from oppsync.services.configuration.present import kept_backtest
from web.context import application, signed_in

page = Blueprint("configuration_backtest", __name__, url_prefix="/configuration/backtests")


@page.get("/<fingerprint>")
def show(fingerprint: str) -> str:
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        found = kept_backtest(uow, tenant_id, fingerprint)
        number = uow.configurations.number_of(tenant_id, fingerprint)
    return render_template("configuration/backtest.html", backtest=found, number=number)
