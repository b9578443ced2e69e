"""The log says which deal stopped, where and why, and nothing of what is in it."""

from __future__ import annotations

import pytest
import structlog
from structlog.testing import LogCapture

from oppsync.domain.work.states import State
from sandbox.firm import deals
from sandbox.firm.install import ERP_CONNECTION
from tests.harness.house import WON_ON, House
from tests.service.test_dead_letters import break_creation


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> LogCapture:
    capture = LogCapture()
    monkeypatch.setattr("adapters.runtime.logs.log", structlog.wrap_logger(None, processors=[capture]))
    return capture


def test_a_deal_that_is_parked_has_a_line_with_its_codes(house: House, logged: LogCapture) -> None:
    house.rows("delete from reference_rows where kind = 'cost_centre'")
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    assert house.state(record_id) is State.PARKED
    (line,) = [each for each in logged.entries if each["event"] == "deal_parked"]
    assert (line["opportunity_id"], line["stage"]) == (str(house.opportunity(record_id).id), "enrich")
    assert "COST_CENTRE_MISSING" in line["codes"]
    assert set(line) == {"event", "log_level", "opportunity_id", "stage", "codes"}


def test_a_dead_letter_has_a_line_of_its_own_and_no_second_one(house: House, logged: LogCapture) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    break_creation(house, record_id)
    house.approve(record_id)
    house.settle()

    (line,) = [each for each in logged.entries if each["event"] in ("dead_letter", "deal_parked")]
    assert (line["event"], line["code"]) == ("dead_letter", "BUG")
    assert line["opportunity_id"] == str(house.opportunity(record_id).id)


def test_a_deal_that_is_tried_again_has_a_line_for_each_try(house: House, logged: LogCapture) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.connect(ERP_CONNECTION, base_url="http://127.0.0.1:1")
    house.approve(record_id)
    house.work_later(times=2)

    lines = [each for each in logged.entries if each["event"] == "deal_deferred"]
    assert len(lines) == house.timeline(record_id).count("stage.deferred.v1") > 1
    assert {each["opportunity_id"] for each in lines} == {str(house.opportunity(record_id).id)}
    assert {each["stage"] for each in lines} == {"create_projects"}
    assert [each["tries"] for each in lines] == list(range(1, len(lines) + 1))
    assert {each["code"] for each in lines} == {"VENDOR_UNAVAILABLE"}
