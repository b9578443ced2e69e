"""One proposal: what it would change, and the second person's decision."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from adapters.documents.bundle_files import read_bundle, write_bundle
from oppsync.domain.approval.involved import is_same
from oppsync.domain.approval.who_may import Action, check, may, who_can
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.configuration.versions import Proposal, ProposalStatus
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.services.configuration.commands import DecideProposal
from oppsync.services.configuration.present import approvers, proposal_as_made, proposed_now
from web.bundles import mine
from web.context import application, signed_in
from web.forms import FormError, posted, too_long
from web.pages.configuration.shown import asked_backtest, compare, shown_rows, try_past_deals
from web.pages.configuration.upload import ask, refuse
from web.problems import Problem

page = Blueprint("configuration_proposal", __name__, url_prefix="/configuration/proposals")
APPROVE, REJECT, BACKTEST, ANEW = "approve", "reject", "backtest", "anew"


@page.get("/<uuid:proposal_id>")
def show(proposal_id: UUID) -> str:
    return _render(proposal_id)


@page.post("/<uuid:proposal_id>")
def decide(proposal_id: UUID) -> ResponseReturnValue:
    me, action, comment = signed_in(), request.form.get("action"), posted("comment")
    if action in (BACKTEST, ANEW):
        return _tried(proposal_id) if action == BACKTEST else _anew(proposal_id)
    if action not in (APPROVE, REJECT):
        raise Problem(HTTPStatus.BAD_REQUEST, "UNKNOWN_ACTION", "This page does not offer that action.")
    if errors := too_long("comment", comment):
        return _render(proposal_id, errors), HTTPStatus.UNPROCESSABLE_ENTITY
    command = DecideProposal(
        me.tenant_id, me.person.id, proposal_id, approve=action == APPROVE, comment=comment
    )
    try:
        applied = application().dispatch(command)
    except (InvalidInput, Conflict) as error:
        return _not_decided(error, proposal_id)
    if applied is not None:
        return redirect(url_for("configuration_version.show", number=applied.number), 303)
    return redirect(url_for("configuration_proposal.show", proposal_id=proposal_id), 303)


def _not_decided(error: InvalidInput | Conflict, proposal_id: UUID) -> ResponseReturnValue:
    if isinstance(error, BadBundle):
        return _unfit(error, proposal_id)
    if isinstance(error, Conflict):
        return _render(proposal_id, notice=error.message), HTTPStatus.CONFLICT
    return _render(proposal_id, [FormError("comment", error.message)]), HTTPStatus.UNPROCESSABLE_ENTITY


def _tried(proposal_id: UUID) -> ResponseReturnValue:
    """Try the last won deals by it, then 303 to its page, which shows what comes of them."""
    asked = asked_backtest()
    if asked.error:
        return _render(proposal_id, [asked.error]), HTTPStatus.UNPROCESSABLE_ENTITY
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        wanted = proposed_now(uow, tenant_id, uow.configurations.proposal(tenant_id, proposal_id))
    try_past_deals(wanted.rows, asked)
    address = url_for("configuration_proposal.show", proposal_id=proposal_id, _anchor="backtest")
    return redirect(address, HTTPStatus.SEE_OTHER)


def _anew(proposal_id: UUID) -> ResponseReturnValue:
    """What it would change of the rows of now, as of an upload: nothing is stored yet."""
    me = signed_in()
    check(me.person, Action.PROPOSE_CONFIGURATION)
    with application().uow.reading() as uow:
        wanted = proposed_now(uow, me.tenant_id, uow.configurations.proposal(me.tenant_id, proposal_id))
    files = write_bundle(wanted.firm, wanted.rows)
    try:
        return ask(read_bundle(files, mine()))
    except BadBundle as refused:
        return _unfit(refused, proposal_id)


def _unfit(refused: BadBundle, proposal_id: UUID) -> ResponseReturnValue:
    address = url_for("configuration_proposal.show", proposal_id=proposal_id)
    return refuse(refused, address, of_proposal=True)


def _render(proposal_id: UUID, errors: list[FormError] | None = None, notice: str = "") -> str:
    me = signed_in()
    with application().uow.reading() as uow:
        proposal = uow.configurations.proposal(me.tenant_id, proposal_id)
        names = {each.id: each.name for each in uow.people.everyone(me.tenant_id)}
        others = approvers(uow, me.tenant_id, proposal)
        proposer = uow.people.get(me.tenant_id, proposal.proposed_by)
        is_mine = is_same(me.person, proposer)
        decided_by = proposal.decided_by
        taken_back = decided_by is not None and is_same(uow.people.get(me.tenant_id, decided_by), proposer)
    if proposal.status is not ProposalStatus.OPEN:
        return _decided(proposal, names, notice, taken_back=taken_back)
    with application().uow.reading() as uow:
        wanted = proposed_now(uow, me.tenant_id, proposal)
    compared = compare(wanted.firm, wanted.rows)
    return render_template(
        "configuration/proposal.html",
        proposal=proposal,
        names=names,
        compared=compared,
        changes=shown_rows(compared.differences),
        is_overtaken=wanted.is_overtaken,
        is_mine=is_mine,
        may_propose=may(me.person, Action.PROPOSE_CONFIGURATION),
        may_approve=may(me.person, Action.APPROVE_CONFIGURATION),
        who_can=who_can(others),
        errors=errors or [],
        notice=notice,
        comment=posted("comment"),
        may_backtest=may(me.person, Action.BACKTEST_CONFIGURATION),
        last=posted("last"),
        as_of=posted("as_of"),
    )


def _decided(proposal: Proposal, names: Mapping[UUID, str], notice: str, *, taken_back: bool) -> str:
    """What it changed, or would have changed, of what it was made from: nothing is left to decide."""
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        made = proposal_as_made(uow, tenant_id, proposal)
        backtest = uow.configurations.backtest_of(tenant_id, proposal.fingerprint)
    return render_template(
        "configuration/proposal_decided.html",
        proposal=proposal,
        names=names,
        taken_back=taken_back,
        made=made,
        changes=shown_rows(made.differences),
        backtest=backtest,
        notice=notice,
    )
