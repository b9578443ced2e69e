"""An exception item is open once for each subject and code, also when two processes raise it at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from sqlalchemy import text

from adapters.bootstrap import Application
from oppsync.domain.values.findings.finding import OwnerRole
from oppsync.domain.work.exceptions import ExceptionStatus, NewException
from oppsync.domain.work.payload_references import poll_reference, record_reference
from oppsync.pipeline.exception_items import raise_or_reopen
from tests.harness.builders import TENANT
from tests.harness.waiting import until
from tests.integration import desk


def about_deal(opportunity_id: UUID, code: str = "BUG") -> NewException:
    return NewException(
        tenant_id=TENANT,
        opportunity_id=opportunity_id,
        code=code,
        message="It failed",
        owner=OwnerRole.OPERATIONS,
        payload_reference=record_reference(opportunity_id),
    )


def about_poll(connection_id: str) -> NewException:
    return NewException(
        tenant_id=TENANT,
        code="POLL_REFUSED",
        message="It refuses",
        owner=OwnerRole.OPERATIONS,
        payload_reference=poll_reference(connection_id),
    )


def raise_item(application: Application, new: NewException) -> UUID:
    with application.uow() as uow:
        item_id = uow.exceptions.raise_item(new)
        uow.commit()
    return item_id


def test_two_processes_that_raise_the_same_at_once_open_one_item(application: Application) -> None:
    desk.connect(application)
    (opportunity_id,) = desk.receive(application, "006A")
    raised = threading.Event()

    def second() -> UUID:
        raised.wait()
        return raise_item(application, about_deal(opportunity_id))

    with ThreadPoolExecutor(1) as other, application.uow() as uow:
        waits = other.submit(second)
        first_id = uow.exceptions.raise_item(about_deal(opportunity_id))
        raised.set()
        wait_for_a_lock(application)
        uow.commit()
        second_id = waits.result()

    (item,) = application.queries.exceptions(TENANT).rows
    assert first_id == second_id == item.id
    assert item.occurrences == 2


def wait_for_a_lock(application: Application) -> None:
    """Wait until a statement waits for a row of the open transaction."""
    blocked = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with application.engine.connect() as watching:

        def waits() -> bool:
            watching.rollback()
            return watching.execute(text(blocked)).first() is not None

        until(waits, "a statement that waits for a lock")


def test_another_code_another_deal_and_another_poll_are_other_items(application: Application) -> None:
    desk.connect(application)
    one, other = desk.receive(application, "006A", "006B")

    raised = [
        about_deal(one),
        about_deal(one, "NO_LINES"),
        about_deal(other),
        about_poll("crm"),
        about_poll("crm-2"),
    ]

    assert len({raise_item(application, new) for new in raised}) == len(raised)


def test_what_is_raised_after_it_was_closed_is_a_new_item(application: Application) -> None:
    desk.connect(application)
    (opportunity_id,) = desk.receive(application, "006A")
    before = raise_item(application, about_deal(opportunity_id))
    with application.uow() as uow:
        assert uow.exceptions.close_open(TENANT, opportunity_id, "person:olga", "Mended") == 1
        uow.commit()

    after = raise_item(application, about_deal(opportunity_id))

    assert after != before
    closed = application.queries.exception(TENANT, before)
    assert (closed.status, closed.closed_by) == (ExceptionStatus.REPLAYED, "person:olga")


def test_two_processes_that_raise_again_what_was_replayed_open_the_same_item(application: Application) -> None:
    desk.connect(application)
    (opportunity_id,) = desk.receive(application, "006A")
    before = raise_item(application, about_deal(opportunity_id))
    with application.uow() as uow:
        uow.exceptions.close_open(TENANT, opportunity_id, "person:olga", "Replayed")
        uow.commit()
    raised = threading.Event()

    def second() -> UUID:
        raised.wait()
        return raise_again(application, about_deal(opportunity_id))

    with ThreadPoolExecutor(1) as other, application.uow() as uow:
        waits = other.submit(second)
        first_id = raise_or_reopen(uow, about_deal(opportunity_id), lambda last: False)
        raised.set()
        wait_for_a_lock(application)
        uow.commit()
        second_id = waits.result()

    (item,) = application.queries.exceptions(TENANT).rows
    assert first_id == second_id == item.id == before
    assert (item.occurrences, item.closed_by, item.reason) == (3, None, "")


def raise_again(application: Application, new: NewException) -> UUID:
    with application.uow() as uow:
        item_id = raise_or_reopen(uow, new, lambda last: False)
        uow.commit()
    return item_id


def test_closing_what_is_about_one_subject_leaves_the_others_open(application: Application) -> None:
    desk.connect(application)
    one, other = desk.receive(application, "006A", "006B")
    raise_item(application, about_deal(one))
    stays = {raise_item(application, about_deal(other)), raise_item(application, about_poll("crm"))}
    with application.uow() as uow:
        assert uow.exceptions.close_open(TENANT, one, "poll", "Mended") == 1
        uow.commit()

    assert {item.id for item in application.queries.exceptions(TENANT).rows} == stays
