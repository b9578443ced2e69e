"""Routes of the configuration say which of several connected systems a deal goes to."""

from __future__ import annotations

from datetime import date

from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from sandbox.firm import deals
from sandbox.firm.install import ERP_CONNECTION, PSA_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House

HERE, ELSEWHERE = "Tryton", "Books of the other group"


def connect_another(house: House, name: str = ELSEWHERE) -> None:
    """A second ERP, which sorts first and has no such database: a deal that goes there is stopped."""
    with house.application.uow() as uow:
        known = uow.connections.get(ERP_CONNECTION)
        other = {"id": "a-second-erp", "name": name, "settings": known.settings | {"database": "none"}}
        uow.connections.put(changed(known, **other), uow.connections.secrets(ERP_CONNECTION))
        uow.commit()


def route(
    house: House, key: str, connection: str | None, since: date = date(2025, 1, 1), ends: date | None = None
) -> None:
    value = {"connection": connection}
    row = ReferenceRow(kind=ReferenceKind.ROUTE, key=key, valid_from=since, valid_to=ends, value=value)
    with house.application.uow() as uow:
        uow.references.put(TENANT, row)
        uow.commit()


def test_deals_go_to_the_erp_of_their_route_and_become_active_there(house: House) -> None:
    connect_another(house)
    route(house, "erp|*|*|*", ELSEWHERE)
    route(house, "erp|ACME-DE|*|*", HERE)

    record_id = house.to_approval(deals.milestone(WON_ON))
    assert house.plan(record_id).plan.systems == PlanSystems(erp=ERP_CONNECTION, psa=PSA_CONNECTION)
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE


def test_a_route_holds_for_deals_won_on_its_days(house: House) -> None:
    connect_another(house)
    route(house, "erp|*|DACH|*", ELSEWHERE, ends=WON_ON)
    route(house, "erp|*|DACH|*", HERE, since=WON_ON)

    record_id = house.to_approval(deals.milestone(WON_ON))

    assert house.plan(record_id).plan.systems == PlanSystems(erp=ERP_CONNECTION, psa=PSA_CONNECTION)


def test_where_a_route_names_no_psa_nobody_is_requested_there(house: House) -> None:
    route(house, "psa|ACME-DE|*|*", None)

    record_id = house.to_approval(deals.milestone(WON_ON))
    assert house.plan(record_id).plan.systems == PlanSystems(erp=ERP_CONNECTION)
    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert not [each for each in house.kantata.workspaces() if f":{record_id}:" in each["external_reference"]]


def test_a_route_to_what_is_not_connected_stops_the_deal_until_it_is(house: House) -> None:
    route(house, "erp|*|*|*", "Tryton of Hamburg")
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    item = house.exception(record_id)
    assert item.code == "CONNECTION_MISCONFIGURED"
    assert (
        "sends this deal to the ERP 'Tryton of Hamburg', and none is connected under that name" in item.message
    )
    with house.application.uow() as uow:
        known = uow.connections.get(ERP_CONNECTION)
        uow.connections.put(
            changed(known, name="Tryton of Hamburg"), dict(uow.connections.secrets(ERP_CONNECTION))
        )
        uow.commit()
    house.replay(item)
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL


def test_two_of_one_name_and_several_without_a_route_stop_the_deal_too(house: House) -> None:
    connect_another(house, name=HERE)
    route(house, "erp|ACME-DE|*|*", HERE)
    twins, unrouted = house.win(deals.milestone(WON_ON)), house.win(deals.fixed_fee(WON_ON))
    house.settle()

    assert "and several are connected under that name" in house.exception(twins).message
    told = house.exception(unrouted).message
    assert "no row of the role erp for ACME-US, NA, Advisory on 2026-03-02, and 2 are connected" in told
