"""`up`: run the whole product until it is stopped, with the data of the last time."""

from __future__ import annotations

from collections.abc import Sequence

import click

from adapters.operations.supervisor import print_line
from sandbox.embedded.tryton import firm
from sandbox.firm.install import PEOPLE
from sandbox.foreign_database import only_if_meant
from sandbox.home import Addresses, Home
from sandbox.options import first_port_option
from sandbox.pages import latest_projects
from sandbox.stack import Stack, stop_check


@click.command()
@first_port_option
@only_if_meant
def up(first_port: int | None) -> None:
    """Run everything on this machine until Ctrl-C: servers, ERP, CRM, PSA, web, worker, relay."""
    home = Home.here()
    try:
        with stop_check() as check_stop, Stack(home, click.echo, print_line, check_stop, first_port) as stack:
            click.echo(
                "\n".join(
                    [
                        "",
                        *where_to_look(home, stack.addresses),
                        *latest_projects(stack.application, stack.addresses),
                        "",
                        "Ctrl-C ends it; the data stays.",
                        "",
                    ]
                )
            )
            stack.wait()
    except KeyboardInterrupt:
        click.echo("Stopped. `make up` comes back with the same data.")


def where_to_look(home: Home, addresses: Addresses) -> Sequence[str]:
    """The addresses, and the people's sign-ins."""
    passwords = home.passwords(person.email for person in PEOPLE)
    width = max(len(person.email) for person in PEOPLE)
    people = [
        f"  {person.email:<{width}}  {passwords[person.email]}  "
        f"{', '.join(sorted(role.replace('_', ' ') for role in person.roles))}"
        for person in PEOPLE
    ]
    tryton = (
        f"{addresses.tryton.removeprefix('http://')}, database {firm.DATABASE}, in Tryton's own client; "
        f"user {firm.DEVELOPMENT_ADMIN_LOGIN}, password {firm.DEVELOPMENT_ADMIN_PASSWORD}"
    )
    return (
        f"Pages        {addresses.web}",
        *people,
        f"API          {addresses.web}/api/v1/docs",
        f"ERP (Tryton) {tryton}",
        f"CRM, PSA     {addresses.salesforce} and {addresses.kantata} (stand-ins)",
        f"Mail         {home.mail}",
    )
