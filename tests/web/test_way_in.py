"""Who gets an approver's or administrator's role of a live firm is the only one who can come in by it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from flask import Flask

from adapters.bootstrap import Application, build
from adapters.cli.__main__ import oppsync
from adapters.identity.local import Argon2Passwords
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.limits import NO_LIMITS, Limits, RoleLimit
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.access_proposals import AccessChange, AccessStatus
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Forbidden
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import (
    AcceptInvitation,
    ChangePassword,
    CreatePerson,
    CreateToken,
    DeactivatePerson,
    DecideAccess,
    InvitePerson,
    ProposeAccess,
    ResetPerson,
    ResetSecondFactor,
    SetPassword,
    SetRoles,
    SignIn,
)
from oppsync.services.admin.secret_hash import hash_secret
from tests.harness.builders import TENANT
from tests.harness.mail import MailServer, mail_server
from tests.harness.waiting import somebody_waits, until
from tests.web.browser import Browser
from tests.web.office import PASSWORD, Office, email
from tests.web.test_api import Client
from tests.web.test_configuration_api import go_live
from tests.web.test_second_factor import set_up
from web.app import create_app

NEW_PASSWORD = "seven quiet lanterns hum"
FINANCE = frozenset({PersonRole.FINANCE_APPROVER})
ADMIN = frozenset({PersonRole.ADMIN})
OPERATIONS = frozenset({PersonRole.OPERATIONS})


@pytest.fixture
def admins(office: Office) -> Office:
    """Ada and Ben administer."""
    office.hire("ada", PersonRole.ADMIN)
    office.hire("ben", PersonRole.ADMIN)
    return office


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def mailing(settings: Settings, server: MailServer) -> Iterator[Application]:
    application = build(changed(settings, smtp_url=server.url))
    yield application
    application.close()


@pytest.fixture
def site(mailing: Application) -> Flask:
    return create_app(mailing)


def environment_of(application: Application) -> dict[str, str]:
    """Of a command line of the same installation."""
    settings = application.settings
    return {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "OPPSYNC_SMTP_URL": settings.smtp_url.get_secret_value() if settings.smtp_url else "",
    }


def propose(office: Office, change: AccessChange, name: str, roles: frozenset[PersonRole]) -> UUID:
    """By Ada."""
    called = name.capitalize() if change is AccessChange.INVITE else ""
    wanted = ProposeAccess(TENANT, office.ids["ada"], change, email(name), roles, called)
    return office.application.dispatch(wanted)


def agreed(application: Application, office: Office, proposal: UUID) -> str:
    """By Ben."""
    made = application.dispatch(DecideAccess(TENANT, office.ids["ben"], proposal, approve=True))
    return made.note if made else ""


def links(server: MailServer) -> list[tuple[str, str]]:
    """To whom each one-time link was mailed, and its secret."""
    found = []
    for mail in server.mails:
        link = re.search(r"/invitation\?key=([\w-]+)", mail.get_content())
        if link is not None:
            found.append((str(mail["To"]), link[1]))
    return found


def signs_in(site: Flask, name: str, password: str = PASSWORD) -> bool:
    return Browser(site).sign_in(name, password=password).status == 303


def summaries(office: Office) -> list[str]:
    return [row.summary for row in office.application.queries.changes(TENANT, limit=100).rows]


def test_who_agrees_to_an_approver_on_the_page_sees_no_link_and_the_person_has_it_by_mail(
    admins: Office, site: Flask, server: MailServer
) -> None:
    go_live(admins)
    proposal = propose(admins, AccessChange.INVITE, "nora", FINANCE)
    ben = Browser(site)
    ben.sign_in("ben")

    done = ben.post("/people/proposals", proposal=str(proposal), action="agree")

    assert done.status == 200
    assert "The one-time link was mailed to nora@acme.example alone." in done.words
    ((to, secret),) = links(server)
    assert to == email("nora")
    assert "invitation" not in done.markup
    assert secret not in done.markup
    admins.application.dispatch(AcceptInvitation(secret, NEW_PASSWORD))
    assert signs_in(site, "nora", NEW_PASSWORD)


def test_nor_in_the_api_s_answer_nor_in_their_terminal(
    admins: Office, site: Flask, server: MailServer, mailing: Application
) -> None:
    go_live(admins)
    ben = admins.token("ben")
    first = propose(admins, AccessChange.INVITE, "nora", FINANCE)
    second = propose(admins, AccessChange.INVITE, "otto", ADMIN)

    answer = Client(site, ben).post(f"/people/proposals/{first}/agree")
    environment = {**environment_of(mailing), "OPPSYNC_TOKEN": ben}
    printed = CliRunner().invoke(oppsync, ["access", "agree", str(second)], env=environment)

    assert answer == {"link": None, "note": "The one-time link was mailed to nora@acme.example alone."}
    assert printed.output == ("Agreed, and done. The one-time link was mailed to otto@acme.example alone.\n")
    assert [to for to, _ in links(server)] == [email("nora"), email("otto")]


def test_who_was_reset_before_comes_in_by_nothing_that_the_administrator_kept(
    admins: Office, site: Flask, server: MailServer, mailing: Application
) -> None:
    """Ada resets Olga, who works exceptions, and keeps it all: password, session, token, and a further link."""
    go_live(admins)
    ada = admins.ids["ada"]
    link = mailing.dispatch(ResetPerson(TENANT, ada, email("olga")))
    mailing.dispatch(AcceptInvitation(str(link), NEW_PASSWORD))
    hers, token = Browser(site), admins.token("olga")
    assert hers.sign_in("olga", password=NEW_PASSWORD).status == 303
    proposal = propose(admins, AccessChange.SET_ROLES, "olga", OPERATIONS | FINANCE)

    assert agreed(mailing, admins, proposal) == "The one-time link was mailed to olga@acme.example alone."

    assert hers.get("/approvals").location == "/sign-in?next=/approvals"
    assert not signs_in(site, "olga", NEW_PASSWORD)
    assert mailing.token(token) is None
    to, secret = links(server)[-1]
    assert to == email("olga")
    body = server.mails[-1].get_content()
    assert (
        "You are now finance approver, operations, which ended your password, sessions and API tokens." in body
    )
    mailing.dispatch(AcceptInvitation(secret, "orchards in the rain"))
    assert signs_in(site, "olga", "orchards in the rain")
    assert admins.person("olga").roles == OPERATIONS | FINANCE


def test_a_link_that_was_made_before_the_role_opens_nothing_after_it(
    admins: Office, server: MailServer, mailing: Application
) -> None:
    go_live(admins)
    kept = mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("olga")))

    agreed(mailing, admins, propose(admins, AccessChange.SET_ROLES, "olga", FINANCE))

    assert mailing.invited(str(kept)) is None
    assert mailing.invited(links(server)[-1][1]) is not None


def test_an_approver_who_becomes_administrator_comes_in_anew(
    admins: Office, site: Flask, mailing: Application
) -> None:
    """Whoever set her up before going live may know her password, and would be two administrators."""
    go_live(admins)

    agreed(mailing, admins, propose(admins, AccessChange.SET_ROLES, "ana", FINANCE | ADMIN))

    assert not signs_in(site, "ana")


def test_a_wider_limit_of_a_role_that_somebody_has_leaves_the_password(
    admins: Office, site: Flask, server: MailServer, mailing: Application
) -> None:
    role = PersonRole.FINANCE_APPROVER
    german: Limits = (RoleLimit(role=role, entities=("ACME-DE",)),)
    admins.application.dispatch(SetRoles(TENANT, COMMAND_LINE, email("ana"), FINANCE, german))
    token = admins.token("ana")
    go_live(admins)

    assert agreed(mailing, admins, propose(admins, AccessChange.SET_ROLES, "ana", FINANCE)) == ""

    assert admins.person("ana").limits == NO_LIMITS
    assert signs_in(site, "ana")
    assert links(server) == []
    assert mailing.token(token) is None


def test_before_going_live_a_role_leaves_the_password_and_a_link_is_shown(
    admins: Office, site: Flask, mailing: Application
) -> None:
    ada = admins.ids["ada"]

    assert mailing.dispatch(SetRoles(TENANT, ada, email("olga"), FINANCE)) is None
    assert mailing.dispatch(InvitePerson(TENANT, ada, email("nora"), "Nora", FINANCE)).secret is not None

    assert signs_in(site, "olga")


def test_without_mail_the_role_is_given_nobody_has_a_link_and_the_answer_says_what_to_do(
    admins: Office, app: Flask, browser: Callable[[str], Browser]
) -> None:
    ben = browser("ben")
    go_live(admins)
    proposals = [
        propose(admins, AccessChange.SET_ROLES, "olga", FINANCE),
        propose(admins, AccessChange.INVITE, "nora", FINANCE),
    ]
    for proposal, name in zip(proposals, ("olga", "nora"), strict=True):
        done = ben.post("/people/proposals", proposal=str(proposal), action="agree")
        assert f"{name}@acme.example cannot sign in yet, because no mail server is set up" in done.words
        assert f"`oppsync user reset --email {name}@acme.example`" in done.words
        assert "invitation" not in done.markup
    assert not signs_in(app, "olga")
    hers = ben.get(f"/people/{admins.ids['olga']}")
    assert "Has no password yet, and no link to set one" in hers.words
    assert "oppsync user reset --email olga@acme.example" in hers.words
    assert 'value="reset"' not in hers.markup
    refused = ben.post(f"/people/{admins.ids['olga']}", action="reset")
    assert (refused.status, "oppsync user reset" in refused.words) == (403, True)
    assert "Your role may not" not in refused.words
    assert refused.title.startswith("Olga")

    secret = admins.application.dispatch(ResetPerson(TENANT, COMMAND_LINE, email("olga")))

    admins.application.dispatch(AcceptInvitation(str(secret), NEW_PASSWORD))
    assert signs_in(app, "olga", NEW_PASSWORD)
    reset = next(each for each in summaries(admins) if "was ended" in each)
    assert reset.startswith("The password of olga@acme.example was ended, with sessions and API tokens")


def test_a_link_that_is_not_taken_is_nobody_s_and_the_account_is_reset_again(
    admins: Office, server: MailServer, mailing: Application
) -> None:
    go_live(admins)
    server.refusals = {email("olga"): "550 nobody here"}
    proposal = propose(admins, AccessChange.SET_ROLES, "olga", FINANCE)

    assert "could not be mailed" in agreed(mailing, admins, proposal)

    assert admins.person("olga").roles == FINANCE
    with mailing.uow.reading() as uow:
        assert uow.access_proposals.open(TENANT) == []
    server.refusals = {}
    assert mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("olga"))) is None
    assert [to for to, _ in links(server)][-1] == email("olga")


def test_what_was_agreed_to_and_not_done_shows_no_link_to_who_does_it_then(
    admins: Office, site: Flask, mailing: Application
) -> None:
    """The machine stopped in between, and Ada does by hand what Ben agreed to."""
    go_live(admins)
    ada = admins.ids["ada"]
    invitation = propose(admins, AccessChange.INVITE, "nora", FINANCE)
    roles = propose(admins, AccessChange.SET_ROLES, "olga", FINANCE)
    with mailing.uow() as uow:
        for proposal in (invitation, roles):
            uow.access_proposals.decide(TENANT, proposal, AccessStatus.AGREED, admins.ids["ben"])
        uow.commit()
    with pytest.raises(Forbidden) as refused:
        mailing.dispatch(CreatePerson(TENANT, ada, email("nora"), "Nora", NEW_PASSWORD, FINANCE))
    assert refused.value.code == "ONLY_THE_PERSON"
    page = Browser(site)
    page.sign_in("ada")

    invited = page.post("/people", email=email("nora"), name="Nora", role="finance_approver")
    given = page.post(f"/people/{admins.ids['olga']}", action="set_roles", role="finance_approver")

    for shown, name in ((invited, "nora"), (given, "olga")):
        assert f"The one-time link was mailed to {name}@acme.example alone." in shown.words
        assert "/invitation" not in shown.markup


def test_the_command_line_that_makes_a_second_administrator_is_shown_the_link(
    admins: Office, site: Flask, mailing: Application
) -> None:
    go_live(admins)
    mailing.dispatch(DeactivatePerson(TENANT, COMMAND_LINE, email("ben")))

    arguments = ["user", "roles", "--email", email("olga"), "--add", "admin"]
    printed = CliRunner().invoke(oppsync, arguments, env=environment_of(mailing))

    assert not signs_in(site, "olga")
    key = printed.output.partition("/invitation?key=")[2].strip()
    mailing.dispatch(AcceptInvitation(key, NEW_PASSWORD))
    assert signs_in(site, "olga", NEW_PASSWORD)
    assert any(
        each.startswith("command-line alone makes olga@acme.example admin") for each in summaries(admins)
    )


RESETS: dict[str, Command[Any]] = {
    "a link": ResetPerson(TENANT, COMMAND_LINE, email("olga")),
    "a password": SetPassword(TENANT, COMMAND_LINE, email("olga"), NEW_PASSWORD),
    "no second factor": ResetSecondFactor(TENANT, COMMAND_LINE, email("olga")),
}


@pytest.mark.parametrize("way", RESETS)
def test_a_reset_ends_the_tokens_of_the_account_and_of_no_other(
    office: Office, browser: Callable[[str], Browser], way: str
) -> None:
    token, other = office.token("olga"), office.token("ana")
    set_up(office, browser("olga"))

    office.application.dispatch(RESETS[way])

    assert office.application.token(token) is None
    assert office.application.token(other) is not None


def test_who_changes_their_own_password_keeps_their_tokens(office: Office) -> None:
    token = office.token("olga")
    session = office.application.dispatch(SignIn(TENANT, email("olga"), PASSWORD))
    assert isinstance(session, str)

    office.application.dispatch(ChangePassword(session, "", PASSWORD, NEW_PASSWORD))

    assert office.application.token(token) is not None


def test_a_token_never_does_what_its_person_could_not_do_when_it_was_made(office: Office) -> None:
    token = office.token("olga")
    dispatch = office.application.dispatch
    limited = (RoleLimit(role=PersonRole.OPERATIONS, entities=("ACME-DE",)),)
    both = OPERATIONS | {PersonRole.INTEGRATION_ADMIN}

    dispatch(SetRoles(TENANT, COMMAND_LINE, email("olga"), OPERATIONS, limited))
    assert office.application.token(token) is not None, "it does less now"

    dispatch(SetRoles(TENANT, COMMAND_LINE, email("olga"), OPERATIONS))
    assert office.application.token(token) is None, "a wider limit"
    token = office.token("olga")
    dispatch(SetRoles(TENANT, COMMAND_LINE, email("olga"), both))
    assert office.application.token(token) is None, "a role more"


def test_a_sign_in_that_is_under_way_while_the_password_ends_begins_no_session(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password was right when it was compared."""
    verify, compared, go_on = Argon2Passwords.verify, threading.Event(), threading.Event()

    def slowly(hasher: Argon2Passwords, hashed: str, password: str) -> bool:
        is_right = verify(hasher, hashed, password)
        compared.set()
        go_on.wait(30)
        return is_right

    monkeypatch.setattr(Argon2Passwords, "verify", slowly)
    outcome: list[object] = []

    def sign_in() -> None:
        try:
            outcome.append(office.application.dispatch(SignIn(TENANT, email("olga"), PASSWORD)))
        except Forbidden as refused:
            outcome.append(refused.code)

    other = threading.Thread(target=sign_in)
    other.start()
    assert compared.wait(30)
    office.application.dispatch(ResetPerson(TENANT, COMMAND_LINE, email("olga")))
    go_on.set()
    other.join()

    assert outcome == ["SIGN_IN_REFUSED"]


def test_a_request_that_is_under_way_while_the_password_ends_makes_no_token(office: Office) -> None:
    """Olga's session was good when the request came in."""
    wanted = CreateToken(TENANT, office.ids["olga"], "kept", email("olga"))
    office.application.dispatch(ResetPerson(TENANT, COMMAND_LINE, email("olga")))

    with pytest.raises(Forbidden, match="password was ended"):
        office.application.dispatch(wanted)


def test_a_reset_waits_for_who_comes_in_at_that_moment_and_ends_that_too(office: Office) -> None:
    application, olga = office.application, office.ids["olga"]
    with ThreadPoolExecutor(1) as other, office.uow() as first:
        assert first.people.hold_password(TENANT, olga)
        first.credentials.add_session(TENANT, olga, hash_secret("hers"), timedelta(hours=1))
        reset = other.submit(application.dispatch, ResetPerson(TENANT, COMMAND_LINE, email("olga")))
        until(lambda: reset.done() or somebody_waits(application.engine), "the reset waits")
        assert not reset.done()
        first.commit()
    reset.result()

    assert application.session("hers") is None
