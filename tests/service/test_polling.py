"""Polls find changes whose webhook never arrived, once, and nothing is done twice because of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest

from adapters.bootstrap import Application
from oppsync.domain.reading.readings import PollStatus
from oppsync.domain.values.findings.finding import OwnerRole
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus
from oppsync.domain.work.replays import Previewed, ReplayOf
from oppsync.domain.work.states import State
from oppsync.kernel import canonical_json
from oppsync.services.intake.commands import PollCrm
from oppsync.services.queue.commands import DismissException, RunReplay
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.house import IMPATIENT, WON_ON, House
from tests.harness.tryton import Books

LATER_ORDER = {"PO_Number__c": "PO-2026-LATER"}
REST = "/services/data"


@pytest.fixture
def polled(house: House) -> House:
    """A house that is polled up to now. The CRM holds other tests' deals, so polls begin after the last of
    them."""
    house.connect(CRM_CONNECTION, poll_overlap=0)
    house.poll()
    stamps = [one["SystemModstamp"] for one in house.salesforce.records("Opportunity")]
    last = datetime.fromisoformat(max(stamps, default="2000-01-01T00:00:00+0000"))
    while (covered := status(house).covered_until) is None or covered <= last:
        house.poll()
    return house


def win(house: House, number: int = 1) -> str:
    """Win a deal without a webhook."""
    return str(house.salesforce.win_deal(deals.time_and_materials(WON_ON, name=f"Advisory {number}"))["id"])


def tell(house: House, record_id: str) -> None:
    """Deliver the webhook, in the record's present version."""
    stamp = house.salesforce.record(record_id)["SystemModstamp"].replace("+0000", "Z")
    told = {
        "type": "opportunity.changed",
        "organization_id": "00D000000000001",
        "sent_at": stamp,
        "opportunities": [{"id": record_id, "system_modstamp": stamp, "is_won": True}],
    }
    house.deliver(canonical_json.dumps(told).encode())


def status(house: House) -> PollStatus:
    (found,) = house.application.queries.polls(TENANT)
    return found


def deliveries(house: House, record_id: str) -> list[str]:
    """The deliveries of a deal, each by webhook or poll."""
    query = """select i.source from inbox i
        join inbox_opportunities io on io.tenant_id = i.tenant_id and io.inbox_id = i.id
        join opportunities o on o.tenant_id = io.tenant_id and o.id = io.opportunity_id
        where o.source_id = :record_id order by i.id"""
    return [row["source"] for row in house.rows(query, record_id=record_id)]


def is_known(house: House, record_id: str) -> bool:
    return bool(house.application.queries.opportunities(TENANT, text=record_id).rows)


def test_a_deal_that_no_webhook_told_of_arrives_and_how_late_it_was_is_counted(polled: House) -> None:
    before = status(polled)
    record_id = win(polled)
    polled.poll()
    polled.settle()

    assert polled.state(record_id) is State.AWAITING_APPROVAL
    assert deliveries(polled, record_id) == ["poll"]
    first = polled.entries(record_id)[0]
    assert (first.type, first.actor) == ("delivery.received.v1", f"connection:{CRM_CONNECTION}")
    assert "no webhook arrived" in first.summary
    found = polled.application.queries.delivery(TENANT, first.detail["event"])
    assert (found.source, found.delivery_id.startswith(f"found:{record_id}:")) == ("poll", True)
    assert found.late_seconds is not None
    after = status(polled)
    assert (after.deals - before.deals, after.last_late_seconds) == (1, found.late_seconds)
    assert after.most_late_seconds is not None
    assert after.most_late_seconds >= found.late_seconds
    assert (after.error, after.tries) == (None, 0)


def test_with_a_third_of_the_webhooks_dropped_every_deal_becomes_its_projects_once(
    polled: House, books: Books
) -> None:
    won = [win(polled, number) for number in range(9)]
    dropped = won[::3]
    for record_id in won:
        if record_id not in dropped:
            tell(polled, record_id)
    polled.settle()
    assert [is_known(polled, record_id) for record_id in dropped] == [False] * 3

    polled.poll()
    polled.settle()
    for record_id in won:
        polled.approve(record_id)
    polled.settle()
    polled.poll()
    polled.settle()

    for record_id in won:
        assert polled.state(record_id) is State.ACTIVE
        assert deliveries(polled, record_id)[0] == ("poll" if record_id in dropped else "webhook")
        erp.check_landed(books, record_id, polled.plan(record_id).plan.content)


@pytest.mark.parametrize("read_already", [True, False])
def test_what_the_webhook_brought_in_that_version_makes_no_delivery(polled: House, read_already: bool) -> None:
    record_id = win(polled)
    tell(polled, record_id)
    if read_already:
        polled.settle()
    polled.poll()

    assert deliveries(polled, record_id) == ["webhook"]


def test_a_webhook_that_comes_after_the_poll_changes_nothing(polled: House) -> None:
    record_id = win(polled)
    polled.poll()
    polled.settle()
    tell(polled, record_id)
    polled.settle()

    assert polled.timeline(record_id)[-1] == "record.unchanged.v1"
    assert polled.states_passed(record_id).count("validated") == 1


def test_a_change_that_no_webhook_told_of_is_read(polled: House) -> None:
    record_id = polled.to_approval(deals.time_and_materials(WON_ON))
    before = polled.plan(record_id)
    polled.salesforce.edit(record_id, {"opportunity": LATER_ORDER})
    polled.poll()
    polled.settle()

    assert polled.plan(record_id).number == before.number + 1
    told = [entry.summary for entry in polled.entries(record_id) if entry.type == "delivery.received.v1"]
    assert told[-1].startswith("Found changed in the CRM")


def test_a_deal_that_was_lost_and_not_told_of_is_withdrawn(polled: House) -> None:
    known = polled.to_approval(deals.time_and_materials(WON_ON))
    stranger = win(polled)
    for record_id in (known, stranger):
        polled.salesforce.edit(record_id, {"opportunity": {"StageName": "Closed Lost"}})
    polled.poll()
    polled.settle()

    assert polled.state(known) is State.WITHDRAWN
    assert not is_known(polled, stranger)


def test_an_echo_of_our_own_write_back_does_nothing(polled: House) -> None:
    record_id = polled.to_active(deals.time_and_materials(WON_ON))
    passed = polled.states_passed(record_id)
    written = polled.salesforce.record(record_id)["SystemModstamp"]
    for _ in range(3):
        polled.poll()
        polled.settle()

    assert polled.timeline(record_id).count("record.unchanged.v1") <= 1
    assert polled.states_passed(record_id) == passed
    assert polled.salesforce.record(record_id)["SystemModstamp"] == written


def test_a_poll_that_died_before_its_watermark_moved_is_repeated_and_doubles_nothing(polled: House) -> None:
    """Also when nothing of what it stored was worked yet."""
    record_id = win(polled)
    before = polled.rows("select covered_until from crm_watermarks")[0]
    polled.poll()
    counted = status(polled).deals
    polled.rows("update crm_watermarks set covered_until = :covered_until", **before)
    polled.rows("update opportunities set told_until = null")
    polled.poll()

    assert deliveries(polled, record_id) == ["poll"]
    assert polled.rows("select reread_requested from opportunities where source_id = :id", id=record_id) == [
        {"reread_requested": 0}
    ]
    assert status(polled).deals == counted


def test_pages_are_steps_that_any_relay_goes_on_with(
    polled: House, applications: Callable[[], Application]
) -> None:
    polled.connect(CRM_CONNECTION, poll_page=2)
    won = [win(polled, number) for number in range(5)]
    polled.rows("update crm_watermarks set due_at = clock_timestamp()")
    covered = status(polled).covered_until

    assert polled.application.dispatch(PollCrm())
    assert [is_known(polled, each) for each in won] == [True, True, False, False, False]
    assert status(polled).covered_until == covered, "it moves past nothing that is not stored"
    other = applications()
    while other.dispatch(PollCrm()):
        pass

    assert all(is_known(polled, each) for each in won)
    assert [deliveries(polled, each) for each in won] == [["poll"]] * 5
    moved = status(polled).covered_until
    assert covered is not None
    assert moved is not None
    assert moved >= covered


@pytest.mark.parametrize(
    ("fault", "at_least"),
    [
        ({"status": 503}, timedelta(seconds=0)),
        ({"drop_connection": True}, timedelta(seconds=0)),
        ({"hang": True}, timedelta(seconds=0)),
        ({"status": 429, "retry_after": 600}, timedelta(seconds=590)),
        ({"status": 403, "code": "REQUEST_LIMIT_EXCEEDED"}, timedelta(seconds=0)),
    ],
)
def test_a_crm_in_trouble_is_asked_again_later_and_loses_nothing(
    polled: House, fault: dict[str, Any], at_least: timedelta
) -> None:
    if "hang" in fault:
        polled.connect(CRM_CONNECTION, timeout=IMPATIENT)
    record_id = win(polled)
    before = status(polled)
    polled.salesforce.faults([{"path": REST, "count": 1, **fault}])
    polled.poll()

    failed = status(polled)
    assert (failed.tries, failed.covered_until) == (1, before.covered_until)
    assert failed.error
    assert failed.due_at - polled.application.clock.now() > at_least
    polled.skip_waiting()
    polled.poll()
    assert is_known(polled, record_id)
    assert (status(polled).error, status(polled).tries) == (None, 0)


def test_a_poll_that_our_own_book_holds_back_waits_as_long_and_is_no_failure(polled: House) -> None:
    polled.salesforce.faults([{"path": REST, "status": 429, "retry_after": 600}])
    record_id = win(polled)
    polled.poll()
    assert status(polled).tries == 1
    polled.salesforce.clear_requests()
    polled.poll()

    held = status(polled)
    assert polled.salesforce.requests() == []
    assert held.tries == 1
    assert held.due_at - polled.application.clock.now() > timedelta(minutes=4)
    polled.skip_waiting()
    polled.poll()
    assert is_known(polled, record_id)


def test_a_connection_that_a_person_has_to_mend_says_so_and_goes_on_when_it_is(polled: House) -> None:
    record_id = win(polled)
    polled.connect(CRM_CONNECTION, api_version="latest")
    polled.poll()

    failed = status(polled)
    assert "api_version" in (failed.error or "")
    assert failed.due_at - polled.application.clock.now() > timedelta(minutes=4)
    polled.connect(CRM_CONNECTION, api_version="62.0")
    polled.poll()
    assert is_known(polled, record_id)


def of_polls(house: House, status: ExceptionStatus) -> list[ExceptionItem]:
    return list(house.application.queries.exceptions(TENANT, status=status, code="POLL_REFUSED").rows)


def test_a_poll_that_a_person_has_to_mend_is_in_the_exception_queue_until_the_crm_answers(
    polled: House,
) -> None:
    polled.connect(CRM_CONNECTION, api_version="latest")
    polled.poll()
    polled.poll()

    (item,) = of_polls(polled, ExceptionStatus.OPEN)
    assert (item.owner, item.payload_reference) == (OwnerRole.INTEGRATION, f"poll:{CRM_CONNECTION}")
    assert "api_version" in item.message
    polled.connect(CRM_CONNECTION, api_version="62.0")
    polled.poll()
    assert of_polls(polled, ExceptionStatus.OPEN) == []
    assert item.id in {closed.id for closed in of_polls(polled, ExceptionStatus.REPLAYED)}


def test_a_poll_refused_for_another_reason_is_the_same_item_seen_again(polled: House) -> None:
    polled.connect(CRM_CONNECTION, api_version="latest")
    polled.poll()
    polled.connect(CRM_CONNECTION, api_version="62.0", poll_overlap=-1)
    polled.poll()

    (item,) = of_polls(polled, ExceptionStatus.OPEN)
    assert (item.occurrences, "poll_overlap" in item.message) == (2, True)
    polled.connect(CRM_CONNECTION, poll_overlap=0)
    polled.poll()


def test_a_replayed_poll_asks_at_once_and_comes_back_when_nothing_was_mended(polled: House) -> None:
    record_id = win(polled)
    polled.connect(CRM_CONNECTION, api_version="latest")
    polled.poll()
    (item,) = of_polls(polled, ExceptionStatus.OPEN)
    polled.replay(item)
    polled.application.dispatch(PollCrm())

    (again,) = of_polls(polled, ExceptionStatus.OPEN)
    assert (again.id, again.occurrences) == (item.id, 2)
    polled.connect(CRM_CONNECTION, api_version="62.0")
    polled.replay(again)
    polled.application.dispatch(PollCrm())
    assert is_known(polled, record_id)
    polled.settle()
    polled.approve(record_id)
    polled.settle()
    assert polled.state(record_id) is State.ACTIVE


def test_a_poll_that_a_person_dismissed_is_not_told_again_for_the_same_reason(polled: House) -> None:
    polled.connect(CRM_CONNECTION, api_version="latest")
    polled.poll()
    (item,) = of_polls(polled, ExceptionStatus.OPEN)
    polled.application.dispatch(DismissException(TENANT, item.id, polled.operator, "Switched off for a week"))
    polled.poll()
    assert of_polls(polled, ExceptionStatus.OPEN) == []
    polled.connect(CRM_CONNECTION, api_version="62.0")
    polled.poll()


def test_what_was_found_can_be_replayed_as_a_delivery(polled: House) -> None:
    record_id = win(polled)
    polled.poll()
    polled.settle()
    event_id = polled.entries(record_id)[0].detail["event"]

    replay = RunReplay(TENANT, polled.operator, ReplayOf.DELIVERIES, [Previewed(id=event_id)])
    (item,) = polled.application.dispatch(replay).items
    polled.settle()

    assert item.replayed
    assert polled.timeline(record_id)[-1] == "record.unchanged.v1"


def test_each_poll_looks_back_one_overlap(house: House) -> None:
    """A change may become visible after others with a later stamp. Deals won before that are not taken in."""
    house.connect(CRM_CONNECTION, poll_overlap=3_600)
    house.poll()
    after = "SystemModstamp >= "
    house.salesforce.clear_requests()
    house.poll()

    (asked,) = [
        unquote_plus(str(call["body"]))
        for call in house.salesforce.requests()
        if after in unquote_plus(str(call["body"]))
    ]
    since = datetime.fromisoformat(asked.partition(after)[2][:24])
    covered = status(house).covered_until
    assert covered is not None
    assert timedelta(minutes=59) < covered - since < timedelta(minutes=61)
