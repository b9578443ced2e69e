"""Add a connection, or edit one: a form made of what its connector wants to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.connector_forms import ConnectorForm, Fault, WrongFields, shown, typed
from oppsync.kernel.errors import Conflict, NotFound
from oppsync.services.admin.commands import AddConnection, EditConnection
from web.context import application, signed_in
from web.forms import FormError, posted
from web.pages.connections.words import ROLE_WORDS
from web.pages.guides.rendering import guides

page = Blueprint("connection_form", __name__, url_prefix="/connections")


@page.get("/new")
def show() -> ResponseReturnValue:
    """The vendors; with one chosen, its form."""
    if "vendor" not in request.args:
        forms = application().connectors.forms()
        return render_template("connections/vendors.html", forms=forms, roles=ROLE_WORDS)
    form = _chosen()
    return _render(form, {"name": form.title}, None)


@page.post("/new")
def add() -> ResponseReturnValue:
    form, me = _chosen(), signed_in()
    settings, faults = typed(form.settings, _texts(form))
    try:
        if faults:
            raise WrongFields(faults)
        added = application().dispatch(
            AddConnection(
                me.tenant_id,
                me.person.id,
                form.role,
                form.vendor,
                posted("name"),
                settings,
                _secrets(form),
                makes_secret=False,  # the page that follows makes it, and shows it
                confirmed=posted("confirmed") == "yes",
            )
        )
    except Conflict as conflict:
        if conflict.code != "WOULD_STOP_DEALS":
            raise
        return _render(form, _given(form), None, to_confirm=conflict.message), HTTPStatus.CONFLICT
    except WrongFields as error:
        return _render(form, _given(form), None, error.faults), HTTPStatus.UNPROCESSABLE_ENTITY
    return redirect(url_for("connection_page.show", connection_id=added.connection_id, added=1), 303)


@page.get("/<connection_id>/edit")
def show_edit(connection_id: str) -> ResponseReturnValue:
    found = found_connection(connection_id)
    form = _open_form(found)
    stored = {field.name: shown(field, found.settings.get(field.name)) for field in form.settings}
    return _render(form, {**stored, "name": found.name}, found)


@page.post("/<connection_id>/edit")
def edit(connection_id: str) -> ResponseReturnValue:
    """An empty setting goes back to its default; an empty secret stays as it is."""
    found, me = found_connection(connection_id), signed_in()
    form = _open_form(found)
    settings, faults = typed(form.settings, _texts(form))
    cleared = {field.name: None for field in form.settings if field.name not in settings}
    try:
        if faults:
            raise WrongFields(faults)
        forgets = application().dispatch(
            EditConnection(
                me.tenant_id, me.person.id, found.id, posted("name"), {**cleared, **settings}, _secrets(form)
            )
        )
    except WrongFields as error:
        return _render(form, _given(form), found, error.faults), HTTPStatus.UNPROCESSABLE_ENTITY
    told = "yes" if forgets else None
    return redirect(url_for("connection_page.show", connection_id=found.id, forgot=told), 303)


def found_connection(connection_id: str) -> Connection:
    with application().uow.reading() as uow:
        found = uow.connections.get(connection_id)
    if found.tenant_id != signed_in().tenant_id:
        raise NotFound("There is no such connection.")
    return found


def _open_form(found: Connection) -> ConnectorForm:
    """Without what the configuration says of this connection, which is edited there."""
    form = application().connectors.form(found.role, found.vendor)
    if application().as_mapped(found).row is None:
        return form
    return changed(form, settings=tuple(field for field in form.settings if not field.is_map))


def _chosen() -> ConnectorForm:
    role, vendor = request.args.get("role", ""), request.args.get("vendor", "")
    if role not in set(ConnectionRole):
        raise NotFound("There is no such role.")
    return application().connectors.form(ConnectionRole(role), vendor)


def _texts(form: ConnectorForm) -> dict[str, str]:
    return {field.name: posted(field.name) for field in form.settings}


def _secrets(form: ConnectorForm) -> dict[str, str]:
    return {field.name: posted(field.name) for field in form.secrets if posted(field.name)}


def _given(form: ConnectorForm) -> dict[str, str]:
    """Return what was typed, without secrets: they are typed again."""
    return {**_texts(form), "name": posted("name")}


def _render(
    form: ConnectorForm,
    values: Mapping[str, str],
    edited: Connection | None,
    faults: Sequence[Fault] = (),
    to_confirm: str = "",
) -> str:
    """`to_confirm`: what would come of it, which is connected once a person confirms it."""
    return render_template(
        "connections/form.html",
        form=form,
        values=values,
        edited=edited,
        to_confirm=to_confirm,
        mapped=application().as_mapped(edited).row if edited else None,
        errors=[FormError(fault.field, _said(form, fault)) for fault in faults],
        roles=ROLE_WORDS,
        guide=name if (name := f"connectors/{form.vendor}") in guides() else "",
    )


def _said(form: ConnectorForm, fault: Fault) -> str:
    labels = {field.name: field.label for field in (*form.settings, *form.secrets)}
    return f"{labels.get(fault.field, fault.field.capitalize())}: {fault.message}"
