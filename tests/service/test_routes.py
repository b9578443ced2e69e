"""Routes of the configuration say which of several connected systems a deal goes to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.reading.backtest import Backtest, Way
from oppsync.domain.reading.open_deals import DealEffect, Fate
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.states import State
from oppsync.services.configuration.commands import BacktestConfiguration, CompareConfiguration
from sandbox.firm import deals
from sandbox.firm.demo_firm import bundle
from sandbox.firm.install import ERP_CONNECTION, PSA_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.house import FINANCE, WON_ON, House

K = ReferenceKind
FIRM, ROWS = bundle()
HERE, ELSEWHERE, PSA = "Tryton", "Books of the other group", "Kantata (stand-in)"


def connect_another(house: House, name: str = ELSEWHERE) -> None:
    """A second ERP, which sorts first and has no such database: a deal that goes there is stopped."""
    with house.application.uow() as uow:
        known = uow.connections.get(ERP_CONNECTION)
        other = {"id": "a-second-erp", "name": name, "settings": known.settings | {"database": "none"}}
        uow.connections.put(changed(known, **other), uow.connections.secrets(ERP_CONNECTION))
        uow.commit()


def a_route(
    key: str, connection: str | None, since: date = date(2025, 1, 1), ends: date | None = None
) -> ReferenceRow:
    value = {"connection": connection}
    return ReferenceRow(kind=K.ROUTE, key=key, valid_from=since, valid_to=ends, value=value)


def route(
    house: House, key: str, connection: str | None, since: date = date(2025, 1, 1), ends: date | None = None
) -> None:
    with house.application.uow() as uow:
        uow.references.put(TENANT, a_route(key, connection, since, ends))
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


def connect_the_same_again(house: House) -> None:
    """A second connection to the same Tryton, under another name."""
    with house.application.uow() as uow:
        known = uow.connections.get(ERP_CONNECTION)
        other = changed(known, id="a-second-erp", name=ELSEWHERE)
        uow.connections.put(other, uow.connections.secrets(ERP_CONNECTION))
        uow.commit()


def test_a_corrected_route_moves_a_deal_that_waits_and_everybody_is_asked_again(house: House) -> None:
    connect_the_same_again(house)
    route(house, "erp|*|*|*", HERE)
    record_id = house.to_approval(deals.milestone(WON_ON))
    finance = house.tasks(record_id)[ApprovalRole.FINANCE]
    house.decide(finance, FINANCE)
    house.settle()
    first = house.plan(record_id)

    route(house, "erp|*|*|*", ELSEWHERE)
    house.edit(record_id, owner={"Name": "Sam Seller", "Email": "sam.seller@acme.example"})
    house.tell(record_id)
    house.settle()

    again = house.plan(record_id)
    assert again.hash == first.hash
    assert again.plan.systems == PlanSystems(erp="a-second-erp", psa=PSA_CONNECTION)
    asked = house.tasks(record_id)
    assert {task.status for task in asked.values()} == {TaskStatus.OPEN}
    assert asked[ApprovalRole.FINANCE].id != finance.id
    made = [entry for entry in house.entries(record_id) if entry.type == "plan.made.v1"][-1]
    assert made.summary.endswith(f"goes to a-second-erp and {PSA_CONNECTION} now")

    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
    called = house.rows("select distinct connection_id from vendor_calls where stage = 'create_projects'")
    assert {each["connection_id"] for each in called} >= {"a-second-erp"}
    assert ERP_CONNECTION not in {each["connection_id"] for each in called}


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


def test_a_second_erp_without_any_route_stops_new_deals_and_leaves_planned_ones(house: House) -> None:
    planned = house.to_approval(deals.milestone(WON_ON))
    connect_the_same_again(house)

    new = house.win(deals.fixed_fee(WON_ON))
    house.approve(planned)
    house.settle()

    assert house.state(planned) is State.ACTIVE
    item = house.exception(new)
    assert item.code == "CONNECTION_MISCONFIGURED"
    assert "no row of the role erp for ACME-US, NA, Advisory on 2026-03-02, and 2 are connected" in item.message
    route(house, "erp|*|*|*", HERE)
    house.replay(item)
    house.settle()
    assert house.plan(new).plan.systems == PlanSystems(erp=ERP_CONNECTION, psa=PSA_CONNECTION)


def test_a_backtest_takes_none_of_several_without_a_route_for_the_one_of_now(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    connect_the_same_again(house)

    found = backtest(house, [*ROWS, a_route("erp|*|*|*", HERE)])

    assert (found.freed, [each.source_id for each in found.rows]) == (1, [record_id])
    assert "no row of the role erp" in found.rows[0].what


def test_a_plan_names_the_rows_that_chose_its_systems(house: House) -> None:
    connect_another(house)
    route(house, "erp|*|*|*", ELSEWHERE)
    route(house, "erp|ACME-DE|*|*", HERE)
    route(house, "psa|*|*|*", None)

    record_id = house.to_approval(deals.milestone(WON_ON))

    used = {each.key for each in house.plan(record_id).plan.provenance.reference if each.kind is K.ROUTE}
    assert used == {"erp|ACME-DE|*|*", "psa|*|*|*"}


def test_a_changed_route_is_compared_by_where_it_would_lead_open_deals(house: House) -> None:
    connect_another(house)
    route(house, "erp|*|*|*", HERE)
    record_id = house.to_approval(deals.milestone(WON_ON))
    now = house.plan(record_id).plan

    elsewhere = effect(house, [*ROWS, a_route("erp|*|*|*", ELSEWHERE)])
    nobody = effect(house, [*ROWS, a_route("erp|*|*|*", "Tryton of Hamburg")])
    without = effect(house, [*ROWS, a_route("erp|*|*|*", HERE), a_route("psa|*|*|*", None)])

    assert (elsewhere.fate, elsewhere.source_id) == (Fate.OTHER_SYSTEMS, record_id)
    assert elsewhere.what == f"goes to {ELSEWHERE} and {PSA} instead of {HERE} and {PSA}"
    assert nobody.fate is Fate.STOPPED
    assert "sends this deal to the ERP 'Tryton of Hamburg', and none is connected" in nobody.what
    assert (without.fate, without.what) == (Fate.OTHER_SYSTEMS, f"goes to {HERE} instead of {HERE} and {PSA}")
    assert house.plan(record_id).plan == now


def test_a_backtest_goes_by_the_routes_of_both(house: House) -> None:
    connect_another(house)
    route(house, "erp|*|*|*", HERE)
    record_id = house.to_approval(deals.milestone(WON_ON))

    same = backtest(house, [*ROWS, a_route("erp|*|*|*", HERE)])
    elsewhere = backtest(house, [*ROWS, a_route("erp|*|*|*", ELSEWHERE)])
    nobody = backtest(house, [*ROWS, a_route("erp|*|*|*", "Tryton of Hamburg")])

    assert (same.tried, same.differing) == (1, 0)
    (found,) = elsewhere.rows
    assert (found.source_id, found.ways) == (record_id, (Way.ROUTED,))
    assert found.what == f"goes to {ELSEWHERE} and {PSA} instead of {HERE} and {PSA}"
    assert (nobody.stopped, nobody.rows[0].ways) == (1, (Way.ROUTED,))
    assert "'Tryton of Hamburg', and none is connected" in nobody.rows[0].what


def test_past_deals_are_judged_by_what_the_erp_of_the_new_route_can_do(house: House) -> None:
    connect_another(house)
    route(house, "erp|*|*|*", HERE)
    house.to_approval(deals.milestone(WON_ON))
    house.rows("update plan_inputs set content = jsonb_set(content, '{erp,line_kinds}', '[]')")

    found = backtest(house, [*ROWS, a_route("erp|*|*|*", ELSEWHERE)])

    assert found.freed == 1


def backtest(house: House, rows: Sequence[ReferenceRow]) -> Backtest:
    return house.application.dispatch(BacktestConfiguration(TENANT, COMMAND_LINE, rows, 100))


def effect(house: House, rows: Sequence[ReferenceRow]) -> DealEffect:
    command = CompareConfiguration(TENANT, COMMAND_LINE, FIRM, tuple(rows))
    (found,) = house.application.dispatch(command).open_deals.rows
    return found
