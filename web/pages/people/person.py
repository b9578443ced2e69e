"""One person: roles, sessions, tokens, and what ends their access."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval import who_may
from oppsync.domain.reading.readings import PersonSummary
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.kernel.errors import Forbidden
from oppsync.services.admin.commands import (
    DeactivatePerson,
    EndSessions,
    InvitePerson,
    ResetPerson,
    ResetSecondFactor,
    RevokeToken,
    SetRoles,
)
from web.context import application, signed_in
from web.forms import posted, posted_roles
from web.pages.people.proposals import propose_instead
from web.problems import Problem

page = Blueprint("person", __name__, url_prefix="/people")


class Action(StrEnum):
    SET_ROLES = "set_roles"
    RESET = "reset"
    SIGN_OUT = "sign_out"
    DEACTIVATE = "deactivate"
    INVITE = "invite"
    RESET_SECOND_FACTOR = "reset_second_factor"
    REVOKE_TOKEN = "revoke_token"  # noqa: S105


@page.get("/<uuid:person_id>")
def show(person_id: UUID) -> ResponseReturnValue:
    return _render(_person(person_id))


@page.post("/<uuid:person_id>")
def act(person_id: UUID) -> ResponseReturnValue:
    person = _person(person_id)
    tenant_id, me, dispatch = signed_in().tenant_id, signed_in().person.id, application().dispatch
    match request.form.get("action"):
        case Action.SET_ROLES:
            try:
                dispatch(SetRoles(tenant_id, me, person.email, posted_roles()))
            except Forbidden as refused:
                return propose_instead(refused, AccessChange.SET_ROLES, person.email, posted_roles())
        case Action.RESET:
            return _with_link(person_id, dispatch(ResetPerson(tenant_id, me, person.email)))
        case Action.INVITE:
            invite = InvitePerson(tenant_id, me, person.email, person.name, posted_roles())
            try:
                return _with_link(person_id, dispatch(invite))
            except Forbidden as refused:
                return propose_instead(refused, AccessChange.INVITE, person.email, posted_roles(), person.name)
        case Action.SIGN_OUT:
            dispatch(EndSessions(tenant_id, me, person.email))
        case Action.DEACTIVATE:
            dispatch(DeactivatePerson(tenant_id, me, person.email))
        case Action.RESET_SECOND_FACTOR:
            dispatch(ResetSecondFactor(tenant_id, me, person.email))
        case Action.REVOKE_TOKEN:
            dispatch(RevokeToken(tenant_id, me, posted("token")))
        case _:
            raise Problem(HTTPStatus.BAD_REQUEST, "UNKNOWN_ACTION", "This page does not offer that action.")
    return redirect(url_for("person.show", person_id=person_id), 303)


def _person(person_id: UUID) -> PersonSummary:
    return application().queries.person(signed_in().tenant_id, person_id)


def _with_link(person_id: UUID, secret: str) -> str:
    return _render(_person(person_id), link=application().link(secret))


def _render(person: PersonSummary, *, link: str = "") -> str:
    me = signed_in()
    return render_template(
        "people/person.html",
        person=person,
        tokens=application().queries.tokens(me.tenant_id, person.id),
        all_roles=tuple(PersonRole),
        is_me=person.id == me.person.id,
        may_change=who_may.may(me.person, who_may.Action.CHANGE_PERSON),
        link=link,
        mailed=application().mails,
    )
