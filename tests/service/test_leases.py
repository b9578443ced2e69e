"""Who may work a deal, how far a run goes, and what happens to a worker that lost its lease."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID

from adapters.bootstrap import Application
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.states import State
from oppsync.services.work.commands import RunStage
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.gate import Gate
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books


def outbox(house: House) -> list[str]:
    return [str(row["stage"]) for row in house.rows("delete from outbox returning stage")]


def won(house: House) -> tuple[str, UUID]:
    record_id = house.win(deals.milestone(WON_ON))
    return record_id, house.opportunity(record_id).id


def test_one_message_is_enough_for_all_that_is_due_at_once(house: House) -> None:
    record_id, opportunity_id = won(house)
    assert outbox(house) == ["validate"]

    house.application.dispatch(RunStage(opportunity_id, "validate"))

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert outbox(house) == []  # it went straight on
    house.approve(record_id)
    assert outbox(house) == ["approve", "approve"]
    house.application.dispatch(RunStage(opportunity_id, "approve"))
    assert house.state(record_id) is State.ACTIVE
    assert outbox(house) == []


def test_a_worker_that_stops_hands_on_after_the_stage_that_runs(house: House) -> None:
    record_id, opportunity_id = won(house)
    outbox(house)
    house.application.stopping.set()

    passed = []
    stage = "validate"
    for _ in range(4):
        house.application.dispatch(RunStage(opportunity_id, stage))
        passed.append(stage)
        (stage,) = outbox(house)
        assert house.rows("select lease_holder from opportunities") == [{"lease_holder": None}]

    assert passed == ["validate", "enrich", "split_workstreams", "approve"]
    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_a_message_that_comes_late_or_twice_does_nothing(house: House, books: Books) -> None:
    record_id, opportunity_id = won(house)
    house.settle()
    version = house.rows("select version from opportunities")
    for stage in ("validate", "enrich", "approve", "create_projects"):
        house.application.dispatch(RunStage(opportunity_id, stage))
    assert house.rows("select version from opportunities") == version

    house.approve(record_id)
    house.settle()
    for stage in ("validate", "approve", "create_projects", "write_back"):
        house.application.dispatch(RunStage(opportunity_id, stage))

    assert house.state(record_id) is State.ACTIVE
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_a_message_for_another_stage_hands_on_to_the_one_that_is_due(house: House) -> None:
    record_id, opportunity_id = won(house)
    outbox(house)

    house.application.dispatch(RunStage(opportunity_id, "create_projects"))

    assert house.state(record_id) is State.RECEIVED
    assert outbox(house) == ["validate"]
    house.application.dispatch(RunStage(opportunity_id, "validate"))
    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_messages_for_many_workers_at_once_make_one_tree(
    house: House, applications: Callable[[], Application], books: Books
) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.approve(record_id)
    opportunity_id = house.opportunity(record_id).id
    workers = [applications() for _ in range(3)]
    start = threading.Barrier(len(workers))

    def work(worker: Application) -> None:
        start.wait()
        for stage in ("approve", "create_projects", "write_back"):
            worker.dispatch(RunStage(opportunity_id, stage))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)
    assert len(house.kantata.workspaces()) == len({w["external_reference"] for w in house.kantata.workspaces()})
    not_sent = {EffectKind.NOTIFICATION, EffectKind.PSA_WRITE_BACK}
    sent = [row for row in house.effects(record_id) if row.kind not in not_sent]
    assert {row.attempts for row in sent} == {1}


def test_a_zombie_s_create_is_found_by_its_successor_and_its_answer_is_not_recorded(
    house: House, applications: Callable[[], Application], gate: Gate, books: Books
) -> None:
    """Another worker takes the lease while the ERP carries out the first one's create."""
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.approve(record_id)
    taken = "update opportunities set lease_token = lease_token + 1, lease_until = now() - interval '1 s'"
    gate.at_write(1, lambda: house.rows(taken + ", lease_holder = 'another'"))

    house.application.dispatch(RunStage(house.opportunity(record_id).id, "approve"))

    assert house.state(record_id) is State.APPROVED
    (parent,) = (row for row in house.effects(record_id) if row.kind == "parent")
    assert parent.state == "sent"
    assert len(erp.works(books, record_id)) == 1

    house.settle_later()

    assert house.state(record_id) is State.ACTIVE
    erp.check_landed(books, record_id, house.plan(record_id).plan.content)


def test_a_deal_that_killed_its_worker_three_times_is_set_aside_and_can_be_replayed(house: House) -> None:
    record_id, _ = won(house)
    dies = "update opportunities set lease_until = now() - interval '1 s', lease_holder = 'dead', crashes = 2"
    house.rows(dies)

    house.settle()

    item = house.exception(record_id)
    assert (item.code, item.disposition, item.owner) == ("WORKER_CRASHED", "dead_letter", "operations")
    assert house.opportunity(record_id).resume_state is State.RECEIVED
    house.replay(item)
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE
