"""How far the installation is set up, and going live."""

from __future__ import annotations

from http import HTTPStatus

from oppsync.domain.approval.who_may import Action, check
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reading.set_up import SetUp, set_up
from oppsync.services.set_up.commands import GoLive, NameFirm, TryDeal
from web.access.dear_calls import spend_dear_call
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.plans import OUTSIDE
from web.api.schemas import set_up as schemas
from web.context import application, signed_in

setup = Blueprint("setup", __name__, description="The steps to a live installation.")
setup.before_request(authenticate)


@setup.route("/setup")
@setup.answers(SetUp)
@setup.refuses(HTTPStatus.FORBIDDEN)
def get_setup() -> SetUp:
    """Read each step of the set-up: what was found, and how to go on

    Needs the role admin or integration admin.
    """
    check(signed_in().person, Action.VISIT_SET_UP, signed_in().scopes)
    return _shown()


@setup.route("/setup/firm", methods=["POST"])
@setup.takes(schemas.FirmRequest)
@setup.answers(SetUp)
@setup.refuses(HTTPStatus.FORBIDDEN)
def name_firm(request: schemas.FirmRequest) -> SetUp:
    """Set the firm's name and time zone

    Needs the role admin.
    """
    me = signed_in()
    application().dispatch(NameFirm(me.tenant_id, me.asker, request.name, request.time_zone))
    return _shown()


@setup.route("/setup/test-deal", methods=["POST"])
@setup.takes(schemas.TestDealRequest)
@setup.answers(PlanPreview)
@setup.refuses(HTTPStatus.FORBIDDEN, *OUTSIDE)
def try_deal(request: schemas.TestDealRequest) -> PlanPreview:
    """Preview a deal of the CRM; the set-up remembers what it would become

    Nothing is written outside. Needs the role admin or integration admin.
    """
    spend_dear_call()
    me = signed_in()
    return application().dispatch(TryDeal(me.tenant_id, me.asker, request.record))


@setup.route("/setup/go-live", methods=["POST"])
@setup.takes(schemas.GoLiveRequest)
@setup.answers(SetUp)
@setup.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
def go_live(request: schemas.GoLiveRequest) -> SetUp:
    """Go live with a second administrator: from then on two people have to agree. It cannot be taken back

    Needs the role admin.
    """
    me = signed_in()
    application().dispatch(GoLive(me.tenant_id, me.asker, request.second))
    return _shown()


def _shown() -> SetUp:
    return set_up(application().queries.set_up_facts(signed_in().tenant_id))
