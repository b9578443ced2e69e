"""The demo firm's systems on this machine: a real Tryton, and stand-ins for Salesforce and Kantata."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from adapters.bootstrap import Application
from adapters.runtime.processes import free_port
from sandbox.embedded.tryton import firm
from sandbox.firm.install import CRM_CONNECTION, PEOPLE, DemoSystems, install
from sandbox.home import TRYTON_CACHE, Addresses, Home
from sandbox.standins.control import SalesforceControl

PREFERRED_PORTS = {"web": 8000, "tryton": 8069, "salesforce": 8101, "kantata": 8102}
# What the stand-ins ask for unless told otherwise: they listen on loopback alone and hold invented deals.
SALESFORCE_CLIENT = ("oppsync-demo", "salesforce-demo-secret")
KANTATA_TOKEN = "kantata-demo-token"  # noqa: S105


def addresses_on(ports: Mapping[str, int]) -> Addresses:
    return Addresses(**{name: f"http://127.0.0.1:{port}" for name, port in ports.items()})


def free_addresses(first_port: int | None = None) -> Addresses:
    """On the preferred ports, or on those from `first_port` on; where one is busy, on the next that is free.

    Raises OSError when there are none.
    """
    taken: dict[str, int] = {}
    for number, (name, preferred) in enumerate(PREFERRED_PORTS.items()):
        port = free_port(preferred if first_port is None else first_port + number)
        while port in taken.values():
            port = free_port(port + 1)
        taken[name] = port
    return addresses_on(taken)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def commands(home: Home, addresses: Addresses) -> Mapping[str, str]:
    """Name -> shell command; Tryton builds its template first when there is none."""
    return {
        "tryton": shlex.join(
            ["python", "-m", "sandbox.embedded.tryton.server", "--port", str(port_of(addresses.tryton)),
             "--data", str(home.tryton), "--cache", str(TRYTON_CACHE)]
        ),
        "salesforce": _standin("salesforce", home, addresses.salesforce),
        "kantata": _standin("kantata", home, addresses.kantata),
    }  # fmt: skip


def _standin(vendor: str, home: Home, url: str) -> str:
    books = str(home.books(vendor))
    return shlex.join(
        ["python", "-m", f"sandbox.standins.{vendor}", "--books", books, "--port", str(port_of(url))]
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
