"""`connection set`: one outside system with its settings and secrets, from a JSON document."""

from __future__ import annotations

from typing import Any, BinaryIO

import click
from pydantic import Field, ValidationError

from adapters.cli.commands import Failed
from adapters.cli.connect import connected
from adapters.connectors.registry import connector_of
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.work.connections import Connection
from oppsync.kernel import canonical_json
from oppsync.services.admin.commands import SetConnection


class _Document(Connection):
    secrets: dict[str, Any] | None = Field(default=None, repr=False)


@click.group("connection", help="CRMs, ERPs and PSAs that are connected.")
def connection() -> None:
    pass


@connection.command("set")
@click.argument("document", type=click.File("rb"))
def set_connection(document: BinaryIO) -> None:
    """Add or replace a connection: DOCUMENT is JSON, `-` reads standard input.

    It has id, role (crm, projects, psa), vendor, name, settings, signature_scheme where there is a webhook, and
    secrets; without secrets those stored stay. The security log gets the settings and the names of the secrets.
    """
    with connected() as application:
        given = _read(document.read(), application.tenant_id)
        found = Connection.model_validate(given.model_dump(exclude={"secrets"}))
        connector_of(found.role, found.vendor)  # names a vendor that is unknown
        application.dispatch(SetConnection(application.tenant_id, COMMAND_LINE, found, given.secrets))
    click.echo(f"The connection {found.id} is set: `oppsync doctor` checks it.")


def _read(text: bytes, tenant_id: str) -> _Document:
    try:
        return _Document.model_validate({**canonical_json.loads(text), "tenant_id": tenant_id})
    except ValidationError as error:
        found = error.errors(include_input=False)  # which may be a secret
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found)
        raise Failed(f"The document is no connection: {faults}") from None
    except (canonical_json.UnreadableJson, TypeError):
        raise Failed("The document is not a JSON object.") from None
