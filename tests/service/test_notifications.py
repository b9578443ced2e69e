"""Whoever has to decide is notified, each by themselves: one dead mailbox is nobody else's trouble."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from adapters.bootstrap import build
from oppsync.domain.approval.tasks import Decision, TaskStatus
from oppsync.domain.effects.effects import EffectState, LedgerRow
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import ApprovalRole, PersonRole
from oppsync.domain.work.states import State
from oppsync.pipeline.retry import MAX_TRIES
from sandbox.firm import deals
from tests.harness.house import DELIVERY, FINANCE, WON_ON, House
from tests.harness.mail import MailServer, mail_server
from tests.service.test_approvals import hire

FRED = "fred.finance@example.com"
GONE = {FINANCE: "550 no such mailbox"}


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def firm(house: House, mail: MailServer) -> Iterator[House]:
    """It has a mail server, and two people who approve for finance: Fiona is asked before Fred."""
    settings = changed(house.application.settings, smtp_url=SecretStr(mail.url))
    mailing = replace(house, application=build(settings))
    hire(mailing, FRED, PersonRole.FINANCE_APPROVER)
    yield mailing
    mailing.application.close()


def receivers(mail: MailServer) -> list[str]:
    return sorted(str(each["To"]) for each in mail.mails)


def notifications(house: House, record_id: str) -> dict[str, LedgerRow]:
    rows = [row for row in house.effects(record_id) if row.kind is EffectKind.NOTIFICATION]
    return {row.path.partition("/")[2]: row for row in rows}


def test_a_dead_mailbox_is_an_exception_and_everybody_else_is_notified(firm: House, mail: MailServer) -> None:
    mail.refusals = GONE

    record_id = firm.to_approval(deals.milestone(WON_ON))

    assert receivers(mail) == [DELIVERY, FRED]
    item = firm.exception(record_id)
    assert (item.code, item.owner) == ("NOTIFICATION_REFUSED", "operations")
    assert FINANCE in item.message
    told = notifications(firm, record_id)
    assert (told[FINANCE].state, told[FRED].state) == (EffectState.REJECTED, EffectState.CONFIRMED)
    tasks = firm.tasks(record_id)
    firm.decide(tasks[ApprovalRole.FINANCE], FRED)
    firm.decide(tasks[ApprovalRole.DELIVERY], DELIVERY)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE


def test_a_refused_notification_is_sent_again_by_a_replay_only(firm: House, mail: MailServer) -> None:
    mail.refusals = GONE
    record_id = firm.to_approval(deals.milestone(WON_ON))
    firm.decide(firm.tasks(record_id)[ApprovalRole.DELIVERY], DELIVERY)
    firm.settle()
    assert mail.asked_for(FINANCE) == 1
    mail.refusals = {}

    firm.replay(firm.exception(record_id))
    firm.settle()

    assert receivers(mail) == [DELIVERY, FINANCE, FRED]
    assert firm.exceptions(record_id) == []
    assert firm.state(record_id) is State.AWAITING_APPROVAL
    firm.decide(firm.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE


def test_a_busy_mailbox_holds_nobody_up_and_is_tried_again(firm: House, mail: MailServer) -> None:
    mail.refusals = {FINANCE: "450 busy", DELIVERY: "550 no such mailbox"}
    record_id = firm.win(deals.milestone(WON_ON))
    firm.work()
    assert receivers(mail) == [FRED]
    assert firm.exception(record_id).code == "NOTIFICATION_REFUSED"
    mail.refusals = {DELIVERY: "550 no such mailbox"}

    firm.settle_later()

    assert receivers(mail) == [FINANCE, FRED]
    assert mail.asked_for(DELIVERY) == 1
    assert firm.exception(record_id).occurrences == 1


def test_a_mailbox_that_stays_full_does_not_park_the_deal(firm: House, mail: MailServer) -> None:
    mail.refusals = {FINANCE: "452 full"}
    record_id = firm.win(deals.milestone(WON_ON))
    firm.work()
    firm.rows("update opportunities set tries = :tries", tries=MAX_TRIES)

    firm.settle_later()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert firm.exception(record_id).code == "NOTIFICATION_REFUSED"
    firm.decide(firm.tasks(record_id)[ApprovalRole.FINANCE], FINANCE, Decision.REJECT, "Too late")
    firm.settle()
    assert firm.state(record_id) is State.REJECTED


def test_without_a_mail_server_no_notification_counts_as_delivered(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    folder = house.application.settings.outbox_folder
    assert len(list(folder.glob("*.eml"))) == 2

    for row in notifications(house, record_id).values():
        assert (row.state, row.confirmed_at) == (EffectState.INTENDED, None)
        assert row.error == "No mail server is configured: it was written to a file, and nobody receives it"
    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)
    house.settle()
    assert len(list(folder.glob("*.eml"))) == 2
    assert house.exceptions(record_id) == []


def test_what_only_a_file_holds_is_sent_once_there_is_a_mail_server(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))

    with mail_server() as server:
        settings = changed(house.application.settings, smtp_url=SecretStr(server.url))
        mailing = replace(house, application=build(settings))
        mailing.tell(record_id)
        mailing.settle()
        mailing.application.close()

    assert receivers(server) == [DELIVERY, FINANCE]
    assert {row.state for row in notifications(house, record_id).values()} == {EffectState.CONFIRMED}
    assert {task.status for task in house.tasks(record_id).values()} == {TaskStatus.OPEN}
