"""`seed`: the demo firm's connections, people and reference data."""

from __future__ import annotations

import click

from adapters.cli.connect import connected
from sandbox.foreign_database import only_if_meant
from sandbox.home import Home
from sandbox.systems import PREFERRED_PORTS, addresses_on, install_demo_firm


@click.command()
@only_if_meant
def seed() -> None:
    """Install the demo firm; harmless to repeat. Passwords of its people are kept in .oppsync/passwords."""
    home = Home.here()
    with connected() as application:
        install_demo_firm(application, home, home.addresses() or addresses_on(PREFERRED_PORTS))
    click.echo(f"The demo firm is installed; its people's passwords are in {home.root / 'passwords'}.")
