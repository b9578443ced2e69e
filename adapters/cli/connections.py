"""`connection`: outside systems with their settings and secrets. Secrets are asked for or read from standard
input, never arguments, which everybody on the machine can read."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import click
from pydantic import Field, ValidationError

from adapters.bootstrap import Application
from adapters.cli.commands import FAILED, Failed
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from adapters.connectors.package import write_package
from adapters.connectors.registry import connector_of
from adapters.documents.bundle_files import write_bundle
from oppsync.domain.configuration.files import FILES
from oppsync.domain.policy.connection_map import MapInForce
from oppsync.domain.reading.readings import ReceivedDelivery
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.work.attempts import AttemptCount
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.connector_forms import ConnectorForm, FormField, WrongFields, shown, typed
from oppsync.domain.work.observations import SEEN_WORDS
from oppsync.kernel import canonical_json
from oppsync.services.admin.commands import (
    AddConnection,
    EditConnection,
    InspectConnection,
    PauseConnection,
    ReencryptSecrets,
    RemoveConnection,
    ResumeConnection,
    RotateWebhookSecret,
    SendTrialEvent,
    SetConnection,
)
from oppsync.services.admin.connection_maps import as_row
from oppsync.services.admin.connections import FORGOTTEN

_MOST_DELIVERIES = 5

ROLES = {"crm": ConnectionRole.CRM, "erp": ConnectionRole.ERP, "psa": ConnectionRole.PSA}
ROLE_WORDS = {role: word for word, role in ROLES.items()}


class _Document(Connection):
    secrets: dict[str, Any] | None = Field(default=None, repr=False)


_connection_id = click.argument("connection_id", metavar="ID")
_settings = click.option(
    "--set", "given", multiple=True, metavar="NAME=VALUE", help="A setting; may be given several times."
)


@click.group("connection", help="CRMs, ERPs and PSAs that are connected.")
def connection() -> None:
    pass


@connection.command("vendors")
@json_option
def vendors(as_json: bool) -> None:
    """List what can be connected, with its settings and secrets."""
    with connected() as application:
        forms = application.connectors.forms()
    if as_json:
        print_json([form.model_dump(mode="json") for form in forms])
        return
    for form in forms:
        say(f"{ROLE_WORDS[form.role]} {form.vendor}: {form.title}")
        rows = [
            ("secret" if field.secret else "setting", field.name, _state(field), f"{field.label}. {field.help}")
            for field in (*form.settings, *form.secrets)
        ]
        print_table(("", "name", "default", "what"), rows)
        click.echo()


def _state(field: FormField) -> str:
    return "needed" if field.required else field.default


@connection.command("add")
@click.option("--role", type=click.Choice(list(ROLES)), required=True, help="What it is to oppsync.")
@click.option("--vendor", required=True, help="Whose system it is: `oppsync connection vendors` lists them.")
@click.option("--name", required=True, help="Name by which people know it.")
@click.option("--confirm", is_flag=True, help="Also where new deals stop until a row routes them.")
@_settings
@json_option
def add(role: str, vendor: str, name: str, given: Sequence[str], *, confirm: bool, as_json: bool) -> None:
    """Connect a system. Its secrets are asked for; without a terminal they are lines NAME=VALUE on standard
    input.

    Of a live firm, a second ERP or PSA is not connected while no row of routes.csv says which of them deals go
    to: it says so, and connects nothing without --confirm.
    """
    with connected() as application:
        form = application.connectors.form(ROLES[role], vendor)
        settings = _typed(form.settings, given)
        secrets = _secrets(form.secrets)
        command = AddConnection(
            application.tenant_id, COMMAND_LINE, ROLES[role], vendor, name, settings, secrets, confirmed=confirm
        )
        added = application.dispatch(command)
        url = application.webhook_url(_found(application, added.connection_id))
    if as_json:
        webhook = {"url": url, "secret": added.webhook_secret} if added.webhook_secret else None
        print_json({"id": added.connection_id, "webhook": webhook})
        return
    say(f"{name} is connected as {added.connection_id}. Test it: oppsync connection test {added.connection_id}")
    if added.webhook_secret is not None:
        click.echo("Its webhook, the secret of which is shown this once:")
        click.echo(f"  address  {url}\n  secret   {added.webhook_secret}")


@connection.command("list")
@json_option
def list_connections(as_json: bool) -> None:
    """List the connections."""
    with connected() as application, application.uow.reading() as uow:
        found = uow.connections.of_tenant(application.tenant_id)
    if as_json:
        print_json([_document(each) for each in found])
    elif not found:
        click.echo("Nothing is connected yet: `oppsync connection add`.")
    else:
        rows = [
            (each.id, ROLE_WORDS[each.role], each.vendor, "paused" if each.paused_at else "", each.name)
            for each in found
        ]
        print_table(("id", "role", "vendor", "state", "name"), rows)


@connection.command("show")
@click.option("--row", "as_row_of_bundle", is_flag=True, help="What it maps, as a row of connection_maps.yaml.")
@_connection_id
@json_option
def show(connection_id: str, as_json: bool, as_row_of_bundle: bool) -> None:
    """Show one connection with its settings, which of them the configuration says, and its last deliveries.
    Secrets are never shown."""
    with connected() as application:
        found, mapped = application.as_mapped(_found(application, connection_id))
        if as_row_of_bundle:
            row = as_row(
                application.connectors, found, mapped.since if mapped else application.clock.now().date()
            )
            click.echo(write_bundle("", [row])[FILES[row.kind].name].decode(), nl=False)
            return
        form = application.connectors.form(found.role, found.vendor)
        url = application.webhook_url(found)
        deliveries = application.queries.received(found.tenant_id, found.id, limit=_MOST_DELIVERIES)
        refused = application.queries.refused_signatures(found.tenant_id, found.id)
    if as_json:
        of_bundle = mapped and {"row": mapped.connection, "valid_from": mapped.since.isoformat()}
        told = {
            "deliveries": [each.model_dump(mode="json") for each in deliveries],
            "refused": [each.model_dump(mode="json") for each in refused],
        }
        print_json({**_document(found), "map": of_bundle, "webhook_url": url, **told})
        return
    say(f"{found.name} ({found.id}): {form.title}, {ROLE_WORDS[found.role]}")
    if found.paused_at is not None:
        since = f"{found.paused_at.astimezone():%Y-%m-%d %H:%M}"
        say(f"Paused since {since}: deals that need it wait, webhooks are accepted.")
    rows = [
        (
            field.name,
            shown(field, found.settings.get(field.name)) or field.default,
            field.label,
            _origin(field, mapped),
        )
        for field in form.settings
    ]
    print_table(("setting", "value", "what", "said by"), rows)
    if mapped is not None:
        say(f"{mapped.where} says what it maps, from {mapped.since} on.")
    if url is not None:
        click.echo(f"Webhook: {url}")
    for until in sorted(found.secret_ends.values()):
        click.echo(f"The webhook secret before is accepted until {until.astimezone():%Y-%m-%d %H:%M}.")
    _tell_deliveries(deliveries, refused)


def _tell_deliveries(deliveries: Sequence[ReceivedDelivery], refused: Sequence[AttemptCount]) -> None:
    if deliveries:
        print_table(
            ("delivery", "received", "how it came", "signature", "records"),
            [
                (
                    each.delivery_id,
                    f"{each.received_at.astimezone():%Y-%m-%d %H:%M:%S}",
                    each.source.value,
                    each.signature,
                    str(each.records),
                )
                for each in deliveries
            ],
        )
    for hour in refused:
        since = f"{hour.hour.astimezone():%Y-%m-%d %H:%M}"
        click.echo(f"Refused for their signature in the hour from {since}: {hour.count}.")


def _origin(field: FormField, mapped: MapInForce | None) -> str:
    return "configuration" if field.is_map and mapped is not None else "connection"


@connection.command("test")
@_connection_id
@json_option
def test(connection_id: str, as_json: bool) -> None:
    """Sign in there, and list what may be done and what is missing. Exit code 1 when something is."""
    with connected() as application:
        seen = application.dispatch(InspectConnection(application.tenant_id, COMMAND_LINE, connection_id))
    if as_json:
        print_json([each.model_dump(mode="json") for each in seen])
    else:
        print_table(("", "what", "what to do"), [(SEEN_WORDS[each.seen], each.what, each.fix) for each in seen])
    if any(each.is_fault for each in seen):
        sys.exit(FAILED)


@connection.command("test-event")
@_connection_id
@json_option
def test_event(connection_id: str, as_json: bool) -> None:
    """Send a signed test event to the connection's webhook. It makes no deal."""
    with connected() as application:
        sent = application.dispatch(SendTrialEvent(application.tenant_id, COMMAND_LINE, connection_id))
    if as_json:
        print_json({**sent._asdict(), "event_id": sent.event_id and str(sent.event_id)})
    else:
        say(sent.says)
    if not sent.arrived:
        sys.exit(FAILED)


@connection.command("edit")
@_connection_id
@click.option("--name", help="Another name by which people know it.")
@_settings
@click.option("--unset", multiple=True, metavar="NAME", help="A setting that goes back to its default.")
@click.option(
    "--secret", "asked", multiple=True, metavar="NAME", help="A secret to give anew; it is asked for."
)
def edit(
    connection_id: str, name: str | None, given: Sequence[str], unset: Sequence[str], asked: Sequence[str]
) -> None:
    """Change a connection. What is not named stays. Another address needs all secrets anew. What the
    configuration maps is edited there."""
    with connected() as application:
        found = _found(application, connection_id)
        form = application.connectors.form(found.role, found.vendor)
        settings = {**_typed(form.settings, given), **dict.fromkeys(unset)}
        secrets = _secrets([_named(form, each) for each in asked])
        forgets = application.dispatch(
            EditConnection(application.tenant_id, COMMAND_LINE, connection_id, name, settings, secrets)
        )
    click.echo(
        f"The connection {connection_id} is changed: `oppsync connection test {connection_id}` tests it."
    )
    _say_forgotten(forgets)


@connection.command("pause")
@_connection_id
def pause(connection_id: str) -> None:
    """Call nothing there. Webhooks are accepted and kept; deals that need it wait."""
    with connected() as application:
        application.dispatch(PauseConnection(application.tenant_id, COMMAND_LINE, connection_id))
    click.echo(f"The connection {connection_id} is paused.")


@connection.command("resume")
@_connection_id
def resume(connection_id: str) -> None:
    """Call again; deals that waited go on."""
    with connected() as application:
        application.dispatch(ResumeConnection(application.tenant_id, COMMAND_LINE, connection_id))
    click.echo(f"The connection {connection_id} is resumed.")


@connection.command("reencrypt")
def reencrypt() -> None:
    """Encrypt all connections' secrets and keys of second factors by the first of OPPSYNC_SECRET_KEYS, so that
    older ones can go."""
    with connected() as application:
        done = application.dispatch(ReencryptSecrets(application.tenant_id, COMMAND_LINE))
    say(
        f"The secrets of {done.connections} connections and the keys of {done.second_factors} second factors "
        "are encrypted by the first key."
    )


@connection.command("rotate-secret")
@_connection_id
@click.option(
    "--both-valid-hours",
    type=float,
    default=24.0,
    show_default=True,
    help="How long the one before is accepted.",
)
@json_option
def rotate_secret(connection_id: str, both_valid_hours: float, as_json: bool) -> None:
    """Make a new secret for the webhook. It is shown only once; the one before is accepted for a
    while, and any earlier one no more."""
    with connected() as application:
        command = RotateWebhookSecret(
            application.tenant_id, COMMAND_LINE, connection_id, timedelta(hours=both_valid_hours)
        )
        secret = application.dispatch(command)
    if as_json:
        print_json({"id": connection_id, "secret": secret})
    else:
        click.echo(secret)


@connection.command("remove")
@_connection_id
def remove(connection_id: str) -> None:
    """Disconnect a system. Refused while deals under way go by it; what is stored of earlier ones stays."""
    with connected() as application:
        application.dispatch(RemoveConnection(application.tenant_id, COMMAND_LINE, connection_id))
    click.echo(f"The connection {connection_id} is removed.")


@connection.command("package")
@_connection_id
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def package(connection_id: str, folder: Path) -> None:
    """Write the files to deploy on the vendor's side into DIR, filled with this installation's address.

    DIR is new or empty. The files hold no secret: the set-up guide says where it is entered.
    """
    with connected() as application:
        found = _found(application, connection_id)
        written = write_package(found, application.webhook_url(found) or "", folder)
    click.echo(
        f"{written} files are in {folder}: docs/connectors/{found.vendor}.md says how they are deployed."
    )


@connection.command("set")
@click.argument("document", type=click.File("rb"))
def set_connection(document: BinaryIO) -> None:
    """Add or replace a connection under an id of yours: DOCUMENT is JSON, `-` reads standard input.

    For scripts that set installations up alike; people use `add` and `edit`. It has id, role (crm, projects,
    psa), vendor, name, settings, signature_scheme where there is a webhook, and secrets; without secrets
    those stored stay. The security log gets the settings and the names of the secrets.
    """
    with connected() as application:
        given = _read(document.read(), application.tenant_id)
        found = Connection.model_validate(given.model_dump(exclude={"secrets"}))
        connector_of(found.role, found.vendor)  # names a vendor that is unknown
        forgets = application.dispatch(SetConnection(application.tenant_id, COMMAND_LINE, found, given.secrets))
    click.echo(f"The connection {found.id} is set: `oppsync doctor` checks it.")
    _say_forgotten(forgets)


def _say_forgotten(forgets: bool) -> None:
    if forgets:
        click.echo(f"{FORGOTTEN}.")


def _read(text: bytes, tenant_id: str) -> _Document:
    try:
        return _Document.model_validate({**canonical_json.loads(text), "tenant_id": tenant_id})
    except ValidationError as error:
        found = error.errors(include_input=False)  # which may be a secret
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found)
        raise Failed(f"The document is no connection: {faults}") from None
    except (canonical_json.UnreadableJson, TypeError):
        raise Failed("The document is not a JSON object.") from None


def _found(application: Application, connection_id: str) -> Connection:
    with application.uow.reading() as uow:
        return uow.connections.get(connection_id)


def _document(found: Connection) -> Mapping[str, Any]:
    return found.model_dump(mode="json", exclude={"tenant_id"})


def _named(form: ConnectorForm, name: str) -> FormField:
    for field in form.secrets:
        if field.name == name:
            return field
    raise Failed(
        f"{form.title} has no secret {name}: it has {', '.join(field.name for field in form.secrets)}."
    )


def _typed(fields: Sequence[FormField], given: Sequence[str]) -> dict[str, Any]:
    """`fields=Opportunity.Region__c=Area__c` is one pair; several are separated by commas."""
    texts = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign:
            raise Failed(f"Write a setting as NAME=VALUE; this one is not: {each}")
        texts[name] = value
    if unknown := sorted(texts.keys() - {field.name for field in fields}):
        raise Failed(f"There is no such setting: {', '.join(unknown)}.")
    values, faults = typed(fields, texts)
    if faults:
        raise WrongFields(faults)
    return values


def _secrets(fields: Sequence[FormField]) -> dict[str, str]:
    if not fields:
        return {}
    if sys.stdin.isatty():
        return {field.name: str(click.prompt(field.label, hide_input=True)) for field in fields}
    return _from_lines(sys.stdin.read().splitlines(), {field.name for field in fields})


def _from_lines(lines: Sequence[str], wanted: set[str]) -> dict[str, str]:
    found = dict(_split(line) for line in lines if line.strip())
    if found.keys() != wanted:
        raise Failed(f"Standard input has to hold a line NAME=VALUE for each of {', '.join(sorted(wanted))}.")
    return found


def _split(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name.strip(), value.strip()
