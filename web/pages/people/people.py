"""People: everybody there ever was, and the form that invites another."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.values.limits import Granted, is_limitable
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.services.admin.commands import InvitePerson
from web.context import application, signed_in
from web.forms import FormError, limit_error, posted, posted_limits, posted_roles
from web.pages.people.proposals import propose_instead
from web.pages.people.roles import every_role

page = Blueprint("people", __name__, url_prefix="/people")


@page.get("")
def show() -> ResponseReturnValue:
    return _render()


@page.post("")
def invite() -> ResponseReturnValue:
    me, email, name = signed_in(), posted("email"), posted("name")
    granted = Granted(posted_roles(), posted_limits())
    typed = {"email": email, "name": name, **granted._asdict()}
    try:
        invited = InvitePerson(me.tenant_id, me.person.id, email, name, granted.roles, granted.limits)
        made = application().dispatch(invited)
    except InvalidInput as error:
        errors, status = [limit_error(error, granted.limits)], HTTPStatus.UNPROCESSABLE_ENTITY
        return _render(errors=errors, typed=typed), status
    except Conflict as error:
        return _render(errors=[FormError("email", error.message)], typed=typed), HTTPStatus.CONFLICT
    except Forbidden as refused:
        return propose_instead(refused, AccessChange.INVITE, email, granted, name)
    link = application().link(made.secret) if made.secret else ""
    return _render(link=link, done=made.note, is_stuck=made.is_stuck, invited=email)


def _render(
    *,
    errors: list[FormError] | None = None,
    typed: Mapping[str, object] | None = None,
    link: str = "",
    done: str = "",
    is_stuck: bool = False,
    invited: str = "",
) -> str:
    me = signed_in()
    return render_template(
        "people/people.html",
        people=application().queries.people(me.tenant_id),
        proposed=_proposed(me.tenant_id),
        may_invite=may(me.person, Action.CREATE_PERSON),
        all_roles=(every := every_role(me.tenant_id)),
        limitable=tuple(filter(is_limitable, every)),
        errors=errors or [],
        typed=typed or {},
        link=link,
        done=done,
        is_stuck=is_stuck,
        mailed=application().mails,
        invited=invited,
    )


def _proposed(tenant_id: str) -> int:
    """How much waits for a second administrator."""
    with application().uow.reading() as uow:
        return len(uow.access_proposals.open(tenant_id))
