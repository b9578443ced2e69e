"""`approval`: what waits for a decision; comment, take one's own approval back, put it to colleagues."""

from __future__ import annotations

from uuid import UUID

import click

from adapters.bootstrap import Application
from adapters.cli.acting import acting_person
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from oppsync.domain.approval.tasks import TaskStatus
from oppsync.services.admin.people import person_of
from oppsync.services.approvals.commands import CommentApproval, ReassignApproval, WithdrawApproval

_task = click.argument("task_id", metavar="APPROVAL", type=click.UUID)
MOST = 100


@click.group("approval", help="Approvals: list them; as the person of the token in OPPSYNC_TOKEN, act on them.")
def approval() -> None:
    pass


@approval.command("list")
@json_option
def list_open(as_json: bool) -> None:
    """List the approvals that wait, oldest first, with whom they were put to."""
    with connected() as application:
        found = application.queries.approvals(application.tenant_id, status=TaskStatus.OPEN, limit=MOST)
        with application.uow.reading() as uow:
            names = {each.id: each.email for each in uow.people.everyone(application.tenant_id)}
    if as_json:
        print_json([each.model_dump(mode="json") for each in found.rows])
    elif not found.rows:
        click.echo("No approval waits.")
    else:
        rows = [
            (
                each.task.id,
                each.opportunity_name,
                each.account,
                each.task.seat.words,
                each.task.opened_at,
                ", ".join(names[person] for person in each.task.candidates),
            )
            for each in found.rows
        ]
        print_table(("approval", "deal", "account", "for", "since", "asked"), rows)


@approval.command("comment")
@_task
@click.argument("text")
def comment(task_id: UUID, text: str) -> None:
    """Say TEXT about the plan; whoever decides is shown it."""
    with connected() as application:
        me = acting_person(application)
        application.dispatch(CommentApproval(application.tenant_id, task_id, me, text))
    say("The comment is on the approval and on the deal's timeline.")


@approval.command("withdraw")
@_task
@click.option("--reason", required=True, help="Kept on the timeline.")
def withdraw(task_id: UUID, reason: str) -> None:
    """Take your own approval back, until creation begins; it is asked anew."""
    with connected() as application:
        me = acting_person(application)
        application.dispatch(WithdrawApproval(application.tenant_id, task_id, me, reason))
    say("The approval is taken back, and asked anew.")


@approval.command("reassign")
@_task
@click.option("--to", "to", multiple=True, required=True, help="E-mail address; several times for several.")
@click.option("--comment", default="", help="Why; kept on the timeline.")
def reassign(task_id: UUID, to: tuple[str, ...], comment: str) -> None:
    """Put an open approval to colleagues who may decide it. They are told."""
    with connected() as application:
        me = acting_person(application)
        ids = tuple(_id_of(application, email) for email in to)
        application.dispatch(ReassignApproval(application.tenant_id, task_id, me, ids, comment))
    say(f"Put to {', '.join(to)}.")


def _id_of(application: Application, email: str) -> UUID:
    with application.uow.reading() as uow:
        return person_of(uow, application.tenant_id, email).id
