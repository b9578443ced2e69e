"""The demo firm's systems on this machine: a real Tryton, and stand-ins for Salesforce and Kantata."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Mapping
from contextlib import ExitStack

from adapters.bootstrap import Application
from adapters.runtime.processes import listen
from adapters.runtime.processes import port_of as port_of_listener
from sandbox.embedded.tryton import firm
from sandbox.firm.install import CRM_CONNECTION, PEOPLE, DemoSystems, install
from sandbox.home import (
    IDENTITY,
    KANTATA_TOKEN,
    SALESFORCE_CLIENT_SECRET,
    TRYTON_CACHE,
    TRYTON_REST_KEY,
    Addresses,
    Home,
)
from sandbox.standins.control import KantataControl, SalesforceControl

PREFERRED_PORTS = {"web": 8000, "tryton": 8069, "salesforce": 8101, "kantata": 8102}
SALESFORCE_CLIENT_ID = "oppsync-demo"


def addresses_on(ports: Mapping[str, int]) -> Addresses:
    return Addresses(**{name: f"http://127.0.0.1:{port}" for name, port in ports.items()})


class Listeners:
    """A socket that listens for each system, until the process that serves it has inherited it.

    On the preferred ports, or on those from `first_port` on; a busy port is skipped for the next free one.
    Raises OSError when there are none.
    """

    def __init__(self, first_port: int | None = None) -> None:
        self._sockets: dict[str, socket.socket] = {}
        with ExitStack() as opened:
            for number, (name, preferred) in enumerate(PREFERRED_PORTS.items()):
                wanted = preferred if first_port is None else first_port + number
                self._sockets[name] = opened.enter_context(listen(wanted))
            opened.pop_all()
        self.addresses = addresses_on({name: port_of_listener(each) for name, each in self._sockets.items()})

    def descriptors(self) -> Mapping[str, int]:
        """The descriptors of the sockets that are still open here."""
        return {name: each.fileno() for name, each in self._sockets.items()}

    def close(self, *names: str) -> None:
        """Close these sockets, or all. With its server as its only holder, a socket breaks calls off when that
        ends."""
        for name in names or [*self._sockets]:
            self._sockets.pop(name).close()


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def commands(
    home: Home, addresses: Addresses, descriptors: Mapping[str, int] | None = None
) -> Mapping[str, str]:
    """Name -> shell command; Tryton builds its template first when there is none.

    `descriptors`: of sockets that listen already, which the commands inherit.
    """
    modules = {
        "tryton": ["sandbox.embedded.tryton.server", "--data", str(home.tryton), "--cache", str(TRYTON_CACHE),
                   "--rest-key", f"@{home.key_file(TRYTON_REST_KEY)}"],
        "salesforce": ["sandbox.standins.salesforce", *_standin("salesforce", home),
                       "--client-secret", f"@{home.key_file(SALESFORCE_CLIENT_SECRET)}"],
        "kantata": ["sandbox.standins.kantata", *_standin("kantata", home),
                    "--token", f"@{home.key_file(KANTATA_TOKEN)}"],
    }  # fmt: skip
    ports = {name: ["--port", str(port_of(getattr(addresses, name)))] for name in modules}
    inherited = {name: ["--fd", str(number)] for name, number in (descriptors or {}).items()}
    return {
        name: shlex.join(["python", "-m", *module, *ports[name], *inherited.get(name, [])])
        for name, module in modules.items()
    }


def _standin(vendor: str, home: Home) -> list[str]:
    return ["--books", str(home.books(vendor)), "--identity", f"@{home.key_file(IDENTITY)}"]


def salesforce(home: Home, addresses: Addresses) -> SalesforceControl:
    return SalesforceControl(addresses.salesforce, home.key(IDENTITY))


def kantata(home: Home, addresses: Addresses) -> KantataControl:
    return KantataControl(addresses.kantata, home.key(IDENTITY))


def install_demo_firm(application: Application, home: Home, addresses: Addresses) -> None:
    """Make connections to these addresses, with the keys and passwords kept in `home`."""
    systems = DemoSystems(
        salesforce_url=addresses.salesforce,
        salesforce_client_id=SALESFORCE_CLIENT_ID,
        salesforce_client_secret=home.key(SALESFORCE_CLIENT_SECRET),
        webhook_secret=home.webhook_secret(),
        tryton_url=addresses.tryton,
        tryton_database=firm.DATABASE,
        tryton_rest_key=home.key(TRYTON_REST_KEY),
        kantata_url=addresses.kantata,
        kantata_token=home.key(KANTATA_TOKEN),
    )
    install(application, systems, home.passwords(person.email for person in PEOPLE))


def configure_webhook(home: Home, addresses: Addresses) -> None:
    """Point Salesforce's webhook to the product that runs now."""
    salesforce(home, addresses).configure_webhook(
        f"{addresses.web}/webhooks/{CRM_CONNECTION}", home.webhook_secret()
    )
