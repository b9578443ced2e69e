"""Somebody writes to an opportunity while a worker is about to: the worker reads it again, without a pause."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from oppsync.domain.work.states import State
from oppsync.services.work.commands import RunStage
from sandbox.firm import deals
from tests.harness.house import WON_ON, House
from tests.harness.waiting import somebody_waits, until

SLOW = {"path": "/services/data", "delay_seconds": 60}  # until cleared


def test_a_worker_that_meets_another_writer_at_its_commit_goes_on_at_once(house: House) -> None:
    record_id = str(house.salesforce.win_deal(deals.three_workstreams(WON_ON))["id"])
    house.tell(record_id)
    opportunity_id = house.opportunity(record_id).id
    engine = house.application.engine
    house.salesforce.faults([SLOW])
    with ThreadPoolExecutor(1) as worker:
        work = worker.submit(house.application.dispatch, RunStage(opportunity_id, "validate"))
        until(lambda: house.salesforce.fault_report()[0]["hits"], "the worker reads the record")
        with engine.begin() as other:
            other.execute(
                text("update opportunities set version = version + 1 where id = :id"), {"id": opportunity_id}
            )
            house.salesforce.clear_faults()
            until(lambda: somebody_waits(engine), "the worker waits for the row")
        work.result()
    assert house.state(record_id) is State.AWAITING_APPROVAL
