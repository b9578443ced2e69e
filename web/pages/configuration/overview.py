"""Configuration: which version holds, what waits for a second person, and what there was before."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, Response, render_template

from adapters.documents.bundle_files import FirmBundle
from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.configuration.files import FILES
from oppsync.services.configuration.present import present
from web.bundles import download
from web.context import application, signed_in

page = Blueprint("configuration_page", __name__, url_prefix="/configuration")


@page.get("")
def show() -> str:
    me = signed_in()
    with application().uow.reading() as uow:
        now = present(uow, me.tenant_id)
        proposals = uow.configurations.open_proposals(me.tenant_id)
        names = {each.id: each.name for each in uow.people.everyone(me.tenant_id)}
    counted = Counter(row.kind for row in now.rows)
    return render_template(
        "configuration/overview.html",
        present=now,
        proposals=proposals,
        names=names,
        files=[(kind, file.name, counted[kind]) for kind, file in FILES.items()],
        may_propose=may(me.person, Action.PROPOSE_CONFIGURATION),
    )


@page.get("/download")
def get_files() -> Response:
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        now = present(uow, tenant_id)
    return download(FirmBundle(now.firm_in_files, tuple(now.rows)), now.fingerprint)
