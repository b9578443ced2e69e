"""Who owns which field: the table of systems of record."""

from __future__ import annotations

from itertools import groupby

from flask import Blueprint, render_template

from oppsync.domain.deal.owned_fields import WHERE_CHANGED, SystemOfRecord
from oppsync.domain.reading.system_of_record import systems_of_record

page = Blueprint("configuration_owners", __name__, url_prefix="/configuration/owners")
_TITLES = {
    SystemOfRecord.CRM: "CRM",
    SystemOfRecord.ERP: "ERP",
    SystemOfRecord.CONFIGURATION: "Configuration",
    SystemOfRecord.OPPSYNC: "oppsync",
}


@page.get("")
def show() -> str:
    groups = groupby(systems_of_record(), key=lambda each: each.group)
    return render_template(
        "configuration/owners.html",
        groups=[(title, list(fields)) for title, fields in groups],
        titles=_TITLES,
        where=WHERE_CHANGED,
    )
