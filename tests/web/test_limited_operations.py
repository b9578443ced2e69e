"""Who works exceptions of some legal entities and regions only: theirs go on, others' are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from oppsync.domain.validation.confirmations import CONFIRMABLE
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.limits import RoleLimit
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.replays import Previewed, ReplayOf
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Forbidden
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


def limited(office: Office, *entities: str) -> UUID:
    """Olga, who works exceptions of these entities only."""
    limit = RoleLimit(role=PersonRole.OPERATIONS, entities=entities)
    office.application.dispatch(
        SetRoles(TENANT, COMMAND_LINE, email("olga"), frozenset({PersonRole.OPERATIONS}), (limit,))
    )
    return office.ids["olga"]


def version_of(office: Office, opportunity_id: UUID) -> int:
    with office.uow() as uow:
        return uow.opportunities.get(TENANT, opportunity_id).version


@pytest.mark.parametrize("asked", ASKED)
def test_a_deal_of_another_entity_is_left_alone_and_one_s_own_goes_on(asked: str, office: Office) -> None:
    ask = ASKED[asked]

    with pytest.raises(Forbidden) as refused:
        office.application.dispatch(ask(office, limited(office, "ACME-US")))
    office.application.dispatch(ask(office, limited(office, "ACME-US", "ACME-DE")))

    assert refused.value.code == "OUTSIDE_LIMITS"
    assert refused.value.message == WHY


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
