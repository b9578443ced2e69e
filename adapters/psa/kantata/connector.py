"""The connector of Kantata OX, a PSA."""

from __future__ import annotations

from adapters.connectors.connector import Connector
from adapters.psa.kantata.adapter import KantataPsa
from adapters.psa.kantata.client import VENDOR
from adapters.psa.kantata.settings import KantataSecrets, KantataSettings, capabilities
from oppsync.domain.plan.capabilities import PsaCapabilities
from oppsync.domain.work.connections import ConnectionRole
from oppsync.ports.psa import Psa

# No limits: it answers 429 and asks for a short delay, but publishes no numbers.
CONNECTOR: Connector[KantataSettings, KantataSecrets, PsaCapabilities, Psa] = Connector(
    role=ConnectionRole.PSA,
    vendor="kantata",
    title=VENDOR,
    settings=KantataSettings,
    secrets=KantataSecrets,
    capabilities=capabilities,
    build=KantataPsa,
    maps=("roles",),
)
