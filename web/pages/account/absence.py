"""Out of office: one's own absences, or another's for an administrator, who decides meanwhile, and the
calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.absences import Absence
from oppsync.domain.approval.involved import is_same
from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action as Right
from oppsync.domain.approval.who_may import check, may
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.roles import approves_for
from oppsync.kernel.errors import Conflict, InvalidInput, NotFound
from oppsync.services.approvals.commands import EndAbsence, EnterAbsence, SetCalendar
from web.context import application, signed_in
from web.forms import FormError, day_of, posted
from web.pages.formats import zone
from web.problems import Problem

page = Blueprint("absence", __name__, url_prefix="/account/absence")


class _Days(NamedTuple):
    """The first and the last day on which somebody is away, where the firm is."""

    first: date
    last: date

    @classmethod
    def of(cls, absence: Absence) -> _Days:
        begin, end = (each.astimezone(zone()) for each in (absence.begins_at, absence.until))
        return cls(begin.date(), (end - timedelta(microseconds=1)).date())


class Action(StrEnum):
    ENTER = "enter"
    END = "end"
    CALENDAR = "calendar"


@page.get("")
def show() -> ResponseReturnValue:
    return _render(_whose())


@page.post("")
def act() -> ResponseReturnValue:
    whose = _whose()
    tenant_id, me, dispatch = signed_in().tenant_id, signed_in().person.id, application().dispatch
    try:
        match request.form.get("action"):
            case Action.ENTER:
                dispatch(_entered(whose))
            case Action.END:
                dispatch(EndAbsence(tenant_id, me, _absence_id()))
            case Action.CALENDAR:
                dispatch(SetCalendar(tenant_id, me, posted("calendar") or None, whose.email))
            case _:
                raise Problem(HTTPStatus.BAD_REQUEST, "UNKNOWN_ACTION", "This page does not offer that action.")
    except InvalidInput as error:
        return _render(whose, [FormError(error.field, error.message)]), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as conflict:
        to_confirm = conflict.code == "DELEGATE_BARRED"
        return _render(whose, notice=conflict.message, to_confirm=to_confirm), HTTPStatus.CONFLICT
    of = None if whose.id == me else whose.id
    return redirect(url_for("absence.show", of=of), HTTPStatus.SEE_OTHER)


def _whose() -> Person:
    """The person of the page: another than the one who asks is checked before they are looked up."""
    me, of = signed_in(), request.args.get("of", "")
    if not of or of == str(me.person.id):
        return me.person
    check(me.person, Right.OTHERS_ABSENCE, me.scopes)
    with application().uow.reading() as uow:
        return uow.people.get(me.tenant_id, _id(of))


def _entered(whose: Person) -> EnterAbsence:
    me = signed_in()
    first, last = _day("from"), _day("until")
    delegate, confirmed = posted("delegate") or None, posted("confirmed") == "yes"
    return EnterAbsence(me.tenant_id, me.person.id, first, last, delegate, whose.email, confirmed=confirmed)


def _day(name: str) -> date:
    try:
        return day_of(posted(name))
    except ValueError:
        raise InvalidInput("Give the day as 2026-01-31.", field=name) from None


def _absence_id() -> UUID:
    return _id(posted("absence"))


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is nothing with this id.") from None


def _delegates(whose: Person, everyone: Sequence[Person]) -> Sequence[Person]:
    """Who may stand in: who was invited and has no password yet decides nothing."""
    able = (each for each in everyone if each.can_sign_in and may(each, Right.DECIDE_APPROVAL))
    return [each for each in able if not is_same(each, whose)]


def _nobody(whose: Person, everyone: Sequence[Person], *, is_me: bool) -> str:
    """What comes of it where nobody stands in, as the choice says it."""
    others = {role for each in _delegates(whose, everyone) for role in approves_for(each.roles)}
    alone = sorted(approves_for(whose.roles) - others)
    if not alone:
        return "Nobody: other approvers are asked"
    stays = "you are still asked" if is_me else f"{whose.name} is still asked"
    return f"Nobody: {stays}, as no other person may approve for {' and '.join(alone)}"


def _render(
    whose: Person, errors: Sequence[FormError] = (), *, notice: str = "", to_confirm: bool = False
) -> str:
    me = signed_in()
    with application().uow.reading() as uow:
        everyone = uow.people.everyone(me.tenant_id)
        known = uow.absences.all(me.tenant_id)
        calendars = sorted({row.key for row in uow.references.of_kind(me.tenant_id, ReferenceKind.CALENDAR)})
        calendar = uow.people.get(me.tenant_id, whose.id).calendar
    days = {each.id: _Days.of(each) for each in known.coming()}
    typed: Mapping[str, str] = request.form if errors or to_confirm else {}
    return render_template(
        "account/absence.html",
        whose=whose,
        is_me=whose.id == me.person.id,
        absences=[each for each in known.coming() if each.person_id == whose.id],
        stands_in_for=[each for each in known.coming() if each.delegate_id == whose.id],
        at=known.now,
        days=days,
        names={each.id: each.name for each in everyone},
        delegates=_delegates(whose, everyone),
        nobody=_nobody(whose, everyone, is_me=whose.id == me.person.id),
        calendars=calendars,
        calendar=calendar,
        typed=typed,
        errors=errors,
        notice=notice,
        to_confirm=to_confirm,
    )
