"""A plan in the entity's and in the reporting currency; its contract stays in its own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.conversion import CurrencyUse
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.plan import ROOT_PATH, PlanContent, plan_hash
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.values.findings.finding import Finding
from tests.harness import builders as make

QUOTED = date(2026, 5, 1)
OURS = frozenset({ReferenceKind.EXCHANGE_RATE, ReferenceKind.LEGAL_ENTITY})
FEE = make.fixed_line(unit_price=1_001, net=1_001)


def quote(pair: str, rate: str, source: str = "ECB") -> ReferenceRow:
    value = {"rate": rate, "source": source, "quoted_on": QUOTED.isoformat()}
    return ReferenceRow(kind=ReferenceKind.EXCHANGE_RATE, key=pair, valid_from=QUOTED, value=value)


def book(*rates: ReferenceRow, reporting: str | None = "JPY", **entity: Any) -> ReferenceBook:
    """ACME-DE keeps its books in euros and reports in yen."""
    changed = make.legal_entity(currencies=("EUR", "USD", "KWD"), reporting_currency=reporting, **entity)
    row = ReferenceRow(
        kind=ReferenceKind.LEGAL_ENTITY,
        key="ACME-DE",
        valid_from=date(2025, 1, 1),
        value=changed.model_dump(mode="json"),
    )
    return make.book(row, *rates, without=OURS)


def deal(currency: str = "USD") -> Opportunity:
    return make.opportunity(FEE, currency=currency)


def findings(of: Opportunity, reference: ReferenceBook) -> list[tuple[str, str, str]]:
    result = enrich(of, reference)
    found: tuple[Finding, ...] = () if isinstance(result, Enrichment) else result
    return [(each.code, each.path, each.value) for each in found]


def totals(content: PlanContent) -> dict[CurrencyUse, str]:
    return {conversion.use: str(conversion.total) for conversion in content.conversions}


BOTH = (quote("USD|EUR", "0.92"), quote("USD|JPY", "155.5"))


def test_a_total_is_converted_with_the_rate_its_source_and_its_day() -> None:
    """1,001 x 0.92 = 920.92; 1,001 x 155.5 = 155,655.5, half to even: 155,656 yen."""
    content = make.content(deal(), book(*BOTH))

    assert totals(content) == {CurrencyUse.FUNCTIONAL: "EUR 920.92", CurrencyUse.REPORTING: "JPY 155,656"}
    functional = content.conversions[0]
    assert (functional.rate, functional.source, functional.quoted_on) == (Decimal("0.92"), "ECB", QUOTED)


def test_the_contract_stays_in_its_own_currency() -> None:
    content = make.content(deal(), book(*BOTH))

    assert {str(content.total), *(line.amount.currency for _node, line in content.billing_lines())} == {
        "USD 1,001.00",
        "USD",
    }
    assert content.node(ROOT_PATH).amount == content.total


def test_the_rate_is_part_of_what_is_approved() -> None:
    other = make.content(deal(), book(quote("USD|EUR", "0.92", source="Treasury"), BOTH[1]))

    assert plan_hash(other) != plan_hash(make.content(deal(), book(*BOTH)))


@pytest.mark.parametrize(
    ("rates", "missing"),
    [((), ["USD|EUR", "USD|JPY"]), (BOTH[:1], ["USD|JPY"]), (BOTH[1:], ["USD|EUR"]), (BOTH, [])],
)
def test_a_missing_rate_is_a_finding(rates: tuple[ReferenceRow, ...], missing: list[str]) -> None:
    expected = [("EXCHANGE_RATE_MISSING", "/currency", key) for key in missing]

    assert findings(deal(), book(*rates)) == expected


def test_an_entity_that_reports_nowhere_needs_no_rate_and_uses_one_that_is_there() -> None:
    assert totals(make.content(deal(), book(reporting=None))) == {}
    assert totals(make.content(deal(), book(BOTH[0], reporting=None))) == {CurrencyUse.FUNCTIONAL: "EUR 920.92"}


def test_a_deal_in_the_entitys_currency_is_what_it_always_was() -> None:
    euros = make.content(deal("EUR"), book(reporting="EUR"))

    assert "conversions" not in euros.document()


def test_the_planned_cost_is_converted_too_and_may_come_from_the_entitys_own_rates() -> None:
    """60 h x EUR 76 x 0.3345 = KWD 25.422 an hour, 1,525.320 in all; back at 2.99 that is EUR 4,560.71."""
    rates = (quote("EUR|KWD", "0.3345"), quote("KWD|EUR", "2.99"))

    content = make.content(deal("KWD"), book(*rates, reporting=None))

    assert str(content.node(ROOT_PATH).cost) == "KWD 1,525.320"
    assert str(content.conversions[0].cost) == "EUR 4,560.71"
