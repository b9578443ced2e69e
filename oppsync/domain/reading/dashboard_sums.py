"""Sum what the store counted, in one currency: by the firm's own exchange rates, of the day a deal was won.

What has no rate is in no sum, and is listed. Each sum is rounded once, at its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from oppsync.domain.plan.margin import margin_percent
from oppsync.domain.reading.dashboard import (
    ENOUGH,
    CycleFact,
    CycleRow,
    Dashboard,
    DashboardFacts,
    DashboardWanted,
    Figure,
    MarginFact,
    MarginRow,
    RevenueFact,
    RevenueRow,
    Unconverted,
    WaitingFact,
    WaitingRow,
)
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, reference_key
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.reference.exchange import ExchangeRate
from oppsync.domain.values.money import Money

# What a firm without legal entities, which has no plans either, sees its dashboard in.
_OF_NOBODY = "EUR"

Fact = TypeVar("Fact")
Key = TypeVar("Key")


def currencies_of(book: ReferenceBook, today: date) -> tuple[str, ...]:
    """What the firm's entities report in, and keep their books in. The reporting currency of most of them comes
    first: it is shown when none is chosen."""
    entities = [entity for entity, _use in book.all(LegalEntity, ReferenceKind.LEGAL_ENTITY, today)]
    reported = [each.reporting_currency or each.currency for each in entities]
    most = sorted(dict.fromkeys(reported), key=lambda code: (-reported.count(code), code))
    return tuple(dict.fromkeys([*most, *(each.currency for each in entities)])) or (_OF_NOBODY,)


def dashboard_of(
    facts: DashboardFacts, wanted: DashboardWanted, book: ReferenceBook, now: datetime, today: date
) -> Dashboard:
    """`today`: where the firm is."""
    sums = _Sums(book, wanted.currency, today)
    waiting = _waiting(facts.waiting, sums)
    revenue = _revenue(facts.revenue, sums, f"{today:%Y-%m}")
    return Dashboard(
        as_of=now,
        wanted=wanted,
        cycle=tuple(_cycle_row(each) for each in facts.cycle),
        waiting=waiting,
        waiting_deals=sum(each.deals for each in waiting),
        waiting_value=Money.total((each.value for each in waiting), wanted.currency),
        revenue=revenue,
        at_risk=Money.total((each.revenue for each in revenue if each.has_begun), wanted.currency),
        unplanned=sum(each.deals for each in facts.revenue if each.month is None),
        margin=_margin(facts.margin, sums),
        unconverted=sums.left_out(),
        entities=book.keys(ReferenceKind.LEGAL_ENTITY, today),
        currencies=tuple(dict.fromkeys([*currencies_of(book, today), wanted.currency])),
    )


class _Sums:
    """Converts amounts, and keeps what it could not convert."""

    def __init__(self, book: ReferenceBook, currency: str, today: date) -> None:
        self._book, self._currency, self._today = book, currency, today
        self._rates: dict[tuple[str, date], Decimal] = {}
        self._missing: dict[tuple[Figure, str | None], tuple[int, Decimal]] = {}

    def convert(
        self, amounts: Sequence[Decimal], currency: str | None, won_on: date | None, figure: Figure, deals: int
    ) -> Sequence[Decimal] | None:
        """The amounts in the currency of the sums; None without a rate, and then the first is listed."""
        rate = self._rate(currency, won_on or self._today)
        if rate is not None:
            return [amount * rate for amount in amounts]
        counted, sum_ = self._missing.get((figure, currency), (0, Decimal(0)))
        self._missing[figure, currency] = counted + deals, sum_ + amounts[0]
        return None

    def money(self, amount: Decimal) -> Money:
        return Money.rounded(amount, self._currency)

    def left_out(self) -> tuple[Unconverted, ...]:
        found = sorted(self._missing.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        return tuple(
            Unconverted(figure=figure, currency=currency, deals=deals, amount=amount)
            for (figure, currency), (deals, amount) in found
        )

    def _rate(self, currency: str | None, day: date) -> Decimal | None:
        if currency is None or currency == self._currency:
            return None if currency is None else Decimal(1)
        key = reference_key(currency, self._currency)
        row = self._book.row(ReferenceKind.EXCHANGE_RATE, key, day)
        if row is None:
            return None
        read = self._rates.get((key, row.valid_from))
        if read is None:
            read = self._rates[key, row.valid_from] = ExchangeRate.model_validate(row.value).rate
        return read


def _cycle_row(fact: CycleFact) -> CycleRow:
    enough = fact.active >= ENOUGH
    return CycleRow(
        month=fact.month,
        active=fact.active,
        under_way=fact.under_way,
        median_seconds=fact.median_seconds if enough else None,
        p90_seconds=fact.p90_seconds if enough else None,
    )


def _waiting(facts: Iterable[WaitingFact], sums: _Sums) -> tuple[WaitingRow, ...]:
    """The most value first."""
    rows = []
    for (state, cause), of_cause in _by(facts, lambda each: (each.state, each.cause)):
        value = Decimal(0)
        for each in of_cause:
            if each.amount is not None:
                priced = each.deals - each.without_amount
                converted = sums.convert([each.amount], each.currency, each.won_on, Figure.WAITING, priced)
                value += converted[0] if converted else 0
        rows.append(
            WaitingRow(
                state=state,
                cause=cause,
                deals=sum(each.deals for each in of_cause),
                value=sums.money(value),
                without_amount=sum(each.without_amount for each in of_cause),
                oldest=min(each.oldest for each in of_cause),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.value.amount, -row.deals, row.state, row.cause or "")))


def _revenue(facts: Iterable[RevenueFact], sums: _Sums, this_month: str) -> tuple[RevenueRow, ...]:
    rows = []
    planned = [each for each in facts if each.month is not None]
    for month, of_month in _by(planned, lambda each: str(each.month)):
        revenue = Decimal(0)
        for each in of_month:
            converted = sums.convert(
                [each.amount or Decimal(0)], each.currency, each.won_on, Figure.REVENUE, each.whole_deals
            )
            revenue += converted[0] if converted else 0
        rows.append(
            RevenueRow(
                month=month,
                deals=sum(each.deals for each in of_month),
                revenue=sums.money(revenue),
                has_begun=month <= this_month,
            )
        )
    return tuple(sorted(rows, key=lambda row: row.month))


def _margin(facts: Sequence[MarginFact], sums: _Sums) -> tuple[MarginRow, ...]:
    """The months, then the whole period."""
    found = sorted(_by(facts, lambda each: each.month))
    converted = {month: [_converted(each, sums) for each in of_month] for month, of_month in found}
    rows = [_margin_row(month, of_month, converted[month], sums) for month, of_month in found]
    if rows:
        every = [each for of_month in converted.values() for each in of_month]
        rows.append(_margin_row(None, facts, every, sums))
    return tuple(rows)


def _converted(fact: MarginFact, sums: _Sums) -> Sequence[Decimal]:
    """Revenue and cost; nothing of either where they cannot be converted."""
    if fact.total is None or fact.cost is None:
        return (Decimal(0), Decimal(0))
    known, amounts = fact.deals - fact.without_cost, [fact.total, fact.cost]
    return sums.convert(amounts, fact.currency, fact.won_on, Figure.MARGIN, known) or (Decimal(0), Decimal(0))


def _margin_row(
    month: str | None, facts: Iterable[MarginFact], converted: Iterable[Sequence[Decimal]], sums: _Sums
) -> MarginRow:
    counted, amounts = list(facts), list(converted)
    revenue = sums.money(sum((each[0] for each in amounts), start=Decimal(0)))
    cost = sums.money(sum((each[1] for each in amounts), start=Decimal(0)))
    return MarginRow(
        month=month,
        deals=sum(each.deals for each in counted),
        without_cost=sum(each.without_cost for each in counted),
        revenue=revenue,
        cost=cost,
        margin_percent=margin_percent(revenue, cost),
    )


def _by(facts: Iterable[Fact], key: Callable[[Fact], Key]) -> list[tuple[Key, list[Fact]]]:
    groups = defaultdict[Key, list[Fact]](list)
    for each in facts:
        groups[key(each)].append(each)
    return list(groups.items())
