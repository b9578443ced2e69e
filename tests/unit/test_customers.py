"""Which customer of the ERP an account is, and when a person has to choose."""

from __future__ import annotations

from datetime import date

import pytest

from oppsync.domain.deal.customers import Candidate, CustomerMatch, match, with_customer
from oppsync.domain.plan.plan import NewCustomer
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.validation.table import validate
from tests.harness import builders as make

ACCOUNT = make.account(code=None, name="Globex GmbH", country="DE", tax_id="DE 136 695 976")


def candidate(code: str, name: str = "Globex GmbH", country: str = "DE", tax_id: str = "") -> Candidate:
    return Candidate(code=code, name=name, countries=(country,), tax_ids=(tax_id,) if tax_id else ())


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], CustomerMatch()),
        ([candidate("C1", tax_id="DE136695976", name="Old name")], CustomerMatch(customer="C1", by="tax id")),
        ([candidate("C1", name="globex gmbh")], CustomerMatch(customer="C1", by="name and country")),
        ([candidate("C1", country="AT")], CustomerMatch()),
        ([candidate("C1", name="Globex Holding GmbH")], CustomerMatch()),
        ([candidate("C2"), candidate("C1", tax_id="de136695976")], CustomerMatch(customer="C1", by="tax id")),
        ([candidate("C2"), candidate("C1")], CustomerMatch(candidates=(candidate("C1"), candidate("C2")))),
    ],
)
def test_the_tax_id_comes_before_name_and_country_and_several_are_for_a_person(
    found: list[Candidate], expected: CustomerMatch
) -> None:
    assert match(ACCOUNT, found) == expected


def test_two_customers_of_one_tax_id_are_never_told_apart_by_name() -> None:
    twins = (candidate("C1", name="Other", tax_id="DE136695976"), candidate("C2", tax_id="DE136695976"))

    assert match(ACCOUNT, twins) == CustomerMatch(candidates=twins)


def test_the_code_the_crm_has_stays() -> None:
    deal = make.opportunity()

    assert with_customer(deal, "C1") == deal
    nameless = make.opportunity(account=ACCOUNT)
    linked = with_customer(nameless, "C1").account
    assert linked is not None
    assert (linked.code, with_customer(nameless, None)) == ("C1", nameless)


def test_a_customer_that_is_not_there_is_created_only_where_the_entity_says_so() -> None:
    for creates, codes in ((True, []), (False, ["ACCOUNT_UNKNOWN"])):
        entity = make.legal_entity(creates_customers=creates)
        found = validate(make.opportunity(), make.facts(customer_exists=False, legal_entity=entity))
        assert [each.code for each in found] == codes


def test_the_plan_says_which_customer_will_be_created() -> None:
    row = ReferenceRow(
        kind=ReferenceKind.LEGAL_ENTITY,
        key="ACME-DE",
        valid_from=date(2025, 1, 1),
        value=make.legal_entity(creates_customers=True).model_dump(mode="json"),
    )
    book = make.book(row, without=frozenset({ReferenceKind.LEGAL_ENTITY}))

    customer = make.content(make.opportunity(), book).new_customer

    assert customer == NewCustomer(code="CUST-1001", name="Globex GmbH", country="DE", tax_id="DE136695976")
    assert make.content(make.opportunity()).new_customer is None
