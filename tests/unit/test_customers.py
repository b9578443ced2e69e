"""Which customer of the ERP an account is, and when a person has to choose."""

from __future__ import annotations

from datetime import date

import pytest

from oppsync.domain.deal.customers import CustomerMatch, ErpCustomer, with_customer
from oppsync.domain.deal.opportunity import Account
from oppsync.domain.plan.plan import NewCustomer
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.validation.customers import contradictions, match, match_code
from oppsync.domain.validation.table import validate
from oppsync.domain.values.model import changed
from tests.harness import builders as make

ACCOUNT = make.account(code=None, name="Globex GmbH", country="DE", tax_id="DE 136 695 976")


def customer(
    code: str = "CUST-1001", name: str = "Globex GmbH", country: str = "DE", tax_id: str = ""
) -> ErpCustomer:
    return ErpCustomer(code=code, name=name, countries=(country,), tax_ids=(tax_id,) if tax_id else ())


C1, C2 = customer("C1"), customer("C2")
REGISTERED = customer("C1", tax_id="DE136695976", name="Old name")
KNOWN = customer("C1", tax_id="DE136695976")
OTHER = customer("C1", tax_id="DE129273398")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], CustomerMatch()),
        ([REGISTERED], CustomerMatch(customer=REGISTERED, by="tax id")),
        ([C1], CustomerMatch(customer=C1, by="name and country")),
        ([customer("C1", country="AT")], CustomerMatch()),
        ([customer("C1", name="Globex Holding GmbH")], CustomerMatch()),
        ([C2, KNOWN], CustomerMatch(customer=KNOWN, by="tax id")),
        ([C2, REGISTERED], CustomerMatch(candidates=(REGISTERED, C2))),
        ([C2, C1], CustomerMatch(candidates=(C1, C2))),
    ],
)
def test_the_tax_id_comes_before_name_and_country_and_several_are_for_a_person(
    found: list[ErpCustomer], expected: CustomerMatch
) -> None:
    assert match(ACCOUNT, found) == expected


@pytest.mark.parametrize("tax_id", ["DE136695976", "de136695976", "DE 136.695-976", "136695976"])
def test_a_tax_id_is_the_same_however_it_is_written(tax_id: str) -> None:
    known = customer("C1", name="Globex Holding", tax_id=tax_id)

    assert match(ACCOUNT, [known]).customer == known


def test_what_contradicts_counts_as_much_as_what_agrees() -> None:
    abroad = customer("C1", country="AT", tax_id="DE136695976")

    assert match(ACCOUNT, [OTHER]) == CustomerMatch(candidates=(OTHER,))
    assert match(ACCOUNT, [abroad]) == CustomerMatch(candidates=(abroad,))


@pytest.mark.parametrize("country", ["DE", None])
def test_whoever_has_the_tax_id_under_another_name_is_no_match_where_somebody_else_has_the_name(
    country: str | None,
) -> None:
    """The tax id may be the slip, as well as the name."""
    nordbank = customer("C4", name="Nordbank AG", tax_id="DE136695976")
    austrian = customer("C5", country="AT", tax_id="ATU12345675")
    account = changed(ACCOUNT, country=country)

    assert match(account, [nordbank, OTHER]) == CustomerMatch(candidates=(OTHER, nordbank))
    assert match(account, [nordbank]) == CustomerMatch(customer=nordbank, by="tax id")
    assert match(ACCOUNT, [nordbank, austrian]) == CustomerMatch(customer=nordbank, by="tax id")


def test_all_that_the_account_may_be_are_named() -> None:
    abroad = customer("C4", country="AT", tax_id="DE136695976")

    assert match(ACCOUNT, [abroad, OTHER]) == CustomerMatch(candidates=(OTHER, abroad))


def test_two_customers_of_one_tax_id_are_never_told_apart_by_name() -> None:
    twins = (customer("C1", name="Other", tax_id="DE136695976"), customer("C2", tax_id="DE136695976"))

    assert match(ACCOUNT, twins) == CustomerMatch(candidates=twins)


def test_a_code_in_another_spelling_is_that_customer_unless_several_read_like_it() -> None:
    upper, lower = customer("CUST-1"), customer("cust-1")

    assert match_code("Cust-1", "customer code", [upper]).customer == upper
    assert match_code("cust-1", "customer code", [upper, lower]).customer == lower
    assert match_code("Cust-1", "customer code", [upper, lower]).candidates == (upper, lower)


@pytest.mark.parametrize(
    ("account", "there", "contradicted"),
    [
        (make.account(), customer(tax_id="DE 136 695 976"), ()),
        (make.account(), customer(), ()),
        (make.account(tax_id=None), customer(tax_id="DE129273398"), ()),
        (make.account(), ErpCustomer(code="C1", name="Globex"), ()),
        (make.account(), customer(tax_id="DE129273398"), ("tax id",)),
        (make.account(tax_id=None), customer(country="AT"), ("country",)),
        (
            make.account(country="ES", tax_id="ESB58378431"),
            customer(tax_id="DE129273398"),
            ("country", "tax id"),
        ),
        (
            make.account(country="MC", tax_id="FR53000056888"),
            customer(country="FR", tax_id="FR53000056888"),
            (),
        ),
        (make.account(country="FR", tax_id=None), customer(country="MC"), ()),
        (make.account(country="IM", tax_id=None), customer(country="GB"), ()),
        (make.account(country="GP", tax_id=None), customer(country="FR"), ()),
        (make.account(country="GP", tax_id=None), customer(country="MQ"), ("country",)),
    ],
)
def test_country_and_tax_id_contradict_only_where_both_sides_have_another(
    account: Account, there: ErpCustomer, contradicted: tuple[str, ...]
) -> None:
    assert contradictions(account.country, account.tax_id, there) == contradicted


def test_the_deal_goes_by_the_code_as_the_erp_writes_it() -> None:
    deal = make.opportunity()
    linked = with_customer(make.opportunity(account=ACCOUNT), "C1").account
    spelled = with_customer(make.opportunity(account=make.account(code="cust-1001")), "CUST-1001").account

    assert with_customer(deal, None) == with_customer(deal, "CUST-1001") == deal
    assert linked is not None
    assert spelled is not None
    assert (linked.code, spelled.code) == ("C1", "CUST-1001")


def test_a_customer_that_is_not_there_is_created_only_where_the_entity_says_so() -> None:
    for creates, codes in ((True, []), (False, ["ACCOUNT_UNKNOWN"])):
        entity = make.legal_entity(creates_customers=creates)
        found = validate(make.opportunity(), make.facts(customer=make.match_of(None), legal_entity=entity))
        assert [each.code for each in found] == codes


@pytest.mark.parametrize(
    ("sign", "named"),
    [
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
        ("\u3164", "U+3164 HANGUL FILLER"),
    ],
)
def test_a_code_with_a_sign_nobody_can_see_is_never_that_of_a_new_customer(sign: str, named: str) -> None:
    code = f"CUST-77{sign}"
    deal = make.opportunity(account=make.account(code=code))
    entity = make.legal_entity(creates_customers=True)

    (found,) = validate(deal, make.facts(customer=make.match_of(None, code), legal_entity=entity))

    assert found.code == "ACCOUNT_UNKNOWN"
    assert named in found.message
    assert "Create the customer" not in found.fix


def test_no_second_customer_is_created_for_a_tax_id_that_the_erp_has() -> None:
    deal = make.opportunity(account=make.account(code="CUST-NEW"))
    entity = make.legal_entity(creates_customers=True)
    known = CustomerMatch(code="CUST-NEW", candidates=(make.GLOBEX,))

    (found,) = validate(deal, make.facts(customer=known, legal_entity=entity))

    assert (found.code, found.value) == ("ACCOUNT_UNKNOWN", "CUST-NEW")
    assert "but its tax id under another code: CUST-1001 Globex GmbH (DE, DE136695976)" in found.message
    assert "Create" not in found.fix


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


def test_the_plan_shows_the_customer_as_the_erp_has_it_and_creates_no_other() -> None:
    plan = make.plan(customer=make.GLOBEX)

    assert plan.content.erp_customer == make.GLOBEX
    assert plan.hash != make.plan().hash
    assert "erp_customer" not in make.plan().content.document()
