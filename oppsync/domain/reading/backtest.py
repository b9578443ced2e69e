"""A backtest: the last won deals by the rows of now and by others, where they differ, in money and people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.plan.approvals import APPROVALS, required_in_words
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.plan.systems import SYSTEMS
from oppsync.domain.planning.workstreams import is_about_planning
from oppsync.domain.reading.backtest_days import Days
from oppsync.domain.reading.open_deals import findings_between, in_one_line, told
from oppsync.domain.reading.past_deals import PastDeal, Tried
from oppsync.domain.reading.plan_changes import PlanChange, plan_changes
from oppsync.domain.reading.plan_money import money_of
from oppsync.domain.reading.untried import maps_among, maps_in_words
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import Code, Frozen, Text, omitted_at, require
from oppsync.domain.values.money import Currency, Money

# So many deals that differ are kept one by one; the sums are of all.
MOST_LISTED = 200
# So many deals are tried while somebody waits for an answer, which takes a few seconds.
MOST_TRIED = 200


class Way(StrEnum):
    """In which way a deal would differ; it may in several."""

    VALIDATED = "validated"
    ENRICHED = "enriched"  # found otherwise in reference data, or any value of the plan that is no money
    SPLIT = "split"
    PRICED = "priced"
    ROUTED = "routed"  # to another ERP or PSA
    APPROVED = "approved"


class DealDifference(Frozen):
    """One deal that differs. A total is None where the deal is stopped. `what`: what differs, in one line; the
    roles that would be asked, or rules that approve, in words."""

    id: UUID
    source_id: Code
    name: Text
    won_on: date
    ways: tuple[Way, ...]
    total_before: Money | None = None
    total_after: Money | None = None
    approved_before: Text = ""
    approved_after: Text = ""
    what: Text = ""


class Sum(StrEnum):
    """`COST`: of the workstreams whose cost is known."""

    TOTAL = "total"
    TAX = "tax"
    COST = "cost"


class MoneySum(Frozen):
    """What the plans of all deals that go on by both come to, in one currency."""

    what: Sum
    currency: Currency
    before: Money
    after: Money


class Counted(Frozen):
    """Of how many deals: a finding by its code, or who approves those that go on by both."""

    what: Text
    before: int
    after: int


class Backtest(Frozen):
    """`before`: the rows of now, `after`: the fingerprint of the others. `tried` deals, the last ones won that
    have a plan, between two days; `not_kept`: those besides of which a release before kept no inputs.

    `ways`: of how many deals each way differs. `stopped`: how many go on now and would not; `freed`: the other
    way round; `stopped_by_both`: how many are stopped as it is. `as_of`: the day by whose rows all deals were
    tried; None for each deal's own. `begin_later`: how many changed rows begin after the last of these deals
    was won, and counted as though they had begun by then. `untouched`: how many hold on none of the days whose
    rows were read, so that no deal shows what they do. `maps_not_tried`: the connections whose maps differ,
    which no deal shows either, because it is as it was read. `rows`: the deals that differ, the last ones won
    first; `more` are not listed.
    """

    before: ConfigurationUse
    after: Code
    made_at: AwareDatetime
    made_by: Code
    tried: int = 0
    not_kept: int = 0
    first_won: date | None = None
    last_won: date | None = None
    differing: int = 0
    stopped: int = 0
    freed: int = 0
    stopped_by_both: int = 0
    as_of: date | None = None
    begin_later: int = 0
    untouched: int = 0
    maps_not_tried: tuple[Code, ...] = omitted_at(())
    ways: dict[Way, int] = {}
    sums: tuple[MoneySum, ...] = ()
    findings: tuple[Counted, ...] = ()
    approvals: tuple[Counted, ...] = ()
    rows: tuple[DealDifference, ...] = ()

    @property
    def all_stopped(self) -> bool:
        """Whether no deal goes on by either, so that none shows what differs."""
        return 0 < self.tried == self.stopped_by_both

    @property
    def go_on(self) -> int:
        """How many deals go on by both: the sums and who approves are of these, so that a deal that is stopped
        reads as no saving."""
        return self.tried - self.stopped - self.freed - self.stopped_by_both

    @property
    def more(self) -> int:
        return self.differing - len(self.rows)

    @property
    def in_words(self) -> str:
        """Such as `3 of the last 100 won deals would differ: 2 priced, 1 approved otherwise`."""
        return (
            f"{self._counted}; changed connection maps are not tried" if self.maps_not_tried else self._counted
        )

    @property
    def maps_in_words(self) -> str:
        return maps_in_words(self.maps_not_tried)

    @property
    def _counted(self) -> str:
        if not self.tried:
            return "no deal was tried"
        if self.all_stopped:
            return f"all {self.tried} deals that were tried are stopped by the rows of now and by these"
        counted = f"{self.differing} of the last {self.tried} won deals would differ"
        ways = ", ".join(f"{self.ways[way]} {way}" for way in Way if way in self.ways)
        return f"{counted}: {ways} otherwise" if ways else counted


class Tally:
    """Adds up deals one by one, and keeps no more of them than is listed."""

    def __init__(self) -> None:
        self._tried = self._differing = self._stopped = self._freed = self._by_both = 0
        self._won: set[date] = set()
        self._planned: set[date] = set()
        self._ways: Counter[Way] = Counter()
        self._sums: dict[tuple[Currency, Sum], tuple[Money, Money]] = {}
        self._findings: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._approvals: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._rows: list[DealDifference] = []

    def add(self, deal: PastDeal, before: Tried, after: Tried) -> None:
        record = deal.inputs.record
        won_on = require(record.won_on, "the close date")
        self._tried += 1
        self._won.add(won_on)
        self._planned.add(deal.inputs.moment.date())
        for side, tried in enumerate((before, after)):
            self._findings[side].update({found.code for found in (*tried.wrong, *tried.later)})
            if not (before.is_blocked or after.is_blocked):
                self._approvals[side].update(_approvers(tried))
                self._add_money(side, tried)
        self._by_both += before.is_blocked and after.is_blocked
        ways, what = differs(before, after)
        if not ways:
            return
        self._differing += 1
        self._ways.update(ways)
        self._stopped += after.is_blocked and not before.is_blocked
        self._freed += before.is_blocked and not after.is_blocked
        if len(self._rows) < MOST_LISTED:
            row = DealDifference(
                id=deal.id,
                source_id=deal.source_id,
                name=record.name,
                won_on=won_on,
                ways=ways,
                total_before=total_of(before),
                total_after=total_of(after),
                approved_before="; ".join(_approvers(before)),
                approved_after="; ".join(_approvers(after)),
                what=what,
            )
            self._rows.append(row)

    def _add_money(self, side: int, tried: Tried) -> None:
        if tried.content is None:
            return
        content = tried.content
        zero = Money.zero(content.currency)
        found = {Sum.TOTAL: content.total, Sum.TAX: money_of(content).tax}
        costs = [node.cost for node in content.nodes if node.billing_model and node.cost is not None]
        if costs:
            found[Sum.COST] = Money.total(costs, content.currency)
        for what, money in found.items():
            sums = list(self._sums.get((content.currency, what), (zero, zero)))
            sums[side] += money
            self._sums[content.currency, what] = sums[0], sums[1]

    def backtest(
        self,
        before: ConfigurationUse,
        after: str,
        *,
        made_at: AwareDatetime,
        made_by: str,
        not_kept: int,
        days: Days,
    ) -> Backtest:
        return Backtest(
            before=before,
            after=after,
            made_at=made_at,
            made_by=made_by,
            tried=self._tried,
            not_kept=not_kept,
            first_won=min(self._won, default=None),
            last_won=max(self._won, default=None),
            differing=self._differing,
            stopped=self._stopped,
            freed=self._freed,
            stopped_by_both=self._by_both,
            as_of=days.as_of,
            begin_later=days.begin_later,
            untouched=days.untouched(self._won, self._planned),
            maps_not_tried=maps_among(each.key for each in days.changes),
            ways={way: self._ways[way] for way in Way if self._ways[way]},
            sums=tuple(
                MoneySum(what=what, currency=currency, before=sums[0], after=sums[1])
                for (currency, what), sums in sorted(self._sums.items(), key=_by_currency)
            ),
            findings=tuple(each for each in _counted(*self._findings) if each.before != each.after),
            approvals=tuple(_counted(*self._approvals)),
            rows=tuple(self._rows),
        )


def _by_currency(sums: tuple[tuple[Currency, Sum], object]) -> tuple[Currency, int]:
    (currency, what), _money = sums
    return currency, list(Sum).index(what)


def total_of(tried: Tried) -> Money | None:
    return None if tried.is_blocked or tried.content is None else tried.content.total


def differs(before: Tried, after: Tried) -> tuple[tuple[Way, ...], str]:
    """In which ways, and what, in one line."""
    found, texts = set[Way](), list[str]()
    changes: Sequence[PlanChange] = ()
    if before.content and after.content and before.content != after.content:
        every = plan_changes(before.content, after.content)
        changes = [each for each in every if not each.field.startswith(_APPROVALS)]
        found |= {_way_of(each, before.content, after.content) for each in changes}
        if before.content.required != after.content.required:
            found.add(Way.APPROVED)
            texts.append(f"asked: {required_in_words(after.content.required)}")
    for way, was, now in _findings(before, after):
        if told(was) != told(now):
            found.add(way)
            texts.append(findings_between(was, now))
    if before.goes_to and after.goes_to and before.goes_to != after.goes_to:
        found.add(Way.ROUTED)
        texts.append(f"goes to {after.goes_to} instead of {before.goes_to}")
    if changes:
        texts.append(in_one_line([each.in_words for each in changes]))
    if before.approved != after.approved and not (before.is_blocked or after.is_blocked):
        found.add(Way.APPROVED)
        texts.append(f"approved by {'; '.join(_approvers(after))}")
    return tuple(way for way in Way if way in found), ". ".join(texts)[:_LONGEST]


# A line of a report, which says the most important first.
_LONGEST = 1_000


def _findings(before: Tried, after: Tried) -> Iterator[tuple[Way, Sequence[Finding], Sequence[Finding]]]:
    yield Way.VALIDATED, before.wrong, after.wrong
    for way in (Way.ENRICHED, Way.PRICED, Way.ROUTED, Way.APPROVED):
        of_way = [[each for each in tried.later if _way_of_finding(each) is way] for tried in (before, after)]
        yield way, of_way[0], of_way[1]


def _way_of_finding(found: Finding) -> Way:
    """Of one that comes after validation."""
    if found.code == "NO_APPROVER" or found.path.startswith(APPROVALS):
        return Way.APPROVED
    if found.path == SYSTEMS:
        return Way.ROUTED
    return Way.PRICED if is_about_planning(found) else Way.ENRICHED


# The first word of a plan's fields that say who approves: what comes of them is compared.
_APPROVALS = "approvals"
# The first words of a plan's fields that are money.
_MONEY = frozenset(
    {
        "total",
        "tax",
        "withholding",
        "conversions",
        "amount",
        "cost",
        "margin",
        "revenue",
        "estimate",
        "rounding",
    }
    | {"rate"}
)


def _way_of(change: PlanChange, before: PlanContent, after: PlanContent) -> Way:
    if change.field:
        is_money = change.field.split(" ")[0] in _MONEY or "transfer price" in change.field
        return Way.PRICED if is_money and change.field != "cost centre" else Way.ENRICHED
    nodes = {node.path for content in (before, after) for node in content.nodes}
    return Way.SPLIT if change.path in nodes else Way.PRICED


def _approvers(tried: Tried) -> list[str]:
    return [
        f"{role} by the rule {rule}" if rule else f"{role} by a person" for role, rule in tried.approved.items()
    ]


def _counted(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[Counted]:
    for what in sorted({*before, *after}):
        yield Counted(what=what, before=before.get(what, 0), after=after.get(what, 0))
