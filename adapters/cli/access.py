"""`access`: roles that two administrators have to agree to, once the firm is live."""

from __future__ import annotations

from uuid import UUID

import click

from adapters.cli.acting import acting_person
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from adapters.cli.role_option import ROLE, ROLE_HELP, as_written, together
from oppsync.domain.values.limits import Granted
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.services.admin.commands import DecideAccess, ProposeAccess

_proposal = click.argument("proposal_id", metavar="PROPOSAL", type=click.UUID)


@click.group("access", help="Approvers' and administrators' roles of a live firm: two administrators agree.")
def access() -> None:
    pass


@access.command("propose")
@click.option("--email", required=True, help="Whose roles.")
@click.option("--name", default="", help="Name that others see, to invite somebody; without it they are here.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=ROLE,
    help="Every role that the person is to have. " + ROLE_HELP,
)
def propose(email: str, name: str, roles: tuple[Granted, ...]) -> None:
    """Propose roles for a person, as the administrator of the token in OPPSYNC_TOKEN. Another one agrees."""
    change = AccessChange.INVITE if name else AccessChange.SET_ROLES
    with connected() as application:
        person_id = acting_person(application)
        wanted = together(roles)
        command = ProposeAccess(
            application.tenant_id, person_id, change, email, wanted.roles, name, wanted.limits
        )
        proposal_id = application.dispatch(command)
    say(f"Proposed as {proposal_id}: another administrator has to agree.")


@access.command("list")
@json_option
def list_proposals(as_json: bool) -> None:
    """List what waits for another administrator."""
    with connected() as application, application.uow.reading() as uow:
        found = uow.access_proposals.open(application.tenant_id)
        names = {each.id: each.email for each in uow.people.everyone(application.tenant_id)}
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
    elif not found:
        click.echo("Nothing is proposed.")
    else:
        rows = [
            (
                each.id,
                each.email,
                as_written(sorted(each.roles), each.limits),
                names[each.proposed_by],
                each.proposed_at,
            )
            for each in found
        ]
        print_table(("proposal", "whose", "roles", "proposed by", "at"), rows)


@access.command("agree")
@_proposal
def agree(proposal_id: UUID) -> None:
    """Agree, as the administrator of the token in OPPSYNC_TOKEN, who is not the one who proposed it.

    It is done at once. Password, sessions and API tokens that the person had end; the one-time link is mailed
    to them alone, and printed nowhere."""
    with connected() as application:
        person_id = acting_person(application)
        command = DecideAccess(application.tenant_id, person_id, proposal_id, approve=True)
        made = application.dispatch(command)
    say(f"Agreed, and done. {made.note if made else ''}".rstrip())


@access.command("reject")
@_proposal
@click.option("--comment", required=True, help="Why, for whoever proposed it.")
def reject(proposal_id: UUID, comment: str) -> None:
    """Reject a proposal, or take back one's own."""
    with connected() as application:
        person_id = acting_person(application)
        command = DecideAccess(application.tenant_id, person_id, proposal_id, approve=False, comment=comment)
        application.dispatch(command)
    say("The proposal is rejected.")
