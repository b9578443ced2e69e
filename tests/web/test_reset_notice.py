"""Who resets an approver or administrator of a live firm does it in sight of the person and the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapters.bootstrap import Application, build
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Conflict, Forbidden
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import ResetPerson, ResetSecondFactor, SetPassword
from tests.harness.builders import TENANT
from tests.harness.mail import MailServer, mail_server
from tests.web.browser import Browser
from tests.web.office import Office, email
from tests.web.test_configuration_api import go_live
from tests.web.test_second_factor import set_up

SUBJECT = "An oppsync account was reset"


@pytest.fixture
def admins(office: Office) -> Office:
    """Ada, Ben and Cora administer; Ana approves."""
    for name in ("ada", "ben", "cora"):
        office.hire(name, PersonRole.ADMIN)
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


def told(server: MailServer) -> list[str]:
    return [str(mail["To"]) for mail in server.mails if mail["Subject"] == SUBJECT]


def entries(office: Office) -> list[str]:
    rows = office.application.queries.changes(TENANT, limit=100).rows
    return [row.summary for row in rows if row.type == "account.reset.told.v1"]


def test_the_person_and_every_other_administrator_are_told(
    admins: Office, mailing: Application, server: MailServer
) -> None:
    go_live(admins)

    mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("ana")))

    assert told(server) == [email("ana"), email("ben"), email("cora")]
    mails = [mail.get_content() for mail in server.mails if mail["Subject"] == SUBJECT]
    assert "ada@acme.example reset the password of your account" in mails[0]
    assert "the account of ana@acme.example in oppsync, which is finance approver there" in mails[1]
    assert not any("invitation" in each for each in mails)
    every = "ana@acme.example, ben@acme.example, cora@acme.example"
    assert entries(admins) == [f"The password of ana@acme.example was reset: {every} told; nobody not told"]


PASSWORDS: dict[str, Command[Any]] = {
    "a link": ResetPerson(TENANT, COMMAND_LINE, email("ben")),
    "a password": SetPassword(TENANT, COMMAND_LINE, email("ben"), "orchards in the rain"),
}


@pytest.mark.parametrize("way", PASSWORDS)
def test_the_command_line_tells_every_administrator(
    admins: Office, mailing: Application, server: MailServer, way: str
) -> None:
    go_live(admins)

    mailing.dispatch(PASSWORDS[way])

    assert told(server) == [email("ben"), email("ada"), email("cora")]


def test_a_second_factor_that_is_reset_is_told_too(
    admins: Office, mailing: Application, server: MailServer, browser: Callable[[str], Browser]
) -> None:
    set_up(admins, browser("ana"))
    go_live(admins)

    mailing.dispatch(ResetSecondFactor(TENANT, admins.ids["ada"], email("ana")))

    assert "ada@acme.example reset the second factor of your account" in server.mails[0].get_content()


def test_nobody_is_told_of_other_roles_nor_before_going_live(
    admins: Office, mailing: Application, server: MailServer
) -> None:
    mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("ana")))
    go_live(admins)
    mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("olga")))

    assert told(server) == []
    assert entries(admins) == []


def test_the_link_is_mailed_to_the_person_alone_and_the_administrator_is_not_shown_it(
    admins: Office, mailing: Application, server: MailServer
) -> None:
    go_live(admins)

    secret = mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("ana")))

    assert secret is None
    [link] = [mail for mail in server.mails if "invitation?key=" in mail.get_content()]
    assert link["To"] == email("ana")


def test_of_other_roles_and_before_going_live_the_link_is_shown(admins: Office, mailing: Application) -> None:
    assert mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("ana")))
    go_live(admins)
    assert mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("olga")))
    assert mailing.dispatch(ResetPerson(TENANT, COMMAND_LINE, email("ana")))


def test_a_mail_that_is_refused_to_others_stops_nothing_and_is_on_record(
    admins: Office, mailing: Application, server: MailServer
) -> None:
    go_live(admins)
    server.refusals = {email("ben"): "550 nobody here"}

    mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("ana")))

    assert told(server) == [email("ana"), email("cora")]
    assert entries(admins)[0].endswith("ana@acme.example, cora@acme.example told; ben@acme.example not told")


def test_a_link_that_cannot_be_mailed_to_its_person_is_a_refusal_that_says_so(
    admins: Office, mailing: Application, server: MailServer
) -> None:
    go_live(admins)
    server.refusals = {email("ana"): "550 nobody here"}

    with pytest.raises(Conflict, match="could not be mailed") as refused:
        mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("ana")))

    assert refused.value.code == "MAIL_NOT_SENT"
    assert entries(admins)[0].endswith("ana@acme.example not told")
    server.refusals = {}
    assert mailing.dispatch(ResetPerson(TENANT, admins.ids["ada"], email("ana"))) is None


def test_without_mail_no_administrator_resets_the_other_and_nothing_ends(
    admins: Office, browser: Callable[[str], Browser]
) -> None:
    ben, ada = browser("ben"), browser("ada")
    go_live(admins)

    refused = ada.post(f"/people/{admins.ids['ben']}", action="reset")

    assert refused.status == 403
    assert "oppsync user reset" in refused.words
    assert ben.get("/account").status == 200
    with pytest.raises(Forbidden) as set_by_hand:
        admins.application.dispatch(
            SetPassword(TENANT, admins.ids["ada"], email("ben"), "orchards in the rain")
        )
    assert set_by_hand.value.code == "ONLY_THE_PERSON"


def test_where_no_mail_goes_out_nobody_counts_as_told(admins: Office) -> None:
    go_live(admins)

    admins.application.dispatch(ResetPerson(TENANT, COMMAND_LINE, email("ana")))

    assert "nobody told" in entries(admins)[0]
