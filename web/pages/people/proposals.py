"""Access that waits for a second administrator: agree to it, reject it, or take it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.involved import is_own_address, is_same
from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action, may, who_can
from oppsync.domain.values.limits import Granted
from oppsync.domain.work.access_proposals import AccessChange, AccessProposal
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from oppsync.services.admin.agreement import NEEDS_SECOND_PERSON
from oppsync.services.admin.commands import DecideAccess, ProposeAccess
from web.context import application, signed_in
from web.forms import FormError, posted
from web.problems import Problem

page = Blueprint("access_proposals", __name__, url_prefix="/people/proposals")


@page.get("")
def show() -> ResponseReturnValue:
    return _render()


@page.post("")
def decide() -> ResponseReturnValue:
    """Where the one-time link of the person went is shown in the answer itself."""
    me, comment = signed_in(), posted("comment")
    approve = {"agree": True, "reject": False}.get(posted("action"))
    try:
        proposal_id = UUID(posted("proposal"))
    except ValueError:
        approve = None
    if approve is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "UNKNOWN_ACTION", "This page does not offer that action.")
    try:
        decided = DecideAccess(me.tenant_id, me.person.id, proposal_id, approve, comment)
        done = application().dispatch(decided)
    except InvalidInput as error:
        errors = [FormError(f"{error.field}-{proposal_id}", error.message)]
        return _render(errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    except (Conflict, NotFound) as error:
        return _render(notice=error.message), HTTPStatus.CONFLICT
    if done:
        return _render(done=done.note, is_stuck=done.is_stuck)
    return redirect(url_for(".show"), HTTPStatus.SEE_OTHER)


def propose_instead(
    refused: Forbidden, change: AccessChange, email: str, granted: Granted, name: str = ""
) -> ResponseReturnValue:
    """Propose what one administrator may not do alone, and lead to what waits. Raises `refused` where that is
    not the reason."""
    if refused.code != NEEDS_SECOND_PERSON:
        raise refused
    me = signed_in()
    application().dispatch(
        ProposeAccess(me.tenant_id, me.person.id, change, email, granted.roles, name, granted.limits)
    )
    return redirect(url_for("access_proposals.show", proposed="yes"), HTTPStatus.SEE_OTHER)


def _render(
    *, errors: list[FormError] | None = None, notice: str = "", done: str = "", is_stuck: bool = False
) -> str:
    me = signed_in()
    with application().uow.reading() as uow:
        waiting = uow.access_proposals.open(me.tenant_id)
        everyone = uow.people.everyone(me.tenant_id)
        known = {each.id: uow.people.known(me.tenant_id, each.email) for each in waiting}
    names: Mapping[UUID, str] = {each.id: each.name for each in everyone}
    mine = {each.id for each in waiting if is_own_address(me.person, each.email, everyone)}
    return render_template(
        "people/proposals.html",
        waiting=waiting,
        names=names,
        known=known,
        can_agree={each.id: who_can(_can_agree(each, everyone)) for each in waiting},
        is_stuck=is_stuck,
        just_proposed=_last_of(me.person.id, waiting) if "proposed" in request.args else None,
        mine=mine,
        my_id=me.person.id,
        errors=errors or [],
        notice=notice,
        done=done,
    )


def _last_of(person_id: UUID, waiting: Sequence[AccessProposal]) -> AccessProposal | None:
    """What the person proposed last."""
    return next((each for each in reversed(waiting) if each.proposed_by == person_id), None)


def _can_agree(proposal: AccessProposal, everyone: Sequence[Person]) -> Sequence[str]:
    """The names of the administrators besides who proposed it and whose account it is."""
    by = next((each for each in everyone if each.id == proposal.proposed_by), None)
    able = [each for each in everyone if each.can_sign_in and may(each, Action.AGREE_ACCESS)]
    others = [each for each in able if not is_own_address(each, proposal.email, everyone)]
    return sorted(each.name for each in others if by is None or not is_same(each, by))
