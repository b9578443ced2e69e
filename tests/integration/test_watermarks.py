"""Watermarks of polls: one relay at a time for each connection, and no writes after the lease is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from adapters.bootstrap import Application
from oppsync.domain.plan.capabilities import CrmCapabilities
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.polling import Change, ChangePage, Watermark
from oppsync.ports.systems import Systems
from oppsync.services.intake.commands import PollCrm
from oppsync.services.intake.poll_crm import PollCrmHandler
from tests.harness.builders import TENANT
from tests.integration import desk

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def take(application: Application, holder: str = "relay-1") -> Watermark | None:
    with application.uow() as uow:
        taken = uow.watermarks.take(holder)
        uow.commit()
    return taken


def taken(application: Application, holder: str = "relay-1") -> Watermark:
    watermark = take(application, holder)
    assert watermark is not None
    return watermark


def move(application: Application, watermark: Watermark, after: timedelta = MINUTE) -> bool:
    with application.uow() as uow:
        moved = uow.watermarks.move(watermark, after)
        uow.commit()
    return moved


def add_connection(application: Application, name: str, role: ConnectionRole) -> None:
    with application.uow() as uow:
        uow.connections.put(Connection(tenant_id=TENANT, id=name, role=role, vendor="v", name=name), {})
        uow.commit()


def test_a_crm_is_due_as_soon_as_it_is_connected_and_other_systems_never_are(application: Application) -> None:
    assert take(application) is None
    desk.connect(application)
    add_connection(application, "erp", ConnectionRole.ERP)

    assert taken(application).connection_id == desk.CRM
    assert take(application) is None


def test_one_relay_at_a_time_and_of_several_crms_the_one_due_first(application: Application) -> None:
    desk.connect(application)
    first = taken(application)
    add_connection(application, "crm-2", ConnectionRole.CRM)

    assert taken(application, "relay-2").connection_id == "crm-2"
    assert take(application, "relay-2") is None
    assert move(application, first, timedelta(0))
    assert taken(application, "relay-2").connection_id == desk.CRM


def test_a_relay_that_died_leaves_its_poll_to_another_and_can_no_longer_write(application: Application) -> None:
    desk.connect(application)
    dead = taken(application)
    desk.run(application, "update crm_watermarks set lease_until = clock_timestamp() - interval '1 second'")
    heir = taken(application, "relay-2")
    late = dead.past(ChangePage(changes=(), more=False, as_of=AT))

    assert not move(application, late)
    with application.uow() as uow:
        assert not uow.watermarks.postpone(dead, MINUTE, "too late")
        assert not uow.watermarks.count(dead, 1, 1, MINUTE)
        uow.commit()
    assert heir.covered_until is None
    assert desk.run(application, "select covered_until, error, tries, deals from crm_watermarks") == [
        (None, None, 0, 0)
    ]


def test_it_comes_back_where_it_was_left(application: Application) -> None:
    desk.connect(application)
    watermark = taken(application)
    half_way = changed(watermark, covers=AT, page_from=AT - MINUTE, page_after="006A")
    assert move(application, half_way, timedelta(0))

    again = taken(application, "relay-2")
    assert (again.covers, again.page_from, again.page_after) == (AT, AT - MINUTE, "006A")
    assert again.token > watermark.token
    with application.uow() as uow:
        assert uow.watermarks.postpone(again, timedelta(0), "away")
        uow.commit()
    assert taken(application).tries == 1


class NeverAsked:
    """A CRM that cannot be polled: a poll of it fails the test."""

    capabilities = CrmCapabilities(polls=False)
    poll_every = MINUTE

    def crm(self, connection_id: str) -> NeverAsked:
        return self


def test_a_crm_that_cannot_be_polled_is_not_asked(application: Application) -> None:
    desk.connect(application)
    systems = cast(Systems, NeverAsked())
    poll = PollCrmHandler(application.uow, cast(Any, None), systems, application.clock, "relay-1")

    assert poll(PollCrm())

    (status,) = application.queries.polls(TENANT)
    assert (status.error, status.covered_until, status.tries) == (None, None, 0)
    assert status.due_at > application.clock.now() + MINUTE / 2
    assert not poll(PollCrm())


class AlwaysTheSamePage:
    """A CRM that does not heed from where on it is asked."""

    capabilities = CrmCapabilities()
    poll_every = poll_overlap = MINUTE
    asked = 0

    def crm(self, connection_id: str) -> AlwaysTheSamePage:
        return self

    def changed_opportunities(self, since: datetime, after_id: str | None) -> ChangePage:
        self.asked += 1
        change = Change(id="006A", version="v", modified_at=AT, is_won=False)
        return ChangePage(changes=(change,), more=self.asked < 10, as_of=AT)


def test_a_poll_that_would_never_end_is_put_off_and_says_why(application: Application) -> None:
    desk.connect(application)
    crm = AlwaysTheSamePage()
    publish = cast(Any, lambda *_: None)
    poll = PollCrmHandler(application.uow, publish, cast(Systems, crm), application.clock, "relay-1")

    while poll(PollCrm()):
        pass

    (status,) = application.queries.polls(TENANT)
    assert (crm.asked, status.tries) == (2, 1)
    assert "never end" in (status.error or "")
