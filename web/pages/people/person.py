"""One person: roles, sessions, tokens, and what ends their access."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval import who_may
from oppsync.domain.reading.readings import PersonSummary
from oppsync.domain.values.limits import Granted, is_limitable
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.services.admin.commands import (
    DeactivatePerson,
    EndSessions,
    InvitePerson,
    OneTimeLink,
    ResetPerson,
    ResetSecondFactor,
    RevokeToken,
    SetRoles,
)
from oppsync.services.admin.guarded import ONLY_THE_PERSON, is_guarded
from web.context import application, signed_in
from web.forms import FormError, limit_error, posted, posted_limits, posted_roles
from web.pages.people.proposals import propose_instead
from web.pages.people.roles import every_role
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
        case Action.SET_ROLES | Action.INVITE as action:
            return _give(person, AccessChange(action))
        case Action.RESET:
            return _reset(person)
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


def _reset(person: PersonSummary) -> ResponseReturnValue:
    me = signed_in()
    try:
        secret = application().dispatch(ResetPerson(me.tenant_id, me.person.id, person.email))
    except Forbidden as refused:
        if refused.code != ONLY_THE_PERSON:
            raise
        return _render(person, notice=refused.message), HTTPStatus.FORBIDDEN
    except Conflict as error:
        return _render(_person(person.id), notice=error.message), HTTPStatus.CONFLICT
    ended = f"Password, sessions and API tokens are ended. The link was mailed to {person.email} alone."
    return _with_link(person.id, OneTimeLink(secret, "" if secret else ended))


def _person(person_id: UUID) -> PersonSummary:
    return application().queries.person(signed_in().tenant_id, person_id)


def _give(person: PersonSummary, change: AccessChange) -> ResponseReturnValue:
    """Set the roles and limits of the form, or invite again with them; propose what takes two."""
    me, dispatch, granted = signed_in(), application().dispatch, Granted(posted_roles(), posted_limits())
    roles, limits = granted
    try:
        if change is AccessChange.INVITE:
            invite = InvitePerson(me.tenant_id, me.person.id, person.email, person.name, roles, limits)
            return _with_link(person.id, dispatch(invite))
        link = dispatch(SetRoles(me.tenant_id, me.person.id, person.email, roles, limits))
    except InvalidInput as error:
        return _wrong(person, granted, error)
    except Forbidden as refused:
        name = person.name if change is AccessChange.INVITE else ""
        return propose_instead(refused, change, person.email, granted, name)
    if link is not None:
        return _with_link(person.id, link)
    return redirect(url_for("person.show", person_id=person.id), 303)


def _wrong(person: PersonSummary, granted: Granted, error: InvalidInput) -> ResponseReturnValue:
    """The form as it was sent, with its error."""
    errors = [limit_error(error, granted.limits)]
    return _render(person, typed=granted, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY


def _with_link(person_id: UUID, made: OneTimeLink) -> str:
    link = application().link(made.secret) if made.secret else ""
    return _render(_person(person_id), link=link, done=made.note, is_stuck=made.is_stuck)


def _render(
    person: PersonSummary,
    *,
    link: str = "",
    done: str = "",
    is_stuck: bool = False,
    notice: str = "",
    typed: Granted | None = None,
    errors: Sequence[FormError] = (),
) -> str:
    me = signed_in()
    with application().uow.reading() as uow:
        link_is_theirs = is_guarded(uow, me.tenant_id, me.person.id, person.roles)
    return render_template(
        "people/person.html",
        person=person,
        tokens=application().queries.tokens(me.tenant_id, person.id),
        all_roles=(every := every_role(me.tenant_id)),
        limitable=tuple(filter(is_limitable, every)),
        typed=typed or Granted(frozenset(person.roles), person.limits),
        errors=errors,
        is_me=person.id == me.person.id,
        may_change=who_may.may(me.person, who_may.Action.CHANGE_PERSON),
        may_enter_absence=who_may.may(me.person, who_may.Action.OTHERS_ABSENCE),
        link=link,
        done=done,
        is_stuck=is_stuck,
        notice=notice,
        link_is_theirs=link_is_theirs,
        mailed=application().mails,
    )
