"""A connector: everything that a vendor registers. `registry.py` has a row for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from adapters.connectors.connection_settings import checked
from adapters.connectors.http.client import OPEN_GATE, Gate
from adapters.connectors.traffic.limits import NO_LIMITS, Limits
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.plan.capabilities import Capabilities
from oppsync.domain.work.connections import ConnectionRole
from oppsync.ports.clock import Clock
from oppsync.ports.master_data import NO_MEMORY, MasterMemory

SettingsT = TypeVar("SettingsT", bound=BaseModel)
SecretsT = TypeVar("SecretsT", bound=BaseModel)
CapabilitiesT = TypeVar("CapabilitiesT", bound=Capabilities)
SystemT = TypeVar("SystemT")


@dataclass(frozen=True)
class Connector(Generic[SettingsT, SecretsT, CapabilitiesT, SystemT]):
    """`title`: the vendor's name for people. `settings`, `secrets`: the models of a connection's settings and
    secrets, whose fields and checks people fill in. `build` makes the adapter, which opens no connection yet.

    `limits`: what the vendor publishes, and how many calls it takes at once; a connection may override them.
    `signature_scheme`: how the vendor signs its webhooks (a row of `signatures/registry.py`); None: it sends
    none. `package`: the Python package that holds files to deploy on the vendor's side (`package.py`).
    `elsewhere`: the settings of which another value leads to other records, by what people type; None: each of
    them may. `build_remembering`: as `build`, of a vendor whose adapter looks master data up in the memory.
    `maps`: the settings that say by which names what rules the work is read and written there; they belong to
    the configuration, and the rest to the connection. `names`: those of them whose value is the code
    of some master data of the vendor, which is looked for there.
    """

    role: ConnectionRole
    vendor: str
    title: str
    settings: type[SettingsT]
    secrets: type[SecretsT]
    capabilities: Callable[[SettingsT], CapabilitiesT]
    build: Callable[[SettingsT, SecretsT, Clock, Gate], SystemT]
    limits: Limits = NO_LIMITS
    signature_scheme: str | None = None
    package: str | None = None
    elsewhere: frozenset[str] | None = None
    build_remembering: Callable[[SettingsT, SecretsT, Clock, Gate, MasterMemory], SystemT] | None = None
    maps: tuple[str, ...] = ()
    names: Mapping[str, MasterKind] = field(default_factory=dict)

    def connect(
        self,
        settings: Mapping[str, Any],
        secrets: Mapping[str, Any],
        clock: Clock,
        gate: Gate = OPEN_GATE,
        memory: MasterMemory = NO_MEMORY,
    ) -> SystemT:
        """Build the adapter. Raises Misconfigured, which names the setting or secret and never a value."""
        known = checked(self.secrets, self.title, "secrets", secrets)
        if self.build_remembering is not None:
            return self.build_remembering(self._checked(settings), known, clock, gate, memory)
        return self.build(self._checked(settings), known, clock, gate)

    def capabilities_of(self, settings: Mapping[str, Any]) -> CapabilitiesT:
        """Return what the vendor can do under these settings. Raises Misconfigured, as `connect`."""
        return self.capabilities(self._checked(settings))

    def _checked(self, settings: Mapping[str, Any]) -> SettingsT:
        return checked(self.settings, self.title, "settings", settings)


AnyConnector = Connector[Any, Any, Any, Any]
