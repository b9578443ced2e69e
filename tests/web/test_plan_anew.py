"""An approved deal is planned anew on its page; whoever approves again sees what changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.ports.storage.configuration import NewVersion
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import Office, sold_by

Browsers = Callable[[str], Browser]
REASON = "The purchase order was wrong."


def test_the_pages_offer_it_to_who_may_and_show_what_changed(browser: Browsers, office: Office) -> None:
    record = sold_by("sam.seller")
    waiting, item_id = office.parked_after_approval(record)
    address = f"/opportunities/{waiting.opportunity_id}"
    olga = browser("olga")
    assert "Plan anew" in olga.get(address).words
    assert "Plan anew" not in browser("ana").get(address).words
    form = f"/approvals/{office.waiting().finance.id}"
    assert browser("ana").post(f"{address}/plan-anew", form_of=form, reason="Mine").status == 403

    refused = olga.post(f"/exceptions/{item_id}", action="plan_anew", planned_anew_because=" ")
    assert refused.status == 422
    assert "Give a reason for the new plan" in refused.words
    ticked = olga.post(f"{address}/plan-anew", form_of=address, reason="", ask_again="yes")
    assert 'value="yes" checked' in ticked.markup
    assert 'value="yes" checked' not in refused.markup
    assert olga.post(f"{address}/plan-anew", form_of=address, reason="").status == 422
    done = olga.post(f"/exceptions/{item_id}", action="plan_anew", planned_anew_because=REASON)
    assert done.status == 303
    assert (
        olga.post(f"{address}/plan-anew", form_of=f"/exceptions/{office.parked()[1]}", reason="Again").status
        == 409
    )

    opportunity = office.application.queries.opportunity(TENANT, waiting.opportunity_id)
    assert (opportunity.state, opportunity.replaces) == (State.RECEIVED, waiting.plan.hash)
    other = changed(record, contract=changed(record.contract, po_number="PO <b>9</b>"))
    finance, _delivery, _plan = office.propose(waiting.opportunity_id, other)
    for screen in (olga.get(address), browser("ana").get(f"/approvals/{finance.id}")):
        assert "Planned anew: what changed" in screen.words
        assert "the deal po number" in screen.words
        assert "PO &lt;b&gt;9&lt;/b&gt;" in screen.markup
    assert "Planned anew: what changed" not in browser("ana").get(f"/approvals/{waiting.finance.id}").words


@pytest.mark.parametrize("where", ["the deal", "its exception"])
def test_who_doubts_the_approvals_has_everybody_asked_again(
    browser: Browsers, office: Office, where: str
) -> None:
    waiting, item_id = office.parked_after_approval(sold_by("sam.seller"))
    address, olga = f"/opportunities/{waiting.opportunity_id}", browser("olga")

    if where == "the deal":
        done = olga.post(f"{address}/plan-anew", form_of=address, reason=REASON, ask_again="yes")
    else:
        form = {"action": "plan_anew", "planned_anew_because": REASON, "ask_again": "yes"}
        done = olga.post(f"/exceptions/{item_id}", **form)

    assert done.status == 303
    tasks = office.application.queries.approvals(TENANT, opportunity_id=waiting.opportunity_id).rows
    assert {row.task.status for row in tasks} == {TaskStatus.VOID}
    assert "approval tasks no longer count: everybody is asked again" in olga.get(address).words


def test_a_plan_of_an_earlier_version_is_said_to_be_one_and_leads_to_a_new_one(
    browser: Browsers, office: Office
) -> None:
    waiting = office.waiting()
    deal, approval = f"/opportunities/{waiting.opportunity_id}", f"/approvals/{waiting.finance.id}"
    made_by = "update plans set configuration_version = 1, configuration_fingerprint = 'ab12cd34ffff'"
    with office.application.uow() as uow:
        for each in ("ab12cd34ffff", "ef56ab78ffff"):
            uow.configurations.add(TENANT, NewVersion(each, "Acme", [], made_by="person:ana@example.com"))
        uow.commit()
    with office.application.engine.begin() as connection:
        connection.execute(text(made_by))
    told = "made by the configuration's version 1 (AB12 CD34). Now version 2 (EF56 AB78) holds"

    for address in (deal, approval):
        for_ana, for_olga = browser("ana").get(address), browser("olga").get(address)
        assert told in for_ana.words
        assert "which operations or an integration admin can do" in for_ana.words
        assert "#plan-anew" not in for_ana.markup
        assert "#plan-anew" in for_olga.markup

    version = browser("ana").get("/configuration/versions/2")
    assert "Globex goes to the cloud , planned by version 1" in version.words
    assert deal in version.markup
    assert "planned by version" not in browser("ana").get("/configuration/versions/1").words

    done = browser("olga").post(f"{deal}/plan-anew", form_of=deal, reason=REASON)
    assert done.status == 303
    assert office.application.queries.opportunity(TENANT, waiting.opportunity_id).state is State.RECEIVED
    assert told not in browser("ana").get(deal).words
