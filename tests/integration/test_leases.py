"""Leases by the database's clock: one holder at a time, and a token that fences whoever lost it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from adapters.bootstrap import Application
from adapters.postgres.repositories.ledger import PostgresLedger
from adapters.postgres.repositories.opportunities import PostgresOpportunities
from adapters.postgres.session import Session
from oppsync.domain.effects.effects import Effect, ExternalRecord
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.domain.work.tracked import Lease, TrackedOpportunity
from oppsync.kernel.errors import LeaseLost
from oppsync.ports.storage.ledger import Ledger
from oppsync.ports.storage.opportunities import HANDED_ON, ON_ACTION, STRAIGHT_ON, Due
from oppsync.services.work.lease_keeper import LeaseKeeper
from tests.harness.builders import TENANT
from tests.harness.waiting import until
from tests.integration import desk

EXPIRE = "update opportunities set lease_until = clock_timestamp() - interval '1 second'"
LEASE_ENDS = "select lease_until from opportunities"
SEEN = "select state, version, crashes, lease_holder from opportunities"


@pytest.fixture
def opportunity_id(application: Application) -> UUID:
    desk.connect(application)
    (opportunity_id,) = desk.receive(application, "006A")
    return opportunity_id


def taken(application: Application, opportunity_id: UUID, holder: str) -> tuple[TrackedOpportunity, Lease]:
    found = desk.take(application, opportunity_id, holder)
    assert found is not None
    return found


def an_effect(opportunity_id: UUID) -> Effect:
    return Effect(
        key="oppsync:default:crm:006A:parent:project",
        kind=EffectKind.PARENT,
        path="project",
        opportunity_id=opportunity_id,
        connection_id="erp",
        request={"name": "A"},
        quarantine=timedelta(seconds=45),
    )


def test_of_many_workers_at_once_one_gets_the_lease(application: Application, opportunity_id: UUID) -> None:
    start, got = threading.Barrier(3), []

    def ask(holder: str) -> None:
        start.wait()
        got.append(desk.take(application, opportunity_id, holder))

    threads = [threading.Thread(target=ask, args=(f"worker {number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(found is not None for found in got) == 1


@pytest.mark.parametrize("due", ["null", "clock_timestamp() + interval '1 minute'"])
def test_what_is_not_due_is_not_leased(application: Application, opportunity_id: UUID, due: str) -> None:
    desk.run(application, f"update opportunities set due_at = {due}")

    assert desk.take(application, opportunity_id, "worker") is None


def test_a_lease_left_by_another_process_counts_as_its_crash(
    application: Application, opportunity_id: UUID
) -> None:
    for crashes, holder in enumerate(["first", "second", "third"]):
        opportunity, _ = taken(application, opportunity_id, holder)
        assert opportunity.crashes == crashes
        desk.run(application, EXPIRE)

    again, _ = taken(application, opportunity_id, "third")
    assert again.crashes == 2  # its own lease ran out while the store was down


def test_an_outcome_ends_the_count_of_crashes_only_when_it_says_so(
    application: Application, opportunity_id: UUID
) -> None:
    taken(application, opportunity_id, "dead")
    desk.run(application, EXPIRE)
    opportunity, lease = taken(application, opportunity_id, "alive")

    with application.uow() as uow:
        settled = changed(opportunity, crashes=0)
        assert uow.commit_outcome(opportunity, settled, ON_ACTION, lease) == 0

    assert desk.run(application, SEEN) == [("received", 1, 0, None)]
    assert desk.take(application, opportunity_id, "alive") is None  # nothing is due


def test_a_change_told_during_a_run_is_due_at_once_though_its_outcome_rests(
    application: Application, opportunity_id: UUID
) -> None:
    """The worker that recorded the outcome would go on by itself; here it dies with it."""
    opportunity, lease = taken(application, opportunity_id, "dead")
    desk.receive(application, "006A")

    with application.uow() as uow:
        assert uow.commit_outcome(opportunity, opportunity, ON_ACTION, lease) == 1

    taken(application, opportunity_id, "alive")


def test_a_zombie_records_no_outcome(application: Application, opportunity_id: UUID) -> None:
    opportunity, old = taken(application, opportunity_id, "zombie")
    desk.run(application, EXPIRE)
    taken(application, opportunity_id, "successor")

    for due in (STRAIGHT_ON, HANDED_ON, ON_ACTION, Due(timedelta(seconds=9))):
        with application.uow() as uow:
            assert uow.commit_outcome(opportunity, opportunity, due, old) is None
        with application.uow() as uow:
            assert not uow.opportunities.renew_lease(old)
            uow.commit()

    assert desk.run(application, SEEN) == [("received", 0, 1, "successor")]


WRITES: dict[str, Callable[[Ledger, Effect, Lease], None]] = {
    "intend": lambda ledger, effect, lease: ledger.intend(TENANT, effect, "digest", lease, "00-1-2-01"),
    "mark_sent": lambda ledger, effect, lease: ledger.mark_sent(TENANT, effect, "digest", lease, "00-1-2-01"),
    "confirm": lambda ledger, effect, lease: ledger.confirm(
        TENANT, effect.key, ExternalRecord(outside_id="7"), lease
    ),
    "unsent": lambda ledger, effect, lease: ledger.unsent(TENANT, effect.key, "", lease),
    "reject": lambda ledger, effect, lease: ledger.reject(TENANT, effect.key, "", lease),
    "unknown": lambda ledger, effect, lease: ledger.unknown(TENANT, effect.key, "", lease),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("succeeded", [True, False], ids=["taken by another", "only run out"])
def test_a_zombie_writes_nothing_into_the_ledger(
    application: Application, opportunity_id: UUID, write: str, succeeded: bool
) -> None:
    effect = an_effect(opportunity_id)
    _, old = taken(application, opportunity_id, "zombie")
    with application.uow() as uow:
        WRITES["intend"](uow.ledger, effect, old)
        uow.commit()
    rows = desk.run(application, "select * from effects")
    desk.run(application, EXPIRE)
    if succeeded:
        taken(application, opportunity_id, "successor")

    with application.uow() as uow:
        WRITES[write](uow.ledger, effect, old)
        with pytest.raises(LeaseLost):
            uow.commit()

    assert desk.run(application, "select * from effects") == rows


def test_nobody_takes_the_lease_between_the_ledger_s_check_and_its_commit(
    application: Application, opportunity_id: UUID
) -> None:
    """The lease runs out in between; its successor has to wait, and then sees the write."""
    _, lease = taken(application, opportunity_id, "slow")
    with application.engine.connect() as writing:
        write_before_the_end(application, writing, lease)
        until(lambda: desk.run(application, f"{LEASE_ENDS} where lease_until < clock_timestamp()"), "it ends")
        with application.engine.connect() as other:
            other.exec_driver_sql("set local lock_timeout = '200ms'")
            with pytest.raises(OperationalError, match="lock timeout"):
                PostgresOpportunities(Session(other)).take_lease(opportunity_id, "successor")
        writing.commit()

    assert desk.take(application, opportunity_id, "successor") is not None
    assert desk.run(application, "select state from effects") == [("intended",)]


def write_before_the_end(application: Application, writing: Connection, lease: Lease) -> None:
    """Write under a lease that ends in a moment, or under a longer one where this machine was too slow."""
    for milliseconds in (300, 3_000, 30_000):
        desk.run(
            application,
            f"update opportunities set lease_until = clock_timestamp() + interval '{milliseconds} ms'",
        )
        session = Session(writing)
        try:
            WRITES["intend"](PostgresLedger(session), an_effect(lease.opportunity_id), lease)
            session.flush()
        except LeaseLost:
            writing.rollback()
        else:
            return
    raise AssertionError("the lease always ended before the write")


def test_a_version_that_moved_on_refuses_the_outcome_of_the_lease_s_own_holder(
    application: Application, opportunity_id: UUID
) -> None:
    """A person decided meanwhile; the worker must look again."""
    opportunity, lease = taken(application, opportunity_id, "worker")
    with application.uow() as uow:
        now = uow.opportunities.lock(TENANT, opportunity_id)
        uow.opportunities.change(now, now, HANDED_ON)
        uow.commit()

    with application.uow() as uow:
        assert uow.commit_outcome(opportunity, opportunity, ON_ACTION, lease) is None
    with application.uow() as uow:
        assert uow.opportunities.renew_lease(lease)


def test_a_re_read_asked_for_during_a_run_is_told_to_it_and_is_due_at_once(
    application: Application, opportunity_id: UUID
) -> None:
    opportunity, lease = taken(application, opportunity_id, "worker")
    desk.receive(application, "006A")

    with application.uow() as uow:
        assert uow.commit_outcome(opportunity, opportunity, ON_ACTION, lease) == 1

    again, _ = taken(application, opportunity_id, "worker")
    assert again.reread_due


def test_a_backoff_is_kept_while_an_old_re_read_is_still_to_be_made(
    application: Application, opportunity_id: UUID
) -> None:
    desk.receive(application, "006A")
    opportunity, lease = taken(application, opportunity_id, "worker")
    assert opportunity.reread_due

    with application.uow() as uow:
        uow.commit_outcome(opportunity, opportunity, Due(timedelta(minutes=5)), lease)

    assert desk.take(application, opportunity_id, "worker") is None


def test_a_renewed_lease_ends_later(application: Application, opportunity_id: UUID) -> None:
    _, lease = taken(application, opportunity_id, "here")
    ended = desk.run(application, LEASE_ENDS)

    with application.uow() as uow:
        assert uow.opportunities.renew_lease(lease)
        uow.commit()

    assert desk.run(application, LEASE_ENDS) > ended


def test_a_held_lease_is_renewed_also_when_an_older_one_of_the_same_deal_ends(
    application: Application, opportunity_id: UUID
) -> None:
    """Both are in one process: the older run hung while the store was down, and another thread took over."""
    _, old = taken(application, opportunity_id, "here")
    desk.run(application, EXPIRE)
    _, new = taken(application, opportunity_id, "here")
    keeper = LeaseKeeper(application.uow)
    ends = desk.run(application, LEASE_ENDS)

    with keeper.keep(new):
        with keeper.keep(old):
            pass
        until(lambda: desk.run(application, LEASE_ENDS) != ends, "the lease is renewed")
