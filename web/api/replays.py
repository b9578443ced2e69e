"""Replay a selection of deals or deliveries: look first, then run."""

from __future__ import annotations

from http import HTTPStatus

from oppsync.domain.work.replays import ReplayPreview, ReplayReport
from oppsync.services.queue.commands import PreviewReplay, RunReplay
from web.access.dear_calls import spend_dear_call
from web.api.auth import authenticate
from web.api.bridge import Blueprint
from web.api.schemas import replays as schemas
from web.context import application, signed_in

replays = Blueprint("replays", __name__, description="Work a selection of deals or deliveries again.")
replays.before_request(authenticate)


@replays.route("/replays/preview", methods=["POST"])
@replays.takes(schemas.ReplaySelection)
@replays.answers(ReplayPreview)
@replays.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
def preview_replay(request: schemas.ReplaySelection) -> ReplayPreview:
    """Preview what a replay of this selection would do with each; changes nothing

    Needs the role operations or integration admin.
    """
    spend_dear_call()
    me = signed_in()
    return application().dispatch(PreviewReplay(me.tenant_id, me.asker, request.selection, request.from_stage))


@replays.route("/replays", methods=["POST"])
@replays.takes(schemas.ReplayRequest)
@replays.answers(ReplayReport)
@replays.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
def run_replay(request: schemas.ReplayRequest) -> ReplayReport:
    """Replay items of a preview; those that changed since are skipped and listed

    Needs the role operations or integration admin. Finished deals stay as they are.
    """
    spend_dear_call()
    me = signed_in()
    return application().dispatch(
        RunReplay(me.tenant_id, me.asker, request.of, request.items, request.from_stage)
    )
