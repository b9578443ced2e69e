"""All connections: what each is, and whether calls go through."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.who_may import Action, may
from web.context import application, signed_in
from web.pages.connections.words import ROLE_WORDS, ended_of, state_of

page = Blueprint("connection_overview", __name__, url_prefix="/connections")


@page.get("")
def show() -> ResponseReturnValue:
    me = signed_in()
    with application().uow.reading() as uow:
        found = uow.connections.of_tenant(me.tenant_id)
        ended = {each.id: ended_of(uow, each) for each in found}
    traffic = {seen.connection_id: seen for seen in application().traffic(me.tenant_id)}
    rows = [(each, state_of(each, traffic.get(each.id), ended[each.id])) for each in found]
    return render_template(
        "connections/overview.html",
        connections=rows,
        roles=ROLE_WORDS,
        titles={(form.role, form.vendor): form.title for form in application().connectors.forms()},
        may_set=may(me.person, Action.SET_CONNECTION),
    )
