"""`user` and `token`: people who sign in, and tokens that act for them in the API."""

from __future__ import annotations

import sys
from datetime import timedelta

import click

from adapters.cli.commands import Failed
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from adapters.cli.role_option import ROLE, ROLE_HELP, as_written, known_roles, together, with_and_without
from oppsync.domain.reading.readings import PersonSummary
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.limits import Granted
from oppsync.domain.values.model import require
from oppsync.domain.values.scopes import LONGEST_TOKEN, READS_ONLY, TOKEN_LASTS, Scope, scopes_in_words
from oppsync.services.admin.commands import (
    CreatePerson,
    CreateToken,
    DeactivatePerson,
    EndSessions,
    IdentifyPerson,
    InvitePerson,
    ResetPerson,
    ResetSecondFactor,
    RevokeToken,
    SetPassword,
    SetRoles,
)
from oppsync.services.admin.people import person_of

_email = click.option("--email", required=True, help="What the person signs in with.")
_roles = click.option(
    "--role",
    "roles",
    multiple=True,
    type=ROLE,
    help=ROLE_HELP,
)
_further_email = click.option(
    "--further-email",
    "further_emails",
    multiple=True,
    help="Another address that the CRM knows the person by; may be given several times.",
)
_crm_user_id = click.option(
    "--crm-user-id",
    "crm_user_ids",
    multiple=True,
    help="The person's id as a user of the CRM; may be given several times.",
)


@click.group("user", help="People who sign in.")
def user() -> None:
    pass


@click.group("token", help="API tokens, each acting as a person.")
def token() -> None:
    pass


@user.command("invite")
@click.option("--email", required=True, help="E-mail address to sign in with.")
@click.option("--name", required=True, help="Name that others see.")
@_roles
@json_option
def invite(email: str, name: str, roles: tuple[Granted, ...], as_json: bool) -> None:
    """Invite a person, or somebody deactivated anew. Prints a one-time link, by which they set their password.

    It is good for seven days, once, and is shown only now: hand it to nobody else.
    """
    with connected() as application:
        wanted = together(roles)
        command = InvitePerson(application.tenant_id, COMMAND_LINE, email, name, wanted.roles, wanted.limits)
        secret = require(application.dispatch(command).secret, "a link that the command line is shown")
        _print_link(email, application.link(secret), as_json=as_json)


@user.command("reset")
@_email
@json_option
def reset(email: str, as_json: bool) -> None:
    """End a person's password, sessions and API tokens. Prints a one-time link, by which they set a new one."""
    with connected() as application:
        command = ResetPerson(application.tenant_id, COMMAND_LINE, email)
        secret = require(application.dispatch(command), "a link that the command line is shown")
        _print_link(email, application.link(secret), as_json=as_json)


@user.command("list")
@json_option
def list_people(as_json: bool) -> None:
    """List everybody there ever was, with roles and open sessions."""
    with connected() as application:
        people = application.queries.people(application.tenant_id)
    if as_json:
        print_json([each.model_dump(mode="json") for each in people])
    elif not people:
        click.echo("Nobody is here yet: oppsync user invite")
    else:
        rows = [
            (
                each.email,
                each.name,
                as_written(each.roles, each.limits),
                _standing(each),
                each.sessions,
                "yes" if each.second_factor else "",
            )
            for each in people
        ]
        print_table(("e-mail", "name", "roles", "standing", "sessions", "second factor"), rows)


@user.command("create")
@click.option("--email", required=True, help="E-mail address to sign in with.")
@click.option("--name", required=True, help="Name that others see.")
@_roles
@_further_email
@_crm_user_id
@json_option
def create_user(
    email: str, name: str, roles: tuple[Granted, ...], as_json: bool, **known_by: tuple[str, ...]
) -> None:
    """Add a person. The password is asked for, or is the first line of standard input."""
    wanted = together(roles)
    with connected() as application:
        command = CreatePerson(
            tenant_id=application.tenant_id,
            actor=COMMAND_LINE,
            email=email,
            name=name,
            password=_password(),
            roles=wanted.roles,
            limits=wanted.limits,
            **known_by,
        )
        person_id = application.dispatch(command)
    if as_json:
        print_json({"id": str(person_id), "email": email.lower(), "roles": sorted(wanted.roles)})
    else:
        click.echo(f"{name} can sign in as {email.lower()}.")


@user.command("identify")
@_email
@_further_email
@_crm_user_id
@json_option
def identify_user(
    email: str, further_emails: tuple[str, ...], crm_user_ids: tuple[str, ...], as_json: bool
) -> None:
    """Set the other addresses and user ids by which the CRM knows a person. Replaces earlier ones.

    Nobody approves a deal that they own, owned or requested, whichever of these the CRM names. None of them
    opens anything: people sign in with --email, and are written to there.
    """
    with connected() as application:
        application.dispatch(
            IdentifyPerson(application.tenant_id, COMMAND_LINE, email, further_emails, crm_user_ids)
        )
    if as_json:
        print_json(
            {
                "email": email.lower(),
                "further_emails": list(further_emails),
                "crm_user_ids": list(crm_user_ids),
            }
        )
    else:
        known_by = ", ".join((*further_emails, *crm_user_ids)) or "no other address and no user of the CRM"
        click.echo(f"{email.lower()} is known by {known_by}.")


@user.command("roles")
@_email
@_roles
@click.option(
    "--add", multiple=True, type=ROLE, help="A further role, or one they have with another limit; repeatable."
)
@click.option(
    "--remove", multiple=True, metavar="ROLE", callback=known_roles, help="A role to take away; repeatable."
)
def set_roles(
    email: str, roles: tuple[Granted, ...], add: tuple[Granted, ...], remove: tuple[str, ...]
) -> None:
    """Give roles and take some away, or replace them all. Ends the person's sessions, and with a role more, or
    a wider one, their API tokens.

    An approver's or administrator's role of a live firm, which the command line gives only while fewer than two
    administrators can sign in, ends their password too: the one-time link is printed.

    With --add or --remove the other roles stay; with --role those named are all, and without any there is none
    left.
    """
    if roles and (add or remove):
        raise click.UsageError("--role names all roles: use it without --add and --remove.")
    with connected() as application:
        now = together(roles)
        if add or remove:
            with application.uow.reading() as uow:
                before = person_of(uow, application.tenant_id, email).granted
            now = with_and_without(before, add, remove)
        made = application.dispatch(SetRoles(application.tenant_id, COMMAND_LINE, email, now.roles, now.limits))
        link = application.link(made.secret) if made and made.secret else ""
    words = as_written(sorted(now.roles), now.limits)
    click.echo(f"{email.lower()} is now {words or 'without a role'}.")
    if link:
        click.echo("Password, sessions and API tokens are ended. The one-time link, for nobody else:")
        click.echo(link)


@user.command("password")
@_email
def set_password(email: str) -> None:
    """Give a person a new password: asked for, or the first line of standard input. Ends their sessions and API
    tokens."""
    with connected() as application:
        application.dispatch(SetPassword(application.tenant_id, COMMAND_LINE, email, _password()))
    click.echo(f"{email.lower()} has a new password; sessions and API tokens are ended.")


@user.command("sign-out")
@_email
def sign_out(email: str) -> None:
    """Sign a person out everywhere."""
    with connected() as application:
        ended = application.dispatch(EndSessions(application.tenant_id, COMMAND_LINE, email))
    click.echo(f"{email.lower()} is signed out everywhere; {ended} sessions ended.")


@user.command("reset-second-factor")
@_email
def reset_second_factor(email: str) -> None:
    """For a person who lost phone and codes: the password alone signs in again. Ends their sessions and
    API tokens."""
    with connected() as application:
        application.dispatch(ResetSecondFactor(application.tenant_id, COMMAND_LINE, email))
    click.echo(f"{email.lower()} signs in without a second factor.")


@user.command("deactivate")
@_email
def deactivate(email: str) -> None:
    """End an access: sessions and tokens end now, open approvals go to others.

    `user invite` brings the person back.
    """
    with connected() as application:
        application.dispatch(DeactivatePerson(application.tenant_id, COMMAND_LINE, email))
    click.echo(f"{email.lower()} is deactivated.")


@token.command("list")
@json_option
def list_tokens(as_json: bool) -> None:
    """List the API tokens in use, with the person each acts as."""
    with connected() as application:
        tokens = application.queries.tokens(application.tenant_id)
    if as_json:
        print_json([each.model_dump(mode="json") for each in tokens])
    elif not tokens:
        click.echo("No API token is in use.")
    else:
        heads = ("name", "acts as", "scopes", "since", "ends", "last used")
        print_table(
            heads,
            [
                (
                    each.name,
                    each.email,
                    scopes_in_words(each.scopes),
                    each.created_at,
                    each.expires_at or "never",
                    each.last_used_at or "",
                )
                for each in tokens
            ],
        )


@token.command("revoke")
@click.option("--name", required=True, help="The token's name.")
def revoke_token(name: str) -> None:
    """Revoke an API token."""
    with connected() as application:
        application.dispatch(RevokeToken(application.tenant_id, COMMAND_LINE, name))
    click.echo(f"The token {name} opens nothing any more.")


@token.command("create")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--email", required=True, help="The person it acts as.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may do besides reading, within the person's roles; repeatable.",
)
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_TOKEN.days),
    default=TOKEN_LASTS.days,
    show_default=True,
    help="How long it lasts.",
)
@json_option
def create_token(name: str, email: str, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make an API token. It is shown only once. Without --scope it only reads."""
    wanted, lasts = frozenset(Scope(scope) for scope in scopes), timedelta(days=days)
    with connected() as application:
        command = CreateToken(application.tenant_id, COMMAND_LINE, name, email, wanted, lasts)
        secret = application.dispatch(command)
    if as_json:
        scopes = tuple(sorted(wanted | READS_ONLY))
        print_json({"name": name, "email": email, "scopes": scopes, "days": days, "token": secret})
    else:
        click.echo(secret)


def _print_link(email: str, link: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"email": email.lower(), "link": link})
    else:
        say(link)


def _standing(person: PersonSummary) -> str:
    if not person.is_active:
        return "deactivated"
    if person.link_until:
        return f"link until {person.link_until:%Y-%m-%d}"
    return "active" if person.has_password else "no password"


def _password() -> str:
    """Never an argument, since everybody on the machine can read those."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Failed("Give the password on standard input, or run this in a terminal to be asked for it.")
    return password
