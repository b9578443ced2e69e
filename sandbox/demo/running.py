"""The product the demo works with: the one that `up` runs here already, else one of its own."""

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
    """`check` raises Failed when a process of ours has ended, KeyboardInterrupt when we were told to stop.

    `stays`: it was there before and is left alone.
    """

    home: Home
    application: Application
    addresses: Addresses
    check: Check
    stays: bool

    def page(self, opportunity_id: UUID) -> str:
        """Where a deal is looked at."""
        return page_of(self.addresses, opportunity_id)


@contextmanager
def running(home: Home, told: Check, first_port: int | None) -> Iterator[Running]:
    """Ends what it started; what it found it leaves alone. Raises Failed, EmbeddedServersError."""
    known = home.addresses()
    if known and _all_answer(home, known):
        with connected() as application:
            yield Running(home, application, known, told, stays=True)
        return
    with Stack(home, click.echo, _LogFiles(home), told, first_port) as stack:
        yield Running(home, stack.application, stack.addresses, stack.check, stays=False)
        click.echo("Ending every process that was started ...")


def _all_answer(home: Home, addresses: Addresses) -> bool:
    """Of the set that runs here now. Raises WrongNeighbour when another one has taken an address of it."""
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
    """Takes the lines of the processes, each into its own file."""

    home: Home

    def __call__(self, name: str, line: str) -> None:
        path = self.home.log(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"{line}\n")
