"""People and their API tokens: who comes in, and what ends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from oppsync.domain.approval.who_may import Action, check, may
from oppsync.domain.reading.readings import PersonSummary, TokenSummary
from oppsync.domain.values.actor import AskingPerson
from oppsync.services.admin.commands import (
    CreateToken,
    DeactivatePerson,
    DecideAccess,
    EndSession,
    InvitePerson,
    ProposeAccess,
    ResetPerson,
    ResetSecondFactor,
    RevokeToken,
    SetRoles,
)
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.schemas import people as schemas
from web.context import application, signed_in

people = Blueprint("people_api", __name__, description="People with their roles, and API tokens.")
people.before_request(authenticate)


@people.route("/people")
@people.answers(schemas.People)
@people.refuses(HTTPStatus.FORBIDDEN)
def list_people() -> Mapping[str, object]:
    """List everybody there ever was, who is active first

    Needs the role admin or auditor.
    """
    check(signed_in().person, Action.READ_PEOPLE, signed_in().scopes)
    return {"rows": application().queries.people(signed_in().tenant_id)}


@people.route("/people", methods=["POST"])
@people.takes(schemas.InviteRequest)
@people.answers(schemas.OneTimeLink)
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
def invite_person(request: schemas.InviteRequest) -> Mapping[str, object]:
    """Invite a person, or somebody deactivated anew

    Answers a one-time link by which they set their password, for seven days; it is not shown again. That of an
    approver or administrator of a live firm is mailed to them alone. Needs the role admin.
    """
    me = signed_in()
    roles = frozenset(request.roles)
    invited = InvitePerson(me.tenant_id, me.asker, request.email, request.name, roles, request.limits)
    made = application().dispatch(invited)
    link = application().link(made.secret) if made.secret else None
    return {"email": request.email.lower(), "link": link, "note": made.note}


@people.route("/people/<uuid:person_id>/roles", methods=["POST"])
@people.takes(schemas.RolesRequest)
@people.answers(PersonSummary)
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def set_person_roles(request: schemas.RolesRequest, person_id: UUID) -> PersonSummary:
    """Replace a person's roles and their limits, and end their sessions

    A role more, or a wider limit, ends their API tokens too. Needs the role admin; nobody sets their own.
    """
    tenant_id, me, person = _asked(person_id, Action.CHANGE_PERSON)
    roles = frozenset(request.roles)
    application().dispatch(SetRoles(tenant_id, me, person.email, roles, request.limits))
    return application().queries.person(tenant_id, person_id)


@people.route("/people/<uuid:person_id>/reset", methods=["POST"])
@people.answers(schemas.ResetLink)
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def reset_person(person_id: UUID) -> Mapping[str, object]:
    """End a person's password, sessions and API tokens; a one-time link sets a new password

    That of an approver or administrator of a live firm is mailed to them alone. Needs the role admin.
    """
    tenant_id, me, person = _asked(person_id, Action.CHANGE_PERSON)
    secret = application().dispatch(ResetPerson(tenant_id, me, person.email))
    return {"email": person.email, "link": application().link(secret) if secret else None}


@people.route("/people/<uuid:person_id>/reset-second-factor", methods=["POST"])
@people.answers(PersonSummary)
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def reset_second_factor(person_id: UUID) -> PersonSummary:
    """Take the second factor of a person away who lost it, and end their sessions and API tokens

    Needs the role admin.
    """
    tenant_id, me, person = _asked(person_id, Action.CHANGE_PERSON)
    application().dispatch(ResetSecondFactor(tenant_id, me, person.email))
    return application().queries.person(tenant_id, person_id)


@people.route("/people/<uuid:person_id>/deactivate", methods=["POST"])
@people.answers(PersonSummary)
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def deactivate_person(person_id: UUID) -> PersonSummary:
    """End an access: sessions and tokens end at once, open approvals go to others

    Needs the role admin.
    """
    tenant_id, me, person = _asked(person_id, Action.CHANGE_PERSON)
    application().dispatch(DeactivatePerson(tenant_id, me, person.email))
    return application().queries.person(tenant_id, person_id)


@people.route("/tokens")
@people.answers(schemas.Tokens)
def list_tokens() -> Mapping[str, object]:
    """List the API tokens in use, by name

    Everybody's with the role admin or auditor, one's own otherwise.
    """
    return {"rows": _tokens()}


@people.route("/tokens", methods=["POST"])
@people.takes(schemas.TokenRequest)
@people.answers(schemas.NewToken)
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
def create_token(request: schemas.TokenRequest) -> Mapping[str, object]:
    """Make an API token of one's own; it is shown this once

    It may do no more than the token that asks for it, and ends no later.
    """
    me = signed_in()
    scopes, lasts = frozenset(request.scopes), timedelta(days=request.days)
    command = CreateToken(me.tenant_id, me.asker, request.name, me.person.email, scopes, lasts)
    secret = application().dispatch(command)
    name = request.name.strip()
    row = next(each for each in application().queries.tokens(me.tenant_id, me.person.id) if each.name == name)
    return {"token": secret, "row": row}


@people.route("/tokens/revoke", methods=["POST"])
@people.takes(schemas.RevokeRequest)
@people.answers(schemas.Tokens)
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def revoke_token(request: schemas.RevokeRequest) -> Mapping[str, object]:
    """Revoke an API token; answers those that are left

    Anybody's with the role admin, one's own otherwise.
    """
    me = signed_in()
    application().dispatch(RevokeToken(me.tenant_id, me.asker, request.name))
    return {"rows": _tokens()}


@people.route("/sessions")
@people.answers(schemas.Sessions)
@people.refuses(HTTPStatus.FORBIDDEN)
def list_sessions() -> Mapping[str, object]:
    """List one's own open sessions in browsers, newest first"""
    me = signed_in()
    check(me.person, Action.OWN_SESSIONS, me.scopes)
    return {"rows": application().queries.sessions(me.tenant_id, me.person.id)}


@people.route("/sessions/<uuid:session_id>", methods=["DELETE"])
@people.answers_nothing()
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
def end_session(session_id: UUID) -> None:
    """End one of one's own sessions at once"""
    me = signed_in()
    application().dispatch(EndSession(me.tenant_id, me.asker, session_id))


@people.route("/people/proposals")
@people.answers(schemas.AccessProposals)
@people.refuses(HTTPStatus.FORBIDDEN)
def list_access_proposals() -> Mapping[str, object]:
    """List roles that wait for a second administrator, oldest first

    Needs the role admin.
    """
    me = signed_in()
    check(me.person, Action.AGREE_ACCESS, me.scopes)
    with application().uow.reading() as uow:
        return {"rows": uow.access_proposals.open(me.tenant_id)}


@people.route("/people/proposals", methods=["POST"])
@people.takes(schemas.AccessRequest)
@people.answers(schemas.Proposed)
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def propose_access(request: schemas.AccessRequest) -> Mapping[str, object]:
    """Propose an approver's or an administrator's role, which takes two administrators once the firm is live

    Needs the role admin.
    """
    me, roles = signed_in(), frozenset(request.roles)
    command = ProposeAccess(
        me.tenant_id, me.asker, request.change, request.email, roles, request.name, request.limits
    )
    return {"id": application().dispatch(command)}


@people.route("/people/proposals/<uuid:proposal_id>/agree", methods=["POST"])
@people.answers(schemas.Agreed)
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def agree_to_access(proposal_id: UUID) -> Mapping[str, object]:
    """Agree to another administrator's proposal; it is done at once

    Who gets an approver's or administrator's role by it has no password, session or API token of before any
    more: a one-time link is mailed to them alone. Needs the role admin.
    """
    me = signed_in()
    made = application().dispatch(DecideAccess(me.tenant_id, me.asker, proposal_id, approve=True))
    return {"link": None, "note": made.note if made else ""}


@people.route("/people/proposals/<uuid:proposal_id>/reject", methods=["POST"])
@people.takes(schemas.AccessRejection)
@people.answers(schemas.AccessProposals)
@people.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def reject_access(request: schemas.AccessRejection, proposal_id: UUID) -> Mapping[str, object]:
    """Reject a proposal, or take back one's own; answers those that are left

    Needs the role admin.
    """
    me = signed_in()
    command = DecideAccess(me.tenant_id, me.asker, proposal_id, approve=False, comment=request.reason)
    application().dispatch(command)
    return list_access_proposals()


def _tokens() -> Sequence[TokenSummary]:
    me = signed_in()
    everybodys = may(me.person, Action.READ_PEOPLE, me.scopes)
    return application().queries.tokens(me.tenant_id, None if everybodys else me.person.id)


def _asked(person_id: UUID, action: Action) -> tuple[str, AskingPerson, PersonSummary]:
    """Checked before the person is looked up, so that nobody learns who is here by asking."""
    me = signed_in()
    check(me.person, action, me.scopes)
    return me.tenant_id, me.asker, application().queries.person(me.tenant_id, person_id)
