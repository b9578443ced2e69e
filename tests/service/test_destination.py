"""A deal's ERP and PSA are chosen once, when it is planned, whatever is connected later."""

from __future__ import annotations

from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from sandbox.firm import deals
from sandbox.firm.install import ERP_CONNECTION, PSA_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House

NOWHERE = "http://127.0.0.1:9"


def connect_others(house: House) -> None:
    """A second ERP and a second PSA with ids that sort first, at addresses that do not answer."""
    with house.application.uow() as uow:
        for known in (ERP_CONNECTION, PSA_CONNECTION):
            connection = uow.connections.get(known)
            other = {"id": f"a-new-{known}", "settings": connection.settings | {"base_url": NOWHERE}}
            uow.connections.put(changed(connection, **other), uow.connections.secrets(known))
        uow.commit()


def written_to(house: House) -> set[str]:
    return {row["connection_id"] for row in house.rows("select distinct connection_id from effects")}


def test_an_approved_plan_goes_where_it_was_planned_to_go(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    assert house.plan(record_id).plan.systems == PlanSystems(erp=ERP_CONNECTION, psa=PSA_CONNECTION)
    connect_others(house)

    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert {ERP_CONNECTION, PSA_CONNECTION} <= written_to(house)
    assert not any(each.startswith("a-new-") for each in written_to(house))


def test_a_lost_deal_is_looked_for_in_the_erp_of_its_plan(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    connect_others(house)

    house.lose(record_id)
    house.settle()

    assert house.state(record_id) is State.WITHDRAWN


def test_a_plan_of_a_release_that_knew_one_erp_alone_goes_to_the_one_there_is(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.rows("update plans set erp = null, psa = null")
    assert house.plan(record_id).plan.systems is None

    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert {ERP_CONNECTION, PSA_CONNECTION} <= written_to(house)


def test_where_a_plan_goes_is_no_part_of_its_hash(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    plan = house.plan(record_id).plan

    assert plan.systems is not None
    assert changed(plan, systems=None).hash == plan.hash


def test_a_plan_whose_erp_is_gone_waits_for_a_person(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.rows(f"update connections set id = 'renamed' where id = '{ERP_CONNECTION}'")

    house.approve(record_id)
    house.settle()

    (item,) = house.application.queries.exceptions(TENANT).rows
    assert item.code == "CONNECTION_MISCONFIGURED"
    assert f"goes to the connection {ERP_CONNECTION}, which does not exist any more" in item.message


def test_a_connection_of_another_role_is_not_taken_for_an_erp(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.rows(f"update plans set erp = '{PSA_CONNECTION}'")

    house.approve(record_id)
    house.settle()

    (item,) = house.application.queries.exceptions(TENANT).rows
    assert f"{PSA_CONNECTION} is of the role psa, not projects" in item.message
