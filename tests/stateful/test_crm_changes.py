"""Named histories of deals that change, vanish or come back in the CRM."""

from __future__ import annotations

from datetime import timedelta

import pytest

from oppsync.domain.plan.plan import LineKind
from oppsync.domain.values.model import changed
from oppsync.domain.work.exceptions import ExceptionStatus
from oppsync.domain.work.states import State
from tests.stateful import checks
from tests.stateful.anew import keys_of, stopped_deal
from tests.stateful.faults import Kind, Trouble
from tests.stateful.scenes import approved_deal, codes, waiting_deal, work
from tests.stateful.simulation import Simulation


def test_a_delivery_that_comes_again_changes_nothing(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    firm.deliver(firm.deliveries[0])
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL


def test_a_change_after_the_first_mark_leaves_the_plan_as_it_was_approved(firm: Simulation) -> None:
    record_id = approved_deal(firm, 1)
    work(firm, record_id, Trouble(Kind.LOST_AFTER))
    assert firm.state(record_id) is State.APPROVED
    approved = firm.find(record_id).tracked.plan_hash
    firm.reprice(record_id)
    firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    assert firm.find(record_id).tracked.plan_hash == approved
    assert codes(firm, record_id) == ["CHANGED_AFTER_APPROVAL"]
    checks.at_the_end(firm)


@pytest.mark.parametrize("told", [True, False])
def test_a_change_before_the_first_mark_is_planned_and_approved_anew(firm: Simulation, told: bool) -> None:
    """Also when nobody tells of it: the record is read once more before anything is created."""
    record_id = approved_deal(firm, 1)
    work(firm, record_id, Trouble(Kind.VENDOR_AWAY))
    assert firm.state(record_id) is State.APPROVED
    approved = firm.find(record_id).tracked.plan_hash
    firm.reprice(record_id)
    if told:
        firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert firm.find(record_id).tracked.plan_hash != approved
    assert firm.outside.erp.books.things == []
    firm.approve(record_id)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_changed_and_changed_back_before_the_first_mark_is_no_change(firm: Simulation) -> None:
    record_id = approved_deal(firm, 1)
    work(firm, record_id, Trouble(Kind.VENDOR_AWAY))
    before = firm.outside.crm[record_id].now
    firm.reprice(record_id)
    firm.change(record_id, lines=before.lines, amount=before.amount)
    firm.settle()

    assert firm.state(record_id) is State.ACTIVE
    assert codes(firm, record_id) == []
    checks.at_the_end(firm)


def test_deleted_before_the_first_mark_nothing_is_created(firm: Simulation) -> None:
    """Though the ERP was away, so that it was approved long before."""
    record_id = approved_deal(firm)
    firm.away.add("erp")
    work(firm, record_id)
    firm.delete(record_id)
    firm.away.clear()
    firm.settle()

    assert firm.state(record_id) is State.PARKED
    assert codes(firm, record_id) == ["CRM_RECORD_GONE"]
    assert firm.outside.erp.books.things == []

    firm.restore(record_id)
    firm.tell(record_id)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE
    assert codes(firm, record_id) == []
    checks.at_the_end(firm)


def test_deleted_while_it_was_being_created_it_stays_as_it_is_until_it_is_given_up(firm: Simulation) -> None:
    record_id = stopped_deal(firm, writes=4)
    there = keys_of(firm)
    firm.delete(record_id)
    firm.tell(record_id)
    firm.settle()
    assert "CRM_RECORD_GONE" in codes(firm, record_id)
    assert keys_of(firm) == there

    firm.give_up(record_id)
    firm.settle()
    assert (firm.state(record_id), codes(firm, record_id), keys_of(firm)) == (State.WITHDRAWN, [], [])


def test_a_person_dismisses_what_was_deleted_and_it_is_withdrawn(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    firm.delete(record_id)
    firm.tell(record_id)
    firm.settle()
    firm.dismiss(firm.open_items_of(record_id)[0])
    assert firm.state(record_id) is State.WITHDRAWN
    assert codes(firm, record_id) == []

    firm.restore(record_id)
    firm.tell(record_id)
    firm.settle()
    assert firm.state(record_id) is State.AWAITING_APPROVAL
    firm.approve(record_id)
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE
    checks.at_the_end(firm)


def test_dismissed_while_the_news_of_its_return_waits_it_comes_back_all_the_same(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    firm.delete(record_id)
    firm.tell(record_id)
    firm.settle()
    firm.restore(record_id)
    firm.tell(record_id)
    firm.dismiss(firm.open_items_of(record_id)[0])
    checks.always(firm)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL


def test_what_a_person_approved_is_read_once_more_and_no_oftener(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    read = firm.crm_reads.count(record_id)
    work(firm, record_id)

    assert firm.state(record_id) is State.ACTIVE
    assert firm.crm_reads.count(record_id) == read + 1


def test_a_re_read_that_meets_a_bug_waits_for_a_person_and_not_for_itself(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    firm.tell(record_id)
    work(firm, record_id, Trouble(Kind.BUG))

    assert firm.state(record_id) is State.PARKED
    assert not firm.find(record_id).tracked.reread_due
    firm.settle()
    checks.at_the_end(firm)


def test_an_older_reading_changes_nothing(firm: Simulation) -> None:
    record_id = waiting_deal(firm)
    known = firm.find(record_id).tracked
    firm.reprice(record_id)
    record = firm.outside.crm[record_id]
    record.versions.append(changed(record.now, modified_at=record.versions[0].modified_at - timedelta(1)))
    firm.tell(record_id)
    firm.settle()

    assert firm.find(record_id).tracked.plan_hash == known.plan_hash
    assert firm.find(record_id).tracked.record == known.record


def test_a_change_told_while_its_stage_runs_is_read_at_once(firm: Simulation) -> None:
    for nth in range(12):
        record_id = firm.win(1)
        firm.tell(record_id)
        work(firm, record_id, Trouble(Kind.PAUSED, nth, ("the deal gets dearer",)))
        firm.settle()
        checks.at_the_end(firm)


def test_what_was_fixed_in_the_crm_counts_on_a_replay(firm: Simulation) -> None:
    record_id = firm.win(account="CUST-404")
    firm.tell(record_id)
    firm.settle()
    assert codes(firm, record_id) == ["ACCOUNT_UNKNOWN"]
    account = firm.outside.crm[record_id].now.account
    assert account is not None
    firm.change(record_id, account=changed(account, code="CUST-1001"))  # without a notification
    firm.replay(firm.open_items()[0])
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert [item.status for item in firm.world.items()] == [ExceptionStatus.REPLAYED]


@pytest.mark.parametrize("learned", [False, True])
def test_a_billing_model_that_the_erp_cannot_hold_is_agreed_otherwise_or_learned(
    firm: Simulation, learned: bool
) -> None:
    """As `BILLING_MODEL_UNSUPPORTED` says: sales agrees another model, or a later release can set it up."""
    firm.outside.erp.line_kinds = frozenset(LineKind) - {LineKind.MILESTONE}
    record_id = firm.win(1)
    firm.tell(record_id)
    firm.settle()
    (item,) = firm.open_items_of(record_id)
    assert (item.code, item.owner) == ("BILLING_MODEL_UNSUPPORTED", "integration")
    assert firm.state(record_id) is State.PARKED

    if learned:
        firm.outside.erp.line_kinds = frozenset(LineKind)
        firm.replay(item)
    else:
        firm.resell(record_id, 0)
        firm.tell(record_id)
    firm.settle()
    firm.approve(record_id)
    firm.settle()

    assert (firm.state(record_id), codes(firm, record_id)) == (State.ACTIVE, [])
    checks.at_the_end(firm)


def test_what_was_lost_in_the_crm_counts_on_a_replay_too(firm: Simulation) -> None:
    record_id = approved_deal(firm)
    work(firm, record_id, Trouble(Kind.REJECTED))
    firm.change(record_id, is_won=False)  # without a notification
    firm.replay(firm.open_items()[0])
    firm.settle()

    assert firm.state(record_id) is State.WITHDRAWN
    assert firm.outside.erp.books.things == []


def test_a_fixed_and_told_deal_closes_its_item_and_no_other(firm: Simulation) -> None:
    record_id, other = (firm.win(account="CUST-404") for _ in range(2))
    firm.tell(record_id, other)
    firm.settle()
    account = firm.outside.crm[record_id].now.account
    assert account is not None
    firm.change(record_id, account=changed(account, code="CUST-1001"))
    firm.tell(record_id)
    firm.settle()

    assert firm.state(record_id) is State.AWAITING_APPROVAL
    assert codes(firm, record_id) == []
    assert codes(firm, other) == ["ACCOUNT_UNKNOWN"]


def test_a_replay_goes_on_where_it_stopped(firm: Simulation) -> None:
    record_id = approved_deal(firm, 2)
    work(firm, record_id, Trouble(Kind.REJECTED, 2))
    firm.settle()
    there = len(firm.outside.erp.books.things)
    (item,) = firm.open_items()
    firm.replay(item)

    assert firm.state(record_id) is State.APPROVED
    firm.settle()
    assert firm.state(record_id) is State.ACTIVE
    assert there == 2
    checks.at_the_end(firm)
