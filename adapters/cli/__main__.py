"""`oppsync`: the command line; `python -m adapters.cli` where the project itself is not installed."""

from __future__ import annotations

import click

from adapters.cli.absences import absence
from adapters.cli.access import access
from adapters.cli.approval_rules import approval_rule
from adapters.cli.approvals import approval
from adapters.cli.commands import CODES_HELP, Commands
from adapters.cli.configuration import config
from adapters.cli.configuration_begin import begin
from adapters.cli.connections import connection
from adapters.cli.crm import crm
from adapters.cli.database import database
from adapters.cli.doctor import doctor
from adapters.cli.exceptions import exceptions
from adapters.cli.mirror import mirror
from adapters.cli.opportunities import opportunity
from adapters.cli.people import token, user
from adapters.cli.plans import plan
from adapters.cli.policy import policy
from adapters.cli.reconcile import reconcile
from adapters.cli.replay import replay
from adapters.cli.security import security
from adapters.cli.set_up import go_live, init, try_deal
from oppsync import __version__


@click.group(cls=Commands, epilog=CODES_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="oppsync")
def oppsync() -> None:
    """A won opportunity becomes approved projects with their billing in the ERP."""


config.add_command(begin)
for command in (
    init, try_deal, go_live, doctor, database, crm, opportunity, plan, exceptions, replay, reconcile, config,
    policy, approval, approval_rule, absence, user, access, token, connection, mirror, security,
):  # fmt: skip
    oppsync.add_command(command)

if __name__ == "__main__":
    oppsync(prog_name="python -m adapters.cli")
