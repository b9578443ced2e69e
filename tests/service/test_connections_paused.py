"""A connection is paused, resumed and removed: nothing is lost, and what waits goes on."""

from __future__ import annotations

import pytest

from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, NotFound
from oppsync.services.admin.commands import PauseConnection, RemoveConnection, ResumeConnection
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION, ERP_CONNECTION, PSA_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House


def pause(house: House, connection_id: str) -> None:
    house.application.dispatch(PauseConnection(TENANT, COMMAND_LINE, connection_id))


def resume(house: House, connection_id: str) -> None:
    house.application.dispatch(ResumeConnection(TENANT, COMMAND_LINE, connection_id))


def test_what_is_won_while_the_crm_is_paused_is_kept_and_goes_on_when_it_is_resumed(house: House) -> None:
    pause(house, CRM_CONNECTION)
    house.salesforce.clear_requests()

    record_id = house.win(deals.fixed_fee(WON_ON))
    house.work()
    house.poll()

    assert house.state(record_id) is State.RECEIVED
    assert "is paused" in (house.opportunity(record_id).waits_for or "")
    assert house.salesforce.requests() == []
    assert house.application.queries.exceptions(TENANT).rows == ()

    resume(house, CRM_CONNECTION)
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.opportunity(record_id).waits_for is None


def test_an_approved_deal_waits_for_a_paused_erp_however_often_it_looks_and_is_told_once(house: House) -> None:
    record_id = house.win(deals.fixed_fee(WON_ON))
    house.settle()
    pause(house, ERP_CONNECTION)
    house.approve(record_id)
    for _ in range(12):
        house.rows("update opportunities set due_at = clock_timestamp() where due_at is not null")
        house.work()

    assert house.state(record_id) is State.APPROVED
    told = [entry for entry in house.entries(record_id) if "is paused" in entry.summary]
    assert len(told) == 1

    resume(house, ERP_CONNECTION)
    house.settle()
    assert house.state(record_id) is State.ACTIVE


@pytest.mark.parametrize("connection_id", [CRM_CONNECTION, ERP_CONNECTION, PSA_CONNECTION])
def test_a_connection_is_not_removed_under_a_deal(house: House, connection_id: str) -> None:
    record_id = house.win(deals.fixed_fee(WON_ON))
    house.settle()
    name = house.opportunity(record_id).name
    assert name

    with pytest.raises(Conflict, match=f"1 deal under way goes by .*{name}"):
        house.application.dispatch(RemoveConnection(TENANT, COMMAND_LINE, connection_id))

    house.lose(record_id)
    house.settle()
    assert house.state(record_id) is State.WITHDRAWN
    house.application.dispatch(RemoveConnection(TENANT, COMMAND_LINE, connection_id))
    with house.application.uow() as uow, pytest.raises(NotFound):
        uow.connections.get(connection_id)
    assert house.opportunity(record_id).name == name
    assert house.timeline(record_id)
