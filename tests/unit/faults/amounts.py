"""Deals whose amounts are wrong."""

from __future__ import annotations

from tests.harness import builders as make
from tests.unit.faults.case import Case

CASES = [
    Case(
        "a currency of the past",
        "CURRENCY_UNKNOWN",
        "/currency",
        "DEM was withdrawn in 2002-03 (ISO 4217, list three)",
        make.opportunity(make.fixed_line(), currency="DEM"),
    ),
    Case(
        "a currency in small letters",
        "CURRENCY_UNKNOWN",
        "/currency",
        "Currency is 'eur': eur is not the code of a current currency (ISO 4217), which is written EUR",
        make.opportunity(make.fixed_line(), currency="eur"),
    ),
    Case(
        "a currency the entity does not take",
        "CURRENCY_NOT_ALLOWED",
        "/currency",
        "contracts in EUR or USD, not in GBP",
        make.opportunity(make.fixed_line(), currency="GBP"),
    ),
    Case(
        "a line in another currency",
        "CURRENCY_DIFFERS",
        "/lines/1/currency",
        "Cloud foundation is in USD, the opportunity in EUR",
        make.opportunity(make.time_line(), make.fixed_line(currency="USD")),
    ),
    Case(
        "an amount finer than a cent",
        "AMOUNT_TOO_FINE",
        "/lines/0/net",
        "more than the 2 decimals of EUR: EUR 10,000.005",
        make.opportunity(make.fixed_line(net="10000.005")),
    ),
    Case(
        "an amount beyond all books",
        "AMOUNT_TOO_LARGE",
        "/amount",
        "too large to be booked: EUR 10,000,000,000,000,000.00",
        make.opportunity(make.fixed_line(unit_price="1E+16", net="1E+16")),
    ),
    Case(
        "nothing for the money",
        "AMOUNT_NOT_POSITIVE",
        "/lines/0/net",
        "Cloud foundation is not above zero: EUR 0.00",
        make.opportunity(make.fixed_line(unit_price=0, net=0), make.time_line()),
    ),
    Case(
        "a deal that only takes money back",
        "AMOUNT_NOT_POSITIVE",
        "/amount",
        "The amount is not above zero: EUR -10,000.00",
        make.opportunity(make.credit(make.fixed_line())),
    ),
    Case(
        "as much taken back as charged",
        "AMOUNT_NOT_POSITIVE",
        "/amount",
        "The amount is not above zero: EUR 0.00",
        make.opportunity(make.fixed_line(), make.credit(make.progress_line())),
    ),
    Case(
        "negative hours planned",
        "HOURS_NEGATIVE",
        "/lines/1/planned_hours",
        "Cloud foundation plans -8 hours",
        make.opportunity(make.milestone_line(), make.credit(make.fixed_line(planned_hours=-8))),
    ),
    Case(
        "a negative quantity at a negative price",
        "AMOUNT_NOT_POSITIVE",
        "/lines/0/quantity",
        "quantity of Cloud foundation is -1",
        make.opportunity(make.fixed_line(quantity=-1, unit_price=-10_000)),
    ),
    Case(
        "a net that is not quantity times price",
        "LINE_NET_MISMATCH",
        "/lines/0/net",
        "100 x EUR 160.00 less 10 % is EUR 14,400.00, but its net amount is EUR 14,400.02",
        make.opportunity(make.time_line(net="14400.02")),
    ),
    Case(
        "lines that sum to something else",
        "TOTAL_MISMATCH",
        "/amount",
        "The lines sum to EUR 44,400.00, but the opportunity's amount is EUR 44,400.04; "
        "the difference is EUR 0.04",
        make.opportunity(amount="44400.04"),  # three lines
    ),
]
