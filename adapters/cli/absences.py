"""`absence`: who is out of office, and who decides meanwhile."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click

from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.services.approvals.commands import EndAbsence, EnterAbsence, SetCalendar

_DAY = click.DateTime(["%Y-%m-%d"])
_email = click.option("--email", required=True, help="Whose.")


@click.group("absence", help="Who is out of office, and who decides for them meanwhile.")
def absence() -> None:
    pass


@absence.command("add")
@_email
@click.option("--from", "first", type=_DAY, required=True, help="First day, where the firm is.")
@click.option("--until", "last", type=_DAY, required=True, help="Last day.")
@click.option("--delegate", help="E-mail address of an approver who may decide meanwhile what the person may.")
@click.option("--yes", is_flag=True, help="Also with a delegate who may not decide deals that wait.")
def add(email: str, first: datetime, last: datetime, delegate: str | None, yes: bool) -> None:
    """Enter an absence. The person is not asked to approve meanwhile, unless nobody else may decide.

    Where the person has a part in deals that wait, such as owning them, the delegate may not decide these
    meanwhile: it says how many, and enters nothing without --yes.
    """
    with connected() as application:
        command = EnterAbsence(
            application.tenant_id, COMMAND_LINE, first.date(), last.date(), delegate, email, confirmed=yes
        )
        absence_id = application.dispatch(command)
    say(f"Entered as {absence_id}.")


@absence.command("list")
@json_option
def list_absences(as_json: bool) -> None:
    """List the absences that are not over."""
    with connected() as application, application.uow.reading() as uow:
        emails = {each.id: each.email for each in uow.people.everyone(application.tenant_id)}
        known = uow.absences.all(application.tenant_id)
    if as_json:
        print_json([each.model_dump(mode="json") for each in known.coming()])
    elif not known.coming():
        click.echo("Nobody is out of office, nor will be.")
    else:
        rows = [
            (
                each.id,
                emails[each.person_id],
                each.begins_at,
                each.until,
                emails[each.delegate_id] if each.delegate_id else "",
                "yes" if each.covers(known.now) else "",
            )
            for each in known.coming()
        ]
        print_table(("absence", "who", "from", "until", "decides meanwhile", "now"), rows)


@absence.command("end")
@click.argument("absence_id", metavar="ABSENCE", type=click.UUID)
def end(absence_id: UUID) -> None:
    """End an absence now, or before it begins."""
    with connected() as application:
        application.dispatch(EndAbsence(application.tenant_id, COMMAND_LINE, absence_id))
    say("The absence is ended.")


@absence.command("calendar")
@_email
@click.option("--calendar", help="Code of a calendar of the configuration. [default: the legal entity's]")
def calendar(email: str, calendar: str | None) -> None:
    """Choose the calendar that a person works by."""
    with connected() as application:
        application.dispatch(SetCalendar(application.tenant_id, COMMAND_LINE, calendar, email))
    say(f"{email} works by {calendar or 'the calendar of the legal entity'}.")
