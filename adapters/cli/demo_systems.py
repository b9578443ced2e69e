"""The demo firm's systems on this machine: a real Tryton, and stand-ins for Salesforce and Kantata."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from adapters.bootstrap import Application
from adapters.cli.home import TRYTON_CACHE, Addresses, Home
from adapters.embedded.tryton import firm
from adapters.processes import free_port
from adapters.seed.install import CRM_CONNECTION, PEOPLE, DemoSystems, install
from adapters.standins.control import SalesforceControl

PREFERRED = Addresses(
    web="http://127.0.0.1:8000",
    tryton="http://127.0.0.1:8069",
    salesforce="http://127.0.0.1:8101",
    kantata="http://127.0.0.1:8102",
)
# What the stand-ins ask for unless told otherwise: they listen on loopback alone and hold invented deals.
SALESFORCE_CLIENT = ("oppsync-demo", "salesforce-demo-secret")
KANTATA_TOKEN = "kantata-demo-token"  # noqa: S105


def free_addresses() -> Addresses:
    """The preferred ports, or the next free ones. Raises OSError when there are none."""
    taken: list[int] = []
    chosen = {}
    for name, url in PREFERRED.model_dump().items():
        port = free_port(port_of(url))
        while port in taken:
            port = free_port(port + 1)
        taken.append(port)
        chosen[name] = f"http://127.0.0.1:{port}"
    return Addresses(**chosen)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def commands(home: Home, addresses: Addresses) -> Mapping[str, str]:
    """Name -> shell command; Tryton builds its template first when there is none."""
    return {
        "tryton": shlex.join(
            ["python", "-m", "adapters.embedded.tryton.server", "--port", str(port_of(addresses.tryton)),
             "--data", str(home.tryton), "--cache", str(TRYTON_CACHE)]
        ),
        "salesforce": _standin("salesforce", home, addresses.salesforce),
        "kantata": _standin("kantata", home, addresses.kantata),
    }  # fmt: skip


def _standin(vendor: str, home: Home, url: str) -> str:
    books = str(home.books(vendor))
    return shlex.join(
        ["python", "-m", f"adapters.standins.{vendor}", "--books", books, "--port", str(port_of(url))]
    )


def install_demo_firm(application: Application, home: Home, addresses: Addresses) -> None:
    """Connections to these addresses, people with the passwords kept in `home`, reference data."""
    client_id, client_secret = SALESFORCE_CLIENT
    systems = DemoSystems(
        salesforce_url=addresses.salesforce,
        salesforce_client_id=client_id,
        salesforce_client_secret=client_secret,
        webhook_secret=home.webhook_secret(),
        tryton_url=addresses.tryton,
        tryton_database=firm.DATABASE,
        tryton_rest_key=firm.DEVELOPMENT_REST_KEY,
        kantata_url=addresses.kantata,
        kantata_token=KANTATA_TOKEN,
    )
    install(application, systems, home.passwords(person.email for person in PEOPLE))


def configure_webhook(home: Home, addresses: Addresses) -> None:
    """Salesforce tells the product that runs now."""
    SalesforceControl(addresses.salesforce).configure_webhook(
        f"{addresses.web}/webhooks/{CRM_CONNECTION}", home.webhook_secret()
    )
