"""`init`, `try-deal`, `go-live`: set an installation up, step by step."""

from __future__ import annotations

import sys

import click

from adapters.bootstrap import Application
from adapters.cli.acting import acting_person
from adapters.cli.commands import FAILED, Failed
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from adapters.cli.plans import print_preview
from oppsync.domain.reading.set_up import SetUp, SetUpFacts, StepShown, set_up
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import require
from oppsync.domain.values.roles import PersonRole
from oppsync.services.admin.commands import InvitePerson, ResetPerson
from oppsync.services.set_up.commands import GoLive, NameFirm, TryDeal

# What one person needs to set an installation up alone.
FIRST_ROLES = frozenset({PersonRole.ADMIN, PersonRole.INTEGRATION_ADMIN, PersonRole.OPERATIONS})


@click.command()
@click.option("--name", help="The firm's name.")
@click.option("--zone", help="The firm's time zone, such as Europe/Berlin.")
@click.option("--admin-email", help="E-mail address of the first administrator.")
@click.option("--admin-name", help="Name of the first administrator, which others see.")
@json_option
def init(
    name: str | None, zone: str | None, admin_email: str | None, admin_name: str | None, as_json: bool
) -> None:
    """Set this installation up: the firm's name and zone, the first administrator; then list what is left.

    Asks for what is missing; without a terminal, options say it. Run it again to go on where you left.
    The administrator's one-time link is shown once; run again with the same --admin-email it makes a new one,
    until their password is set.
    """
    with connected() as application:
        facts = _facts(application)
        asks = sys.stdin.isatty() and not as_json
        if asks and facts.tenant.time_zone is None:
            name = name or click.prompt("The firm's name")
            zone = zone or click.prompt("Its time zone, such as Europe/Berlin")
        if asks and not (facts.admins or _invited_admins(facts)):
            admin_email = admin_email or click.prompt("E-mail address of the first administrator")
            admin_name = admin_name or click.prompt("Name of the first administrator")
        if name or zone:
            _name_firm(application, facts, name, zone)
        link = _first_admin(application, facts, admin_email, admin_name) if admin_email else None
        shown = set_up(_facts(application))
        address = application.settings.base_url.rstrip("/")
    if as_json:
        print_json({**shown.model_dump(mode="json"), "link": link})
        return
    if link is not None:
        say(f"The one-time link of {admin_email}, shown this once. It sets a password, within seven days:")
        say(f"  {link}\n")
    _print(shown, address)


@click.command("try-deal")
@click.argument("record", metavar="CRM-ID")
@json_option
def try_deal(record: str, as_json: bool) -> None:
    """Read a deal of yours from the CRM, and show what it would become. Nothing is written outside.

    As `plan preview`; the set-up remembers whether it would become a plan. Exit code 1 when it would not.
    """
    with connected() as application:
        shown = application.dispatch(TryDeal(application.tenant_id, COMMAND_LINE, record))
    if as_json:
        print_json(shown.model_dump(mode="json", by_alias=True))
    else:
        print_preview(shown)
    if shown.is_blocked or shown.plan is None:
        sys.exit(FAILED)


@click.command("go-live")
@click.option("--second", required=True, metavar="EMAIL", help="Another administrator, who can sign in.")
@click.option("--yes", is_flag=True, help="Do not ask whether you are sure.")
def go_live(second: str, yes: bool) -> None:
    """Go live: from now on two people have to agree to what moves money, changes who approves or administers.

    Acts as the administrator of the API token in OPPSYNC_TOKEN, which is asked for otherwise. It cannot be
    taken back.
    """
    with connected() as application:
        person_id = acting_person(application)
        for step in set_up(_facts(application)).missing:
            if step.key != "live":
                say(f"Still missing: {step.title}. {step.found}")
        if not yes and not (sys.stdin.isatty() and click.confirm("Go live now?")):
            raise Failed("Not live. Confirm it in a terminal, or with --yes.")
        application.dispatch(GoLive(application.tenant_id, person_id, second))
    say(f"Live from now on, with {second} as the second administrator.")


def _facts(application: Application) -> SetUpFacts:
    return application.queries.set_up_facts(application.tenant_id)


def _invited_admins(facts: SetUpFacts) -> bool:
    return any(PersonRole.ADMIN in each.roles for each in facts.invited)


def _name_firm(application: Application, facts: SetUpFacts, name: str | None, zone: str | None) -> None:
    tenant = facts.tenant
    if tenant.time_zone is None and not (name and zone):
        raise Failed("Give both --name and --zone.")
    named = NameFirm(application.tenant_id, COMMAND_LINE, name or tenant.name, zone or tenant.time_zone or "")
    application.dispatch(named)


def _first_admin(application: Application, facts: SetUpFacts, email: str, name: str | None) -> str | None:
    """The one-time link; None for an administrator who has a password already."""
    wanted = email.strip().lower()
    if any(each.email == wanted for each in facts.admins):
        return None
    if facts.admins:
        raise Failed(
            f"{facts.admins[0].email} administers already: invite others on the page People, or with "
            "`oppsync user invite`."
        )
    if any(each.email == wanted for each in facts.invited):
        secret = application.dispatch(ResetPerson(application.tenant_id, COMMAND_LINE, wanted))
        return application.link(require(secret, "a link that the command line is shown"))
    if not name:
        raise Failed("Give --admin-name too: the name that others see.")
    invite = InvitePerson(application.tenant_id, COMMAND_LINE, email.strip(), name, FIRST_ROLES)
    made = application.dispatch(invite)
    return application.link(require(made.secret, "a link that the command line is shown"))


def _print(shown: SetUp, address: str) -> None:
    firm = f"{shown.name}, {shown.time_zone}" if shown.time_zone else "This installation"
    say(f"{firm}: {_left(shown)}\n")
    rows = [(_mark(step), step.title, step.found) for step in shown.steps]
    print_table(("", "step", "what was found"), rows)
    say("")
    print_table(("step", "guide"), [(step.title, f"{address}{step.guide_page}") for step in shown.steps])
    if shown.missing:
        step = shown.missing[0]
        say(f"\nNext: {step.title}. {step.why}")
        say(f"  in a shell    {step.command}")
        if step.page is not None:
            say(f"  in a browser  {address}{step.page}")
        say(f"  guide         {address}{step.guide_page}")
        say(f"\nThe same list: {address}/set-up")


def _left(shown: SetUp) -> str:
    if not shown.missing:
        return "everything is set up."
    left = len(shown.missing)
    return "1 step is left." if left == 1 else f"{left} steps are left."


def _mark(step: StepShown) -> str:
    if step.is_done:
        return "done"
    return "optional" if step.is_optional else "missing"
