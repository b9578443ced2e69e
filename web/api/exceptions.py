"""Exception items, dead letters among them: list, read, replay, dismiss."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from oppsync.domain.reading.readings import Page
from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.services.queue.commands import ConfirmFindings, DismissException, LinkCustomer, ReplayException
from web.access.dear_calls import spend_dear_call
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.schemas import exceptions as schemas
from web.context import application, signed_in

exceptions = Blueprint("exceptions", __name__, description="What waits for a person, dead letters included.")
exceptions.before_request(authenticate)


@exceptions.route("/exceptions")
@exceptions.takes(schemas.ExceptionQuery, location="query")
@exceptions.answers(schemas.ExceptionPage)
def list_exceptions(query: schemas.ExceptionQuery) -> Page[ExceptionItem]:
    """List exception items, newest first; open ones unless asked otherwise"""
    return application().queries.exceptions(
        signed_in().tenant_id,
        status=query.status,
        code=query.code,
        opportunity_id=query.opportunity_id,
        after=query.cursor,
        limit=query.limit,
    )


@exceptions.route("/exceptions/<uuid:exception_id>")
@exceptions.answers(ExceptionItem)
@exceptions.refuses(HTTPStatus.NOT_FOUND)
def get_exception(exception_id: UUID) -> ExceptionItem:
    """Read one exception item"""
    return application().queries.exception(signed_in().tenant_id, exception_id)


@exceptions.route("/exceptions/<uuid:exception_id>/replay", methods=["POST"])
@exceptions.answers(ExceptionItem)
@exceptions.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def replay_exception(exception_id: UUID) -> ExceptionItem:
    """Replay an item: work it again from the stage it stopped at

    Needs the role operations or integration admin.
    """
    me = signed_in()
    application().dispatch(ReplayException(me.tenant_id, exception_id, actor=me.asker))
    return application().queries.exception(me.tenant_id, exception_id)


@exceptions.route("/exceptions/<uuid:exception_id>/dismiss", methods=["POST"])
@exceptions.takes(schemas.DismissRequest)
@exceptions.answers(ExceptionItem)
@exceptions.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def dismiss_exception(request: schemas.DismissRequest, exception_id: UUID) -> ExceptionItem:
    """Close without replay, with a reason

    Needs the role operations or integration admin.
    """
    me = signed_in()
    command = DismissException(me.tenant_id, exception_id, actor=me.asker, reason=request.reason)
    application().dispatch(command)
    return application().queries.exception(me.tenant_id, exception_id)


@exceptions.route("/exceptions/<uuid:exception_id>/confirm", methods=["POST"])
@exceptions.takes(schemas.ConfirmRequest)
@exceptions.answers(ExceptionItem)
@exceptions.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def confirm_findings(request: schemas.ConfirmRequest, exception_id: UUID) -> ExceptionItem:
    """Confirm what looks wrong and is right, such as an early start, and replay the item

    Needs the role operations or integration admin; nobody confirms of a deal that they own or requested.
    """
    me = signed_in()
    application().dispatch(ConfirmFindings(me.tenant_id, exception_id, me.asker, request.reason))
    return application().queries.exception(me.tenant_id, exception_id)


@exceptions.route("/exceptions/<uuid:exception_id>/customer", methods=["POST"])
@exceptions.takes(schemas.CustomerRequest)
@exceptions.answers(ExceptionItem)
@exceptions.refuses(
    HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS
)
def link_customer(request: schemas.CustomerRequest, exception_id: UUID) -> ExceptionItem:
    """Link the deal's account to a customer of the ERP, and replay the item

    Needs the role operations or integration admin.
    """
    spend_dear_call()
    me = signed_in()
    application().dispatch(LinkCustomer(me.tenant_id, exception_id, me.asker, request.customer))
    return application().queries.exception(me.tenant_id, exception_id)
