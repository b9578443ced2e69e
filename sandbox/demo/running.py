"""The product that the demo works with: the one that `up` runs here already, else one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import click

from adapters.bootstrap import Application
from adapters.cli.connect import connected, names_servers
from adapters.runtime import local_set
from sandbox.home import TRYTON_REST_KEY, Addresses, Home
from sandbox.pages import page_of
from sandbox.stack import Check, Stack, answers, tryton_answers
from sandbox.systems import kantata, salesforce


@dataclass(frozen=True)
class Running:
    """`check` raises Failed when a process of ours has ended, KeyboardInterrupt when we were asked to stop.

    `stays`: it ran before and keeps running.
    """

    home: Home
    application: Application
    addresses: Addresses
    check: Check
    stays: bool

    def page(self, opportunity_id: UUID) -> str:
        """The address of a deal's page."""
        return page_of(self.addresses, opportunity_id)


@contextmanager
def running(home: Home, check_stop: Check, first_port: int | None) -> Iterator[Running]:
    """Use the running product, or start one and end it again. Raises Failed, EmbeddedServersError."""
    known = home.addresses()
    if known and _all_answer(home, known):
        with connected() as application:
            yield Running(home, application, known, check_stop, stays=True)
        return
    with Stack(home, click.echo, _LogFiles(home), check_stop, first_port) as stack:
        yield Running(home, stack.application, stack.addresses, stack.check, stays=False)
        click.echo("Ending every process that was started ...")


def _all_answer(home: Home, addresses: Addresses) -> bool:
    """Whether every system of the set that runs here answers. Raises WrongNeighbour when another stack has
    taken one of its addresses."""
    found = None if names_servers() else local_set.find(home.root)
    return (
        found is not None
        and found.base_url == addresses.web
        and answers(f"{addresses.web}/health/ready")
        and tryton_answers(addresses.tryton, home.key(TRYTON_REST_KEY))
        and salesforce(home, addresses).is_ready()
        and kantata(home, addresses).is_ready()
    )


@dataclass(frozen=True)
class _LogFiles:
    """Writes the lines of each process into a file of its own."""

    home: Home

    def __call__(self, name: str, line: str) -> None:
        path = self.home.log(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"{line}\n")
