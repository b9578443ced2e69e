"""A changed configuration as a zip file: checked, compared, then applied or proposed.

Nothing of it is stored between the steps: the page of the comparison holds the files that were read, and sends
them back.
"""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from io import BytesIO

from flask import Blueprint, Response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from adapters.documents.bundle_files import FirmBundle, write_bundle
from adapters.documents.bundle_zip import zip_of
from adapters.documents.first_files import first_files
from oppsync.domain.configuration.faults import BadBundle
from oppsync.kernel.errors import Conflict
from oppsync.services.configuration.commands import Applied, ApplyConfiguration
from oppsync.services.configuration.present import firm_here
from web.arrival import MAX_BODY
from web.bundles import ZIP, bundle_of_zip, mine
from web.context import application, signed_in
from web.forms import FormError, posted, too_long
from web.pages.configuration.shown import (
    asked_backtest,
    compare,
    shown_faults,
    shown_rows,
    try_past_deals,
)

page = Blueprint("configuration_upload", __name__, url_prefix="/configuration/upload")
# Of what a form may have, so much is left for its other fields.
_ROOM = MAX_BODY - 20_000


@page.get("")
def show() -> str:
    return render_template("configuration/upload.html")


@page.post("")
def take() -> ResponseReturnValue:
    """The zip file that somebody chose, or what they were shown of it and apply."""
    try:
        if request.form.get("action") == "apply":
            return _applied(bundle_of_zip(_unpacked(posted("bundle")), mine()))
        if request.form.get("action") == "backtest":
            return _tried(bundle_of_zip(_unpacked(posted("bundle"))))
        return _chosen()
    except BadBundle as refused:
        return refuse(refused)


@page.get("/first-files")
def get_first_files() -> Response:
    """A folder to begin with."""
    me = signed_in()
    with application().uow.reading() as uow:
        firm = firm_here(uow, me.tenant_id) or uow.configurations.firm(me.tenant_id)
    content = zip_of(first_files(firm))
    return send_file(BytesIO(content), mimetype=ZIP, as_attachment=True, download_name="configuration.zip")


def _chosen() -> ResponseReturnValue:
    file = request.files.get("bundle")
    content = file.read() if file else b""
    if not content:
        errors = [FormError("bundle", "Choose a zip file.")]
        return render_template("configuration/upload.html", errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    return ask(bundle_of_zip(content, mine()))


def _applied(bundle: FirmBundle) -> ResponseReturnValue:
    me, note = signed_in(), posted("note")
    if errors := too_long("note", note):
        return ask(bundle, errors=errors), HTTPStatus.UNPROCESSABLE_ENTITY
    command = ApplyConfiguration(me.tenant_id, me.person.id, bundle.firm, bundle.rows, posted("against"), note)
    try:
        answer = application().dispatch(command)
    except Conflict as error:
        return ask(bundle, notice=error.message), HTTPStatus.CONFLICT
    if not isinstance(answer, Applied):
        return redirect(url_for("configuration_proposal.show", proposal_id=answer.proposal_id), 303)
    if answer.number:
        return redirect(url_for("configuration_version.show", number=answer.number), 303)
    return redirect(url_for("configuration_page.show"), 303)


def _tried(bundle: FirmBundle) -> ResponseReturnValue:
    """The same page, with what the last won deals would become."""
    asked = asked_backtest()
    if asked.error:
        return ask(bundle, errors=[asked.error]), HTTPStatus.UNPROCESSABLE_ENTITY
    try_past_deals(bundle.rows, asked)
    return ask(bundle)


def ask(bundle: FirmBundle, *, errors: list[FormError] | None = None, notice: str = "") -> str:
    """What applying it would change, with the button that does it."""
    compared = compare(bundle.firm, bundle.rows)
    packed = base64.urlsafe_b64encode(zip_of(write_bundle(bundle.firm, bundle.rows))).decode()
    return render_template(
        "configuration/comparison.html",
        compared=compared,
        changes=shown_rows(compared.differences),
        packed=packed if len(packed) <= _ROOM else "",
        errors=errors or [],
        notice=notice,
        note=posted("note"),
        last=posted("last"),
        as_of=posted("as_of"),
    )


def refuse(refused: BadBundle, again: str = "", *, of_proposal: bool = False) -> ResponseReturnValue:
    """What is wrong, with its place. `again`: the address to send it anew, else that of an upload; of a
    proposal, which no file has, that of its page."""
    markup = render_template(
        "configuration/faults.html",
        faults=shown_faults(refused.faults),
        count=len(refused.faults),
        again=again or url_for("configuration_upload.show"),
        of_proposal=of_proposal,
    )
    return markup, HTTPStatus.UNPROCESSABLE_ENTITY


def _unpacked(text: str) -> bytes:
    """What is no base64 is no zip file either."""
    try:
        return base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        return b""
