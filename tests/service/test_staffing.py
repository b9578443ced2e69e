"""The staff that a deal's templates need is requested in the PSA: once each, whatever happens in between."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from adapters.connectors.http.client import HttpClient
from oppsync.domain.effects.effects import EffectState, LedgerRow
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.states import State
from oppsync.services.queue.commands import Compensate
from sandbox.firm import deals
from sandbox.firm.install import PSA_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.house import IMPATIENT, WON_ON, House

RESOURCES, ALLOCATIONS = "/api/v1/workspace_resources", "/api/v1/workspace_allocations"
BUDGET = [
    {"role": "Senior Consultant", "percent": "40"},
    {"role": "Consultant", "percent": "60", "location": "NA"},
]
# How a request goes wrong, and what is known of it afterwards.
FAULTS: dict[str, tuple[dict[str, Any], EffectState]] = {
    "500 before commit": ({"path": RESOURCES, "status": 500}, EffectState.UNKNOWN),
    "500 after commit": ({"path": RESOURCES, "status": 500, "after_commit": True}, EffectState.UNKNOWN),
    "half made, then 500": ({"path": ALLOCATIONS, "status": 500}, EffectState.UNKNOWN),
    "half made, then 429": ({"path": ALLOCATIONS, "status": 429, "retry_after": 60}, EffectState.UNKNOWN),
    "made, then dropped": (
        {"path": ALLOCATIONS, "drop_connection": True, "after_commit": True},
        EffectState.UNKNOWN,
    ),
    "hangs after commit": ({"path": ALLOCATIONS, "hang": True, "after_commit": True}, EffectState.UNKNOWN),
    "429": ({"path": RESOURCES, "status": 429, "retry_after": 60}, EffectState.INTENDED),
}


@pytest.fixture
def record_id(house: House) -> str:
    house.connect(PSA_CONNECTION, timeout=2.0)
    return staffed(house)


def staffed(house: House) -> str:
    """An approved deal of 400 hours whose template requests two people."""
    template = {"code": "TPL-CLOUD-STAFFED", "name": "Cloud, staffed", "budget": BUDGET}
    row = ReferenceRow(
        kind=ReferenceKind.PROJECT_TEMPLATE,
        key="CLOUD|DACH|milestone",
        valid_from=date(2025, 1, 1),
        value=template,
    )
    with house.application.uow() as uow:
        uow.references.put(TENANT, row)
        uow.commit()
    record_id = house.to_approval(deals.milestone(WON_ON))
    house.approve(record_id)
    return record_id


def resources(house: House, record_id: str) -> list[dict[str, Any]]:
    """The resources in the PSA's own books."""
    return [each for each in house.kantata.resources() if f":{record_id}:" in each["service_model_ref"]]


def requested(house: House, record_id: str) -> dict[str, tuple[str, int]]:
    """The end of our key -> text and minutes, of all requests in the PSA."""
    found = resources(house, record_id)
    told = {
        each["service_model_ref"].partition("/staffing/")[2]: (
            ", ".join(allocation["notes"] for allocation in each["allocations"]),
            int(sum(allocation["minutes"] for allocation in each["allocations"])),
        )
        for each in found
    }
    assert len(told) == len(found), "somebody is asked for twice"
    return told


NEEDED = {
    "senior-consultant/dach": ("Senior Consultant in DACH", 160 * 60),
    "consultant/na": ("Consultant in NA", 240 * 60),
}


def requests(house: House, record_id: str) -> list[LedgerRow]:
    return [row for row in house.effects(record_id) if row.kind is EffectKind.STAFFING]


def write_back_again(house: House, record_id: str) -> None:
    house.rows("update opportunities set state = 'created', due_at = now() where source_id = :id", id=record_id)
    house.settle()


def test_an_active_deal_has_asked_for_each_role_once(house: House, record_id: str) -> None:
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert requested(house, record_id) == NEEDED
    assert {row.state for row in requests(house, record_id)} == {EffectState.CONFIRMED}
    (project,) = (row for row in house.effects(record_id) if row.kind is EffectKind.PSA_PROJECT)
    assert {f"{each['workspace_id']:.0f}" for each in resources(house, record_id)} == {project.outside_id}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_role_is_asked_for_once_whatever_happens_to_the_first_try(
    house: House, record_id: str, fault: str
) -> None:
    rule, after = FAULTS[fault]
    house.kantata.faults([{"method": "POST", **rule}])
    if "hang" in rule:
        house.connect(PSA_CONNECTION, timeout=IMPATIENT)
    house.work()
    assert house.state(record_id) is State.CREATED
    states = [row.state for row in requests(house, record_id)]
    assert after in states
    # Those beside it were made, or held back by the vendor's limit, before their first half or after it.
    assert set(states) <= {after, EffectState.CONFIRMED, EffectState.INTENDED, EffectState.UNKNOWN}

    house.settle_later()

    assert house.state(record_id) is State.ACTIVE
    assert requested(house, record_id) == NEEDED


def test_a_write_back_that_runs_again_asks_nobody_again(house: House, record_id: str) -> None:
    house.settle()
    house.kantata.clear_requests()

    write_back_again(house, record_id)

    assert house.state(record_id) is State.ACTIVE
    assert requested(house, record_id) == NEEDED
    assert not [each for each in house.kantata.requests() if each["method"] == "POST"]


def test_what_a_restored_backup_forgot_is_taken_over(house: House, record_id: str) -> None:
    house.settle()
    before = {row.key: row.outside_id for row in requests(house, record_id)}
    house.rows("delete from effects where kind = 'staffing'")

    write_back_again(house, record_id)

    assert house.state(record_id) is State.ACTIVE
    assert {row.key: row.outside_id for row in requests(house, record_id)} == before
    assert requested(house, record_id) == NEEDED


def test_what_is_asked_for_otherwise_under_our_key_is_a_conflict(house: House, record_id: str) -> None:
    house.settle()
    house.rows("delete from effects where kind = 'staffing'")
    more = {
        "resource_id": int(resources(house, record_id)[0]["id"]),
        "start_date": "2026-05-01",
        "end_date": "2026-05-01",
        "minutes": 60,
        "hard": False,
    }
    a_person = HttpClient("Kantata", house.kantata.url, headers={"Authorization": "Bearer kantata-demo-token"})
    a_person.request("POST", f"{ALLOCATIONS}.json", write=True, json={"workspace_allocation": more})

    write_back_again(house, record_id)

    item = house.exception(record_id)
    assert item.code == "CONTENT_CONFLICT"
    assert re.search(r"hours: planned '(160|240):00', found '(161|241):00'", item.message)


def test_a_role_that_the_connection_does_not_know_waits_for_whoever_connected_it(
    house: House, record_id: str
) -> None:
    house.connect(PSA_CONNECTION, roles={"Senior Consultant": 1})
    house.settle()

    item = house.exception(record_id)
    assert item.code == "CONNECTION_MISCONFIGURED"
    assert "'Consultant'" in item.message
    house.connect(PSA_CONNECTION, roles={"Senior Consultant": 1, "Consultant": 2})
    house.replay(item)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert requested(house, record_id) == NEEDED


def test_without_a_psa_the_plan_says_who_is_needed_and_the_deal_becomes_active(house: House) -> None:
    house.rows("delete from connections where role = 'psa'")
    record_id = staffed(house)

    house.settle()

    assert house.state(record_id) is State.ACTIVE
    wanted = [(request.role, request.location) for request in house.plan(record_id).plan.content.staffing()]
    assert wanted == [("Senior Consultant", "DACH"), ("Consultant", "NA")]
    assert requests(house, record_id) == []
    assert requested(house, record_id) == {}


def test_a_deal_that_is_given_up_asks_for_nobody_any_more(house: House, record_id: str) -> None:
    workspaces = "/api/v1/workspaces"
    lost = {"method": "POST", "path": workspaces, "drop_connection": True, "after_commit": True}
    house.kantata.faults([lost, {"method": "PUT", "path": workspaces, "status": 422}])
    house.settle_later()  # the project is found, somebody is asked for, and its status is refused
    assert house.opportunity(record_id).resume_state is State.CREATED
    assert requested(house, record_id) == NEEDED

    give_up = Compensate(
        TENANT, house.opportunity(record_id).id, house.operator, "The customer is being wound up."
    )
    house.application.dispatch(give_up)
    house.settle_later()

    assert house.state(record_id) is State.WITHDRAWN
    assert requested(house, record_id) == {}
    assert {row.state for row in requests(house, record_id)} == {EffectState.CANCELLED}
    (workspace,) = [w for w in house.kantata.workspaces() if f":{record_id}:" in w["external_reference"]]
    assert workspace["archived"] is True
