"""An approver of a further role: given on the page People, sees and decides what is theirs, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from flask import Flask

from oppsync.domain.approval.tasks import ApprovalTask, TaskStatus
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval
from oppsync.domain.policy.approval_step import FurtherRole
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.limits import RoleLimit
from oppsync.domain.values.roles import PersonRole
from tests.harness.builders import TENANT, WON_ON
from tests.web.browser import Browser
from tests.web.office import Office, email
from tests.web.test_api import Client

Browsers = Callable[[str], Browser]
STEPS = (
    *DEFAULT_APPROVALS,
    RequiredApproval(step="tax", name="Tax review", roles=("tax",), count=2),
    RequiredApproval(step="board", name="The board", people=(email("uwe"),), order=2),
)


@pytest.fixture
def firm(office: Office) -> Office:
    """A firm with the approval role `tax`."""
    value = FurtherRole(name="Tax").model_dump(mode="json")
    with office.uow() as uow:
        row = ReferenceRow(kind=ReferenceKind.APPROVAL_ROLE, key="tax", valid_from=WON_ON, value=value)
        uow.references.put(TENANT, row)
        uow.commit()
    return office


@pytest.fixture
def tasks(firm: Office) -> Mapping[str, ApprovalTask]:
    firm.hire("tina", "approver:tax")
    firm.hire("toni", "approver:tax")
    firm.hire("uwe", "approver:tax")
    return firm.waiting_for(*STEPS, finance="ana", delivery="tom", tax="tina")


def test_a_further_role_is_given_with_a_limit_on_the_page_and_shown(browser: Browsers, firm: Office) -> None:
    firm.hire("ada", PersonRole.ADMIN)
    page = browser("ada").get("/people")
    assert "Approver for tax" in page.words

    browser("ada").post(
        "/people",
        email="tina@acme.example",
        name="Tina",
        role="approver:tax",
        **{"regions-approver:tax": "DACH"},
    )

    with firm.uow() as uow:
        tina = uow.people.known(TENANT, "tina@acme.example")
    assert tina is not None
    assert tina.roles == {"approver:tax"}
    assert tina.limits == (RoleLimit(role="approver:tax", regions=("DACH",)),)
    assert "Approver for tax (in DACH only)" in browser("ada").get("/people").words
    refused = browser("ada").post("/people", email="x@acme.example", name="X", role="approver:king")
    assert refused.status == 422
    assert "The configuration has no role approver:king" in refused.words


def test_an_approver_of_a_further_role_finds_reads_and_decides_what_asks_for_it(
    browser: Browsers, tasks: Mapping[str, ApprovalTask]
) -> None:
    tina = browser("tina")
    assert "Tax review (1 of 2), plan" in tina.get("/approvals").words
    page = tina.get(f"/approvals/{tasks['tax'].id}")
    assert "Tax review (1 of 2) has to approve this plan; you have the role approver for tax." in page.words
    assert "in the ERP once 4 more people have approved too." in page.words
    assert "Asked once those before have approved: The board." in page.words

    path, plan = f"/approvals/{tasks['tax'].id}", tasks["tax"].plan_hash
    tina.post(path, form_of=path, plan_hash=plan, decision="approve", comment="")

    receipt = tina.get(path).words
    assert "Asked once those before have approved: The board." in receipt
    assert "for Tax review (1 of 2)." in receipt
    assert "Finance, Ana" in receipt
    for closed in ("/exceptions", "/configuration", "/people"):
        assert tina.get(closed).status == 403
    ana, of_ana = browser("ana"), f"/approvals/{tasks['finance'].id}"
    ana.post(of_ana, form_of=of_ana, plan_hash=plan, decision="request_changes", comment="Lower the rate")
    for over in (path, of_ana):
        assert "Asked once" not in tina.get(over).words


def test_who_is_not_asked_reads_whom_it_needs(browser: Browsers, tasks: Mapping[str, ApprovalTask]) -> None:
    words = browser("ana").get(f"/approvals/{tasks['tax'].id}").words
    assert "it needs the role approver for tax. Tina or Toni or Uwe can." in words
    assert "Tax review" not in browser("ana").get("/approvals").words


def test_the_api_names_the_step_and_lists_ones_own(
    app: Flask, firm: Office, tasks: Mapping[str, ApprovalTask]
) -> None:
    tina = Client(app, firm.token("tina"))
    (mine,) = tina.get("/approvals?mine=true&status=open")["rows"]
    assert mine["task"]["asks"]["name"] == "Tax review"
    seen = tina.get(f"/approvals/{tasks['tax'].id}")
    assert [step["step"] for step in seen["plan"]["content"]["approvals"]] == [step.step for step in STEPS]
    answer = tina.post(
        f"/approvals/{tasks['tax'].id}/decision",
        {"plan_hash": mine["task"]["plan_hash"], "decision": "approve"},
    )
    assert answer["status"] == TaskStatus.APPROVED
