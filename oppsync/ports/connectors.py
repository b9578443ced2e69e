"""What setting up a connection needs of the connectors: their forms, a look at the system itself, a test
event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol

from oppsync.domain.configuration.map_checks import WrongMap
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.connector_forms import ConnectorForm, Fault
from oppsync.domain.work.observations import Observation
from oppsync.domain.work.trial_events import TrialEvent


class Checked(NamedTuple):
    """Settings and secrets as they are stored, or what is wrong with them."""

    settings: dict[str, Any]
    secrets: dict[str, str]
    faults: Sequence[Fault]


class ConnectorCatalog(Protocol):
    def forms(self) -> Sequence[ConnectorForm]:
        """Return the form of every vendor that can be connected."""

    def form(self, role: ConnectionRole, vendor: str) -> ConnectorForm:
        """Raises InvalidInput for a vendor that cannot be connected in this role."""

    def checked(self, connection: Connection, secrets: Mapping[str, Any]) -> Checked:
        """Judge settings and secrets by the connector's own models. `secrets` without those of webhooks."""

    def mapped(self, connection: Connection, book: ReferenceBook, day: date) -> Connection:
        """The connection with what the configuration maps on this day in place of its own settings."""

    def wrong_map(self, vendor: str, settings: Mapping[str, Any]) -> Sequence[WrongMap]:
        """Judge the maps of a row of the configuration by the connector's own model."""

    def named_by_maps(self, connection: Connection) -> Mapping[str, MasterKind]:
        """Of its maps, those whose value is the code of some master data there, and of which kind."""

    def new_webhook_secret(self, scheme: str) -> str: ...

    def needs_secrets_anew(self, before: Connection, after: Connection) -> bool:
        """Whether the secrets would be sent elsewhere than before, or used for another database."""

    def leads_elsewhere(self, before: Connection, after: Connection) -> bool:
        """Whether other records are there than before, so that nothing that is known of those counts."""


class Inspector(Protocol):
    def inspect(self, connection: Connection, secrets: Mapping[str, Any]) -> Sequence[Observation]:
        """Sign in and look at what may be done there; changes nothing. What fails is an observation too."""


class TrialEventSender(Protocol):
    def send(self, connection: Connection, secret: str) -> TrialEvent:
        """Sign a test event and post it to the connection's own address, as its system would."""
