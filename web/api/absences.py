"""Absences and calendars of people who approve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from uuid import UUID

from oppsync.domain.approval.who_may import Action, check
from oppsync.services.approvals.commands import EndAbsence, EnterAbsence, SetCalendar
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.schemas import absences as schemas
from web.context import application, signed_in

absences = Blueprint("absences_api", __name__, description="Who is out of office, and who decides meanwhile.")
absences.before_request(authenticate)


@absences.route("/absences")
@absences.answers(schemas.AbsenceList)
def list_absences() -> Mapping[str, object]:
    """List everybody's absences that are not over"""
    check(signed_in().person, Action.READ, signed_in().scopes)
    return {"rows": _rows()}


@absences.route("/absences", methods=["POST"])
@absences.takes(schemas.AbsenceRequest)
@absences.answers(schemas.AbsenceList)
@absences.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def enter_absence(request: schemas.AbsenceRequest) -> Mapping[str, object]:
    """Be out of office, with or without an approver who decides meanwhile; answers those that are not over

    For somebody else it needs the role admin. A delegate who may not decide deals that wait, as the absent
    person has a part in them, has to be confirmed.
    """
    me = signed_in()
    command = EnterAbsence(
        me.tenant_id,
        me.asker,
        request.first,
        request.last,
        request.delegate,
        request.email,
        confirmed=request.confirmed,
    )
    application().dispatch(command)
    return {"rows": _rows()}


@absences.route("/absences/<uuid:absence_id>/end", methods=["POST"])
@absences.answers(schemas.AbsenceList)
@absences.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def end_absence(absence_id: UUID) -> Mapping[str, object]:
    """End an absence now, or before it begins; answers those that are left"""
    me = signed_in()
    application().dispatch(EndAbsence(me.tenant_id, me.asker, absence_id))
    return {"rows": _rows()}


@absences.route("/calendar", methods=["POST"])
@absences.takes(schemas.CalendarRequest)
@absences.answers(schemas.PersonCalendar)
@absences.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def set_calendar(request: schemas.CalendarRequest) -> Mapping[str, object]:
    """Choose the calendar of the configuration that a person works by

    For somebody else it needs the role admin.
    """
    me = signed_in()
    application().dispatch(SetCalendar(me.tenant_id, me.asker, request.calendar, request.email))
    return {"email": request.email.lower() or me.person.email, "calendar": request.calendar}


def _rows() -> Sequence[schemas.AbsenceView]:
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        everyone = {each.id: each for each in uow.people.everyone(tenant_id)}
        known = uow.absences.all(tenant_id)
    return [
        schemas.AbsenceView(
            id=each.id,
            email=everyone[each.person_id].email,
            name=everyone[each.person_id].name,
            begins_at=each.begins_at,
            until=each.until,
            delegate=everyone[each.delegate_id].email if each.delegate_id else None,
            made_by=each.made_by,
            is_current=each.covers(known.now),
        )
        for each in known.coming()
    ]
