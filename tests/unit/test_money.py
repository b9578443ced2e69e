"""Money loses nothing and shows exactly what it is."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from oppsync.domain.values.money import Money, minor_digits, minor_unit
from oppsync.domain.values.pricing import net_of

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD"])
WEIGHTS = st.lists(st.decimals(0, 1000, places=3), min_size=1, max_size=40).filter(lambda some: sum(some) > 0)


@st.composite
def amounts(draw: st.DrawFn) -> Money:
    currency = draw(CURRENCIES)
    return Money(amount=draw(st.integers(-(10**14), 10**14)) * minor_unit(currency), currency=currency)


@given(money=amounts(), weights=WEIGHTS)
def test_allocation_loses_nothing(money: Money, weights: list[Decimal]) -> None:
    assert Money.total(money.allocate(weights), money.currency) == money


@given(money=amounts(), weights=WEIGHTS)
def test_a_credit_is_allocated_as_the_mirror_of_its_invoice(money: Money, weights: list[Decimal]) -> None:
    assert (-money).allocate(weights) == tuple(-part for part in money.allocate(weights))


@given(money=amounts(), weights=WEIGHTS)
def test_no_part_is_a_whole_minor_unit_off(money: Money, weights: list[Decimal]) -> None:
    whole = sum(weights, start=Decimal(0))
    for part, weight in zip(money.allocate(weights), weights, strict=True):
        assert abs(part.amount * whole - money.amount * weight) < minor_unit(money.currency) * whole


def test_ties_go_to_the_earlier_part() -> None:
    parts = Money(amount=Decimal(100), currency="EUR").allocate([Decimal(1)] * 3)

    assert [part.text for part in parts] == ["33.34", "33.33", "33.33"]


@pytest.mark.parametrize("weights", [[], [Decimal(0)], [Decimal(2), Decimal(-1)]])
def test_weights_that_share_nothing_out_are_refused(weights: list[Decimal]) -> None:
    with pytest.raises(ValueError, match="weights must not be negative"):
        Money(amount=Decimal(1), currency="EUR").allocate(weights)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1000", "EUR", "1000.00"),
        ("1000.5", "USD", "1000.50"),
        ("1E+3", "JPY", "1000"),
        ("1000.5", "KWD", "1000.500"),
        ("0", "KWD", "0.000"),
    ],
)
def test_json_carries_exactly_the_currencys_digits(amount: str, currency: str, text: str) -> None:
    money = Money(amount=Decimal(amount), currency=currency)

    assert money.model_dump(mode="json") == {"amount": text, "currency": currency}
    assert Money.model_validate_json(money.model_dump_json()) == money


@pytest.mark.parametrize(("amount", "currency"), [("0.001", "EUR"), ("0.5", "JPY"), ("0.0001", "KWD")])
def test_an_amount_finer_than_the_minor_unit_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValidationError, match="finer than the minor unit"):
        Money(amount=Decimal(amount), currency=currency)


@pytest.mark.parametrize("code", ["eur", "XXX", "XAU", "CLF", ""])
def test_only_current_currencies_are_money(code: str) -> None:
    with pytest.raises(ValidationError, match="is not the code of a current currency"):
        Money(amount=Decimal(1), currency=code)


@pytest.mark.parametrize(("code", "month"), [("DEM", "2002-03"), ("HRK", "2023-01"), ("BGN", "2026-01")])
def test_a_withdrawn_currency_is_refused_with_the_month_of_the_list(code: str, month: str) -> None:
    with pytest.raises(ValidationError, match=f"was withdrawn in {month}"):
        Money(amount=Decimal(1), currency=code)


@pytest.mark.parametrize(
    ("code", "digits"), [("RSD", 2), ("IQD", 3), ("ALL", 2), ("ISK", 0), ("KWD", 3), ("JPY", 0)]
)
def test_minor_units_are_those_of_the_standard_not_of_a_display_table(code: str, digits: int) -> None:
    assert minor_digits(code) == digits


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot mix EUR and USD"):
        Money.zero("EUR") + Money.zero("USD")


def test_rounding_is_half_to_even() -> None:
    assert Money.rounded(Decimal("0.125"), "EUR").text == "0.12"
    assert Money.rounded(Decimal("0.135"), "EUR").text == "0.14"


def test_a_net_amount_keeps_every_digit_of_long_factors() -> None:
    long = Decimal("123456789012345678.0123456789")

    exact = Fraction(long) * Fraction(long) * (100 - Fraction("33.3333333333")) / 100

    assert Fraction(net_of(long, long, Decimal("33.3333333333"))) == exact
    assert net_of(Decimal(3), Decimal("33.335"), Decimal(10)) == Decimal("90.0045")
