"""`python -m sandbox`: the product with everything it needs on one machine, to try it and to work on it."""

from __future__ import annotations

import click

from adapters.cli.commands import CODES_HELP, Commands, Failed
from sandbox.demo.command import demo
from sandbox.embedded import EmbeddedServersError
from sandbox.migrations import check_migrations
from sandbox.seed import seed
from sandbox.standins.control import WrongNeighbour
from sandbox.up import up


class SandboxCommands(Commands):
    """Print the errors of the embedded servers, and those about servers of another stack, as one sentence
    too."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (EmbeddedServersError, WrongNeighbour) as error:
            raise Failed(str(error)) from None


@click.group(cls=SandboxCommands, epilog=CODES_HELP, context_settings={"help_option_names": ["-h", "--help"]})
def sandbox() -> None:
    """oppsync on one machine, with a demo firm, a real ERP and stand-ins for CRM and PSA."""


for command in (up, demo, seed, check_migrations):
    sandbox.add_command(command)

if __name__ == "__main__":
    sandbox(prog_name="python -m sandbox")
