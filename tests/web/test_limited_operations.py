"""Who works exceptions of some legal entities and regions only, in either role that does: theirs go on, and
others' are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from oppsync.domain.validation.confirmations import CONFIRMABLE
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.limits import RoleLimit
from oppsync.domain.values.roles import PersonRole, role_name
from oppsync.domain.work.replays import Previewed, ReplayOf
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Forbidden, InvalidInput
from oppsync.services.admin.commands import SetRoles
from oppsync.services.changes.commands import PlanAnew
from oppsync.services.queue.commands import (
    Compensate,
    ConfirmFindings,
    DismissException,
    LinkCustomer,
    ReplayException,
    RunReplay,
)
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import CONNECTION, Office, email
from tests.web.test_api import Client

EARLY = finding(sorted(CONFIRMABLE)[0], "It begins before it was won", path="/starts_on", value="2020-01-01")
WHY = "You are operations for ACME-US only; this deal is of ACME-DE, in DACH."
OPERATIONS, INTEGRATION_ADMIN = PersonRole.OPERATIONS, PersonRole.INTEGRATION_ADMIN
Ask = Callable[[Office, UUID], Command[None]]
ASKED: dict[str, Ask] = {
    "replay": lambda office, who: ReplayException(TENANT, office.parked()[1], who),
    "dismiss": lambda office, who: DismissException(TENANT, office.parked()[1], who, "done"),
    "confirm": lambda office, who: ConfirmFindings(TENANT, office.parked(found=EARLY)[1], who, "agreed"),
    "give up": lambda office, who: Compensate(
        TENANT, office.parked_after_approval()[0].opportunity_id, who, "lost"
    ),
    "plan anew": lambda office, who: PlanAnew(
        TENANT, office.parked_after_approval()[0].opportunity_id, who, "new"
    ),
}


def limited(office: Office, *entities: str, role: PersonRole = OPERATIONS) -> UUID:
    """Olga, who works exceptions of these entities only."""
    limit = RoleLimit(role=role, entities=entities)
    office.application.dispatch(SetRoles(TENANT, COMMAND_LINE, email("olga"), frozenset({role}), (limit,)))
    return office.ids["olga"]


def version_of(office: Office, opportunity_id: UUID) -> int:
    with office.uow() as uow:
        return uow.opportunities.get(TENANT, opportunity_id).version


@pytest.mark.parametrize("role", [OPERATIONS, INTEGRATION_ADMIN])
@pytest.mark.parametrize("asked", ASKED)
def test_a_deal_of_another_entity_is_left_alone_and_one_s_own_goes_on(
    asked: str, role: PersonRole, office: Office
) -> None:
    ask = ASKED[asked]

    with pytest.raises(Forbidden) as refused:
        office.application.dispatch(ask(office, limited(office, "ACME-US", role=role)))
    office.application.dispatch(ask(office, limited(office, "ACME-US", "ACME-DE", role=role)))

    assert refused.value.code == "OUTSIDE_LIMITS"
    assert refused.value.message == WHY.replace("operations", role_name(role))


def test_of_a_selection_the_deals_of_others_are_skipped(office: Office) -> None:
    opportunity_id, _ = office.parked()
    version = version_of(office, opportunity_id)
    command = RunReplay(
        TENANT,
        limited(office, "ACME-US"),
        ReplayOf.OPPORTUNITIES,
        (Previewed(id=opportunity_id, version=version),),
    )

    [item] = office.application.dispatch(command).items

    assert (item.replayed, item.says) == (False, f"skipped: {WHY}")
    assert version_of(office, opportunity_id) == version


def test_the_page_offers_nothing_and_says_whose_limit_it_is(
    browser: Callable[[str], Browser], office: Office
) -> None:
    _, item = office.parked()
    limited(office, "ACME-US")
    page = browser("olga").get(f"/exceptions/{item}")
    assert WHY in page.words
    assert 'value="replay"' not in page.markup

    limited(office, "ACME-DE")
    assert 'value="replay"' in browser("olga").get(f"/exceptions/{item}").markup


def test_what_is_about_no_single_deal_takes_the_role_for_the_whole_firm(app: Flask, office: Office) -> None:
    item = office.unreadable_delivery()
    limited(office, "ACME-DE")
    olga = Client(app, office.token("olga"))

    refused = olga.refused(403, "POST", f"/exceptions/{item}/dismiss", json={"reason": "noise"})
    tested = olga.refused(403, "POST", f"/connections/{CONNECTION}/test")

    assert refused["code"] == "OUTSIDE_LIMITS"
    assert "this is about no single deal" in refused["detail"]
    assert "about the whole firm" in tested["detail"]


def test_a_customer_is_linked_within_the_limit_only(office: Office) -> None:
    found = finding("ACCOUNT_UNKNOWN", "The ERP has no customer 1", path="/account/code", value="1")
    _, item = office.parked(found=found)
    with pytest.raises(Forbidden) as refused:
        office.application.dispatch(LinkCustomer(TENANT, item, limited(office, "ACME-US"), "CUST-7"))
    assert refused.value.code == "OUTSIDE_LIMITS"


def test_an_integration_admin_of_some_entities_changes_neither_connections_nor_the_configuration(
    app: Flask, office: Office
) -> None:
    """Both serve the deals of all entities."""
    limited(office, "ACME-DE", role=INTEGRATION_ADMIN)
    olga = Client(app, office.token("olga"))

    for method, path, body in (
        ("POST", f"/connections/{CONNECTION}/pause", None),
        ("POST", f"/connections/{CONNECTION}/test", None),
        ("PATCH", f"/connections/{CONNECTION}", {"name": "Ours"}),
        ("POST", "/configuration/revert", {"version": 1, "note": "mine"}),
    ):
        refused = olga.refused(403, method, path, json=body)
        assert "this is about the whole firm" in refused["detail"], path
    assert olga.get("/connections")


@pytest.mark.parametrize(
    ("role", "why"),
    [
        (PersonRole.ADMIN, "People and their roles belong to the whole firm."),
        (PersonRole.AUDITOR, "reading is for the whole firm."),
        (PersonRole.EXECUTIVE, "reading is for the whole firm."),
    ],
)
def test_a_limit_that_has_no_meaning_is_refused_with_the_reason(
    office: Office, role: PersonRole, why: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        limited(office, "ACME-DE", role=role)

    assert refused.value.field == "limits/0/role"
    assert why in refused.value.message
