"""What spans deals is judged across deals: purchase orders, and deals that were entered twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from oppsync.domain.deal.billing_terms import BillingTerms, Cap
from oppsync.domain.deal.opportunity import Account, ContractTerms, Opportunity
from oppsync.domain.validation.across_deals import OF_OTHER_DEALS
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.validation.table import validate
from oppsync.domain.values.findings.finding import Finding, Severity
from oppsync.domain.values.model import changed
from tests.harness import builders as make

FIRST = UUID(int=1)


def sold(
    name: str, amount: int, number: str | None = "PO-4711", *, limit: int | None = None, **deal: Any
) -> Any:
    """A deal of one fixed fee with a purchase order."""
    terms = ContractTerms(
        payment_terms="NET30", po_number=number, po_limit=None if limit is None else Decimal(limit)
    )
    line = make.fixed_line(unit_price=amount, net=amount)
    return make.opportunity(line, name=name, id=f"006-{name}", contract=terms, **deal)


def stored(record: Opportunity, *, number: int = 1, **other: Any) -> OtherDeal:
    usual = {"id": UUID(int=number), "record": record, "amount": record.amount, "customer": "CUST-1001"}
    return OtherDeal(**usual | other)


def judged(deal: Opportunity, *others: OtherDeal) -> list[Finding]:
    return list(validate(deal, make.facts(others=others)))


SMALL = sold("Discovery", 4_000, limit=10_000)


def test_two_deals_with_one_purchase_order_name_each_other() -> None:
    (found,) = judged(sold("Portal", 6_000), stored(SMALL, project="17"))

    assert (found.code, found.severity, found.value) == ("PO_SHARED", Severity.WARNS, str(FIRST))
    assert found.message == (
        "The purchase order PO-4711 is also that of Discovery (EUR 4,000.00; 006-Discovery; project 17)"
    )
    assert found.code in OF_OTHER_DEALS


@pytest.mark.parametrize(
    "number", ["PO 4711", "po-4711", "4711", "PO\u200b-4711 ", "\uff30\uff2f\uff14\uff17\uff11\uff11"]
)
def test_a_purchase_order_is_one_in_any_spelling(number: str) -> None:
    assert [found.code for found in judged(sold("Portal", 6_000, number), stored(SMALL))] == ["PO_SHARED"]


@pytest.mark.parametrize("number", ["PO-4712", None, "PO", "---"])
def test_another_purchase_order_is_none_of_its(number: str | None) -> None:
    assert judged(sold("Portal", 6_000, number), stored(SMALL), stored(sold("Third", 1, number="-"))) == []


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"id": "001A1", "code": "CUST-9"}, True),  # the same account, whatever its code was
        ({"id": "001B", "code": "cust-1001"}, True),
        ({"id": "001B", "code": "CUST-9"}, False),
        ({"id": "001B", "code": None, "tax_id": "DE 136 695 976"}, True),
        ({"id": "001B", "code": None, "tax_id": "DE129273398"}, False),
        ({"id": "001B", "code": None, "tax_id": None, "name": "GLOBEX"}, True),
        ({"id": "001B", "code": None, "tax_id": None, "name": "GLOBEX", "country": "FR"}, False),
        ({"id": "001B", "code": None, "tax_id": None, "name": "Initech Inc"}, False),
    ],
)
def test_a_customer_is_one_in_any_spelling(other: dict[str, Any], same: bool) -> None:
    account = Account.model_validate(dict(make.account()) | other)
    discovery = stored(changed(SMALL, account=account), customer=None)
    own = sold("Portal", 6_000)
    if other["code"] is None:
        own = changed(own, account=changed(make.account(), code=None))

    facts = make.facts(others=(discovery,), customer=make.match_of(make.GLOBEX if other["code"] else None))
    codes = {found.code for found in validate(own, facts)}

    assert ("PO_SHARED" in codes) is same


@pytest.mark.parametrize(
    ("amount", "is_committed", "severity"),
    [
        (6_000, True, None),  # just what is left
        (6_001, True, Severity.BLOCKS),
        (6_001, False, Severity.WARNS),
    ],
)
def test_a_purchase_order_is_used_up_by_all_its_deals_together(
    amount: int, is_committed: bool, severity: Severity | None
) -> None:
    found = judged(sold("Portal", amount, limit=10_000), stored(SMALL, is_committed=is_committed))

    used_up = [each for each in found if each.code == "PO_USED_UP"]
    assert [each.severity for each in used_up] == ([severity] if severity else [])
    for each in used_up:
        assert "allows EUR 10,000.00, but this deal comes to EUR 10,001.00 together with" in each.message
        assert "Discovery (EUR 4,000.00; 006-Discovery)" in each.message


def test_only_what_was_approved_blocks_and_all_that_waits_is_counted_to_warn() -> None:
    """Of 10,000, 4,000 are approved; 3,000 and 3,500 wait."""
    waiting = stored(sold("Second", 3_000), number=2)

    (used_up,) = (
        each
        for each in judged(sold("Third", 3_500), stored(SMALL, is_committed=True), waiting)
        if each.code == "PO_USED_UP"
    )

    assert used_up.severity is Severity.WARNS
    assert "comes to EUR 10,500.00 together with" in used_up.message


def test_an_approved_deal_counts_with_what_was_approved() -> None:
    """And not with what the CRM says by now."""
    found = judged(sold("Portal", 6_000, limit=10_000), stored(SMALL, amount=Decimal(4_001), is_committed=True))

    assert [each.code for each in found] == ["PO_SHARED", "PO_USED_UP"]


def test_a_raised_limit_counts_also_where_the_earlier_deal_has_the_old_one() -> None:
    found = judged(sold("Portal", 7_000, limit=11_000), stored(SMALL, is_committed=True))

    assert [each.code for each in found] == ["PO_SHARED"]


def test_a_deal_that_alone_is_too_large_is_told_that_and_no_more() -> None:
    found = judged(sold("Portal", 11_000, limit=10_000), stored(SMALL, is_committed=True))

    assert sorted(each.code for each in found) == ["PO_SHARED", "PO_TOO_SMALL"]


def test_a_limit_that_only_another_deal_states_binds_a_deal_that_alone_exceeds_it() -> None:
    portal = sold("Portal", 12_000)
    approved, waiting = (
        [each for each in judged(portal, stored(SMALL, is_committed=committed)) if each.code == "PO_USED_UP"]
        for committed in (True, False)
    )

    for (found,), comes_to in (
        (approved, "allows EUR 10,000.00, but this deal comes to EUR 16,000.00 together with Discovery (EUR"),
        (
            waiting,
            "allows EUR 10,000.00 by Discovery (EUR 4,000.00; 006-Discovery), but this deal alone comes to",
        ),
    ):
        assert found.severity is Severity.BLOCKS
        assert comes_to in found.message


def test_hours_beyond_a_cap_use_nothing_up() -> None:
    """Of an order for 10,000, the hours of an approved deal may be invoiced up to 4,000."""
    hours = make.capped_line(billing=BillingTerms(cap=Cap(amount=Decimal(4_000))))
    terms = ContractTerms(payment_terms="NET30", po_number="PO-4711")
    capped = stored(make.opportunity(hours, name="Steering", contract=terms), is_committed=True)
    assert capped.amount is not None
    assert capped.amount > 4_000

    assert [each.code for each in judged(sold("Portal", 6_000, limit=10_000), capped)] == ["PO_SHARED"]


def test_amounts_of_another_currency_are_not_added_up() -> None:
    dollars = stored(changed(SMALL, currency="USD"), is_committed=True)

    assert [each.code for each in judged(sold("Portal", 9_000, limit=10_000), dollars)] == ["PO_SHARED"]


def test_many_deals_of_one_order_are_named_up_to_five() -> None:
    others = [stored(sold(f"Call-off {number}", 1), number=number) for number in range(1, 8)]

    found = [each for each in judged(sold("Portal", 6_000), *others) if each.code == "PO_SHARED"]

    assert len(found) == 5
    assert found[0].message.endswith(", one of 7 deals")


# Clones.

DEAL = make.opportunity()


@pytest.mark.parametrize(
    "name",
    [DEAL.name, DEAL.name.upper(), f"Copy of {DEAL.name}", f"{DEAL.name} (Kopie)", f" {DEAL.name} - copy"],
)
def test_a_deal_that_was_cloned_with_everything_names_the_other(name: str) -> None:
    (found,) = judged(changed(DEAL, id="006O2", name=name), stored(DEAL))

    assert (found.code, found.severity, found.value) == ("DEAL_CLONED", Severity.WARNS, str(FIRST))
    assert "Globex goes to the cloud (EUR 44,400.00; 006O1)" in found.message


def test_lines_are_the_same_in_any_order_and_under_any_id() -> None:
    lines = tuple(changed(line, id=f"copy of {line.id}") for line in reversed(DEAL.lines))

    assert [found.code for found in judged(changed(DEAL, lines=lines), stored(DEAL))] == ["DEAL_CLONED"]


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Globex goes to the moon"},
        {"account": make.account(id="001X", code="CUST-1002")},
        {"starts_on": date(2027, 6, 1), "ends_on": date(2027, 9, 15)},  # renewed for the next year
        {"currency": "USD"},
    ],
)
def test_what_differs_in_one_of_these_is_no_clone(other: dict[str, Any]) -> None:
    assert judged(DEAL, stored(changed(DEAL, **other), customer=None)) == []


def test_other_lines_of_the_same_amount_are_no_clone() -> None:
    two = (changed(DEAL.lines[0], description="Another team"), *DEAL.lines[1:])

    assert judged(changed(DEAL, lines=two), stored(DEAL)) == []
