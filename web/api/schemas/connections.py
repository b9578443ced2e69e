"""Connected systems and what arrives from them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from oppsync.domain.reading.readings import ReceivedDelivery
from oppsync.domain.reading.traffic import Traffic
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.work.attempts import AttemptCount
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.connector_forms import ConnectorForm
from oppsync.domain.work.observations import Observation


class NewConnection(Frozen):
    """A system to connect. `settings` and `secrets` are those of its form (`GET /connectors`); secrets are
    never answered again. `confirmed`: although new deals stop until a row of `routes.csv` says where they
    go."""

    role: ConnectionRole
    vendor: Code
    name: Text
    settings: dict[str, Any] = {}
    secrets: dict[str, str] = Field(default={}, repr=False)
    confirmed: bool = False


class ConnectionChange(Frozen):
    """The fields that are to change; a setting of null goes back to its default. A new address needs all
    secrets."""

    name: Text | None = None
    settings: dict[str, Any] = {}
    secrets: dict[str, str] = Field(default={}, repr=False)


class Rotation(Frozen):
    """How long the earlier webhook secrets are accepted beside the new one."""

    both_valid_hours: Annotated[int, Field(ge=0, le=720)] = 24


class Connectors(Frozen):
    """The vendors that can be connected, with the fields of each."""

    rows: tuple[ConnectorForm, ...]


class ConnectionMapView(Frozen):
    """The row of `connection_maps.yaml` that says what is mapped."""

    row: Text
    valid_from: date


class ConnectionView(Frozen):
    """A connection without its secrets. `settings`: those in force. `map`: the row of the configuration that
    says what is mapped; null where the connection itself does. `webhook_url`: where its system reports changes.
    `secret_ends`: until when earlier webhook secrets are accepted, by fingerprint. `tested_at`: when it was
    last tested as it is set now, `test_faults` how much was missing then, and `test_missing` the first of it in
    words."""

    id: Code
    role: ConnectionRole
    vendor: Code
    name: Text
    settings: dict[str, Any]
    map: ConnectionMapView | None = None
    paused_at: AwareDatetime | None = None
    webhook_url: Text | None = None
    secret_ends: dict[str, AwareDatetime] = {}
    tested_at: AwareDatetime | None = None
    test_faults: int | None = None
    test_missing: tuple[Text, ...] = ()


class Connections(Frozen):
    """By id."""

    rows: tuple[ConnectionView, ...]


class AddedConnection(Frozen):
    """`webhook_secret` is answered this once: give it to the system, with the address."""

    connection: ConnectionView
    webhook_secret: Text | None = None


class NewWebhookSecret(Frozen):
    """Answered this once."""

    webhook_secret: Text


class Observations(Frozen):
    """The lines of a test, in the order in which it looked. `is_well`: nothing is missing, and
    nothing is left unread that is there."""

    is_well: bool
    rows: tuple[Observation, ...]


class TrialEventView(Frozen):
    """Whether the test event came back to us, signed rightly. `event_id` under which it is kept."""

    arrived: bool
    says: Text
    status: int | None = None
    event_id: UUID | None = None


class ReceivedDeliveries(Frozen):
    """Newest first. Deliveries whose signature was wrong are not kept: `refused` counts them by the hour."""

    rows: tuple[ReceivedDelivery, ...]
    refused: tuple[AttemptCount, ...]


class TrafficOfConnections(Frozen):
    rows: tuple[Traffic, ...]
