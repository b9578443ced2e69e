"""An account is matched with a customer of the ERP, once."""

from __future__ import annotations

from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.pipeline import enrich, split_workstreams, validate
from tests.harness import builders as make
from tests.unit.surroundings import Surroundings, advanced, parked

NAMELESS = make.opportunity(account=make.account(code=None))
GLOBEX = ErpCustomer(code="CUST-1001", name="GLOBEX GmbH", countries=("DE",))


def test_an_account_without_a_code_is_matched_once_and_its_plan_has_the_customer() -> None:
    world = Surroundings(NAMELESS, candidates=(GLOBEX,))

    validated = advanced(validate.run(world.context(make.tracked(NAMELESS))), State.VALIDATED)
    enriched = advanced(enrich.run(world.context(validated.opportunity)), State.ENRICHED)
    planned = advanced(split_workstreams.run(world.context(enriched.opportunity)), State.PLANNED)

    (linked,) = validated.events
    assert (linked.type, linked.after) == ("customer.linked.v1", {"customer": "CUST-1001"})
    assert linked.summary == "Globex GmbH is linked to the ERP's customer CUST-1001, by name and country"
    assert planned.plan is not None
    assert planned.plan.content.customer == "CUST-1001"
    assert planned.opportunity.record == NAMELESS


def test_an_account_that_was_linked_is_not_looked_for_again() -> None:
    world = Surroundings(NAMELESS, candidates=(GLOBEX,))
    advanced(validate.run(world.context(make.tracked(NAMELESS))), State.VALIDATED)
    world.asked.clear()

    again = advanced(validate.run(world.context(make.tracked(NAMELESS))), State.VALIDATED)

    assert again.events == ()
    assert world.asked == ["read 006O1", "customer CUST-1001", "company ACME-DE"]


def test_an_account_that_may_be_several_customers_waits_for_a_person() -> None:
    twin = changed(GLOBEX, code="CUST-1009")
    world = Surroundings(NAMELESS, candidates=(twin, GLOBEX))

    (found,) = parked(validate.run(world.context(make.tracked(NAMELESS)))).findings

    assert (found.code, found.path, found.value) == (
        "ACCOUNT_AMBIGUOUS",
        "/account/code",
        "CUST-1001, CUST-1009",
    )
    assert world.linked == []
