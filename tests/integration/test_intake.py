"""What a delivery brings is stored as one statement, once, whoever else stores something at that moment."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from adapters.bootstrap import Application
from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.work.events import Event
from oppsync.domain.work.intake import Delivery
from oppsync.ports.storage.unit_of_work import UnitOfWork
from oppsync.services.intake.accept_delivery import accept, receive_again
from tests.harness.builders import TENANT
from tests.harness.statements import statements
from tests.harness.waiting import somebody_waits, until
from tests.integration import desk

DAY = datetime(2026, 3, 2, tzinfo=UTC)
LATER = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def connected(application: Application) -> None:
    desk.connect(application)


def a_delivery(delivery_id: str = "msg-1") -> Delivery:
    return Delivery(
        tenant_id=TENANT,
        connection_id=desk.CRM,
        delivery_id=delivery_id,
        headers={"webhook-id": delivery_id},
        body=b"{}",
        traceparent=f"00-{'1' * 32}-{'2' * 16}-01",
    )


def refs(*record_ids: str, at: datetime | None = DAY) -> list[OpportunityRef]:
    return [OpportunityRef(id=record_id, modified_at=at) for record_id in record_ids]


def audited(uow: UnitOfWork, tenant_id: str, traceparent: str, *events: Event) -> None:
    for each in events:
        uow.audit.append(tenant_id, each, traceparent)


def accepted(application: Application, delivery: Delivery, named: list[OpportunityRef]) -> tuple[UUID, bool]:
    with application.uow() as uow:
        found = accept(uow, audited, delivery, named)
        uow.commit()
    return found


def test_a_delivery_and_all_that_it_brings_are_one_statement(application: Application) -> None:
    with statements(application) as seen:
        event_id, is_new = accepted(application, a_delivery(), refs("006B", "006A"))

    assert is_new
    assert len(seen) == 2  # and the audit trail
    deals = desk.run(application, "select source_id, id, state, told_until from opportunities order by 1")
    assert [(row[0], row[2], row[3]) for row in deals] == [
        ("006A", "received", DAY),
        ("006B", "received", DAY),
    ]
    with application.uow() as uow:
        stored = uow.deliveries.get(TENANT, event_id)
    assert set(stored.opportunities) == {row[1] for row in deals}
    assert (stored.body, stored.headers) == (b"{}", {"webhook-id": "msg-1"})
    sent = desk.run(
        application, "select opportunity_id, stage, connection_id, traceparent from outbox order by id"
    )
    assert sent == [(row[1], "validate", desk.CRM, a_delivery().traceparent) for row in deals]
    assert desk.run(application, "select count(*) from audit where type = 'delivery.received.v1'") == [(2,)]


def test_a_known_delivery_brings_nothing(application: Application) -> None:
    first = accepted(application, a_delivery(), refs("006A"))
    again = accepted(application, a_delivery(), refs("006A", "006B"))

    assert (first[0], False) == again
    assert desk.run(application, "select source_id, reread_requested from opportunities") == [("006A", 0)]
    assert desk.run(application, "select count(*) from outbox") == [(1,)]


def test_another_delivery_of_a_known_deal_asks_for_it_to_be_read_again(application: Application) -> None:
    accepted(application, a_delivery("msg-1"), refs("006A", at=LATER))
    with application.uow() as uow:
        _, deals = uow.deliveries.accept(a_delivery("msg-2"), refs("006A", "006B"), "validate")
        uow.commit()

    assert deals is not None
    assert [(deal.source_id, deal.is_new) for deal in deals] == [("006A", False), ("006B", True)]
    asked = "select source_id, reread_requested, told_until from opportunities order by 1"
    assert desk.run(application, asked) == [("006A", 1, LATER), ("006B", 0, DAY)]
    assert desk.run(application, "select count(*) from outbox") == [(3,)]


def test_a_record_that_a_delivery_names_twice_is_received_once_as_of_its_latest_change(
    application: Application,
) -> None:
    named = [*refs("006A"), *refs("006A", at=LATER), *refs("006A", at=None)]
    accepted(application, a_delivery(), named)

    assert desk.run(application, "select source_id, told_until from opportunities") == [("006A", LATER)]
    assert desk.run(application, "select count(*) from outbox") == [(1,)]


def test_a_delivery_that_names_nothing_is_stored(application: Application) -> None:
    """Such as the event that tries a webhook."""
    _, is_new = accepted(application, a_delivery(), [])

    assert is_new
    assert desk.run(application, "select delivery_id from inbox") == [("msg-1",)]
    assert desk.run(application, "select count(*) from outbox") == [(0,)]


def test_a_stored_delivery_that_is_read_again_brings_what_it_names(application: Application) -> None:
    delivery = a_delivery()
    event_id, _ = accepted(application, delivery, [])
    for _ in range(2):
        with application.uow() as uow:
            receive_again(uow, audited, delivery, event_id, refs("006A"))
            uow.commit()

    with application.uow() as uow:
        assert len(uow.deliveries.get(TENANT, event_id).opportunities) == 1
    assert desk.run(application, "select count(*) from outbox") == [(2,)]


def at_once(application: Application, first: list[OpportunityRef], second: list[OpportunityRef]) -> list[Any]:
    """Two deliveries, of which the second begins while the first is not committed. Returns its answer."""
    answers: list[Any] = []

    def follow() -> None:
        with application.uow() as uow:
            answers.append(uow.deliveries.accept(a_delivery("msg-2"), second, "validate"))
            uow.commit()

    thread = threading.Thread(target=follow)
    with application.uow() as uow:
        uow.deliveries.accept(a_delivery("msg-1"), first, "validate")
        thread.start()
        until(lambda: somebody_waits(application.engine), "the second waits for the first")
        uow.commit()
    thread.join()
    return answers


def test_one_new_deal_in_two_deliveries_at_once_is_one_deal(application: Application) -> None:
    ((_, deals),) = at_once(application, refs("006A"), refs("006A", at=LATER))

    ((deal_id, told_until, asked),) = desk.run(
        application, "select id, told_until, reread_requested from opportunities"
    )
    assert [tuple(deal) for deal in deals] == [("006A", deal_id, False)]
    assert (told_until, asked) == (LATER, 1)
    assert desk.run(application, "select count(*) from outbox where opportunity_id = :id", id=deal_id) == [(2,)]


def test_one_delivery_twice_at_once_is_one_delivery(application: Application) -> None:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(accepted(application, a_delivery(), refs("006A"))))
    with application.uow() as uow:
        event_id, _ = accept(uow, audited, a_delivery(), refs("006A"))
        thread.start()
        until(lambda: somebody_waits(application.engine), "the second waits for the first")
        uow.commit()
    thread.join()

    assert answers == [(event_id, False)]
    assert desk.run(application, "select reread_requested from opportunities") == [(0,)]


def test_two_deliveries_of_the_same_deals_at_once_do_not_deadlock(application: Application) -> None:
    """One names them in another order: it waits for the first of them before it takes the second."""
    accepted(application, a_delivery("msg-0"), refs("006A", "006B"))
    answers: list[Any] = []
    other = a_delivery("msg-1")
    thread = threading.Thread(target=lambda: answers.append(accepted(application, other, refs("006B", "006A"))))
    with application.uow() as uow:
        accept(uow, audited, a_delivery("msg-2"), refs("006A"))
        thread.start()
        until(lambda: somebody_waits(application.engine), "the other waits for the first deal")
        accept(uow, audited, a_delivery("msg-3"), refs("006B"))
        uow.commit()
    thread.join()

    assert [is_new for _, is_new in answers] == [True]
    assert desk.run(application, "select distinct reread_requested from opportunities") == [(2,)]
