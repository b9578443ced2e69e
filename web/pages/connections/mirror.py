"""The master data of an ERP: how old it is, what differs, what ended while something still names it."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.configuration.files import FILES, key_in_words
from oppsync.domain.master_data.rows import KINDS_IN_WORDS, MasterKind, in_words
from oppsync.domain.work.mirror import GoneRow, MirrorChange
from oppsync.kernel.errors import Conflict, InvalidInput, NotFound
from oppsync.services.mirror.commands import AskForMirror
from oppsync.services.mirror.shown import age_in_words, shown_mirror
from web.context import application, signed_in

page = Blueprint("connection_mirror", __name__, url_prefix="/connections")
MOST_LISTED = 200
CHANGES = {MirrorChange.ADDED: "New", MirrorChange.CHANGED: "Changed", MirrorChange.ENDED: "Ended"}


@page.get("/<connection_id>/master-data")
def show(connection_id: str) -> str:
    return _render(connection_id)


@page.post("/<connection_id>/master-data")
def read(connection_id: str) -> ResponseReturnValue:
    me = signed_in()
    try:
        application().dispatch(AskForMirror(me.tenant_id, me.person.id, connection_id))
    except (Conflict, InvalidInput) as error:
        return _render(connection_id, notice=error.message), HTTPStatus.CONFLICT
    return redirect(url_for(".show", connection_id=connection_id, asked="yes"), HTTPStatus.SEE_OTHER)


def _render(connection_id: str, notice: str = "") -> str:
    me, now = signed_in(), application().clock.now()
    kind = _kind(request.args.get("kind", ""))
    search = request.args.get("search", "").strip()
    with application().uow.reading() as uow:
        try:
            shown = shown_mirror(uow, me.tenant_id, connection_id, now, application().connectors)
        except InvalidInput as error:
            raise NotFound(error.message) from None
        listed = uow.mirror.list(me.tenant_id, shown.connection.id, kind, search, MOST_LISTED) if kind else ()
        gone = uow.mirror.gone(me.tenant_id, shown.connection.id) if "ended" in request.args else None
    age = shown.age(now)
    return render_template(
        "connections/mirror.html",
        shown=shown,
        age=age_in_words(age) if age is not None else None,
        kinds=KINDS_IN_WORDS,
        every=list(MasterKind),
        ages={each.kind: age_in_words(now - each.seen_at) for each in shown.state.kinds if each.seen_at},
        in_words=in_words,
        changes=CHANGES,
        kind=kind,
        search=search,
        master_rows=listed,
        ended_rows=None if gone is None else _newest([each for each in gone if each.key.kind is kind]),
        files=FILES,
        key_in_words=key_in_words,
        most=MOST_LISTED,
        notice=notice,
        is_asked="asked" in request.args,
        may_read=may(me.person, Action.MIRROR),
    )


def _newest(gone: Sequence[GoneRow]) -> Sequence[GoneRow]:
    return sorted(gone, key=lambda each: each.gone_at, reverse=True)[:MOST_LISTED]


def _kind(name: str) -> MasterKind | None:
    return MasterKind(name) if name in set(MasterKind) else None
