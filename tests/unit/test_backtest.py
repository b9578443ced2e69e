"""In which ways a past deal differs, and what all of them come to."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.reading import backtest as backtests
from oppsync.domain.reading.backtest import Backtest, Tally, Way, differs
from oppsync.domain.reading.backtest_days import days_of
from oppsync.domain.reading.judged import judge
from oppsync.domain.reading.past_deals import PastDeal, Tried, tried_by
from oppsync.domain.reading.plan_money import money_of
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.validation.erp_facts import ErpFacts
from oppsync.domain.values.model import changed, require
from oppsync.domain.values.money import Money
from tests.harness import builders as make

K = ReferenceKind
NOW = ConfigurationUse(fingerprint="f00", number=7)


def past(*lines: Any, **deal: Any) -> PastDeal:
    inputs = PlanInputs(
        release="0.4.0",
        configuration=NOW,
        moment=make.NOW,
        record=make.opportunity(*lines, **deal),
        customer=make.GLOBEX,
        systems=PlanSystems(erp="tryton-demo"),
        erp=make.erp(),
    )
    return PastDeal(uuid.uuid4(), "006O1", "salesforce", inputs)


def tried(deal: PastDeal, book: ReferenceBook | None = None) -> Tried:
    return tried_by(deal, book or make.book(), {})


def edited(kind: K, **value: Any) -> ReferenceBook:
    """Every row of a kind with these values."""
    return ReferenceBook(
        changed(row, value={**row.value, **value}) if row.kind is kind else row for row in make.book().rows
    )


def together() -> ReferenceBook:
    """All lines of a service line are one workstream."""
    rule = {"code": "all", "order": 1, "group_by": ["service_line"]}
    return make.book(ReferenceRow(kind=K.SPLIT_RULE, key="all", valid_from=date(2026, 1, 1), value=rule))


def with_floor() -> ReferenceBook:
    value = {"floor_percent": "99", "severity": "warns"}
    return make.book(
        ReferenceRow(kind=K.MARGIN_POLICY, key="ACME-DE", valid_from=date(2026, 1, 1), value=value)
    )


def with_rule(on: str, **more: object) -> ReferenceBook:
    value = {"on": on, "condition": "true", "message": "Legal reads this first", "owner": "finance", **more}
    return make.book(ReferenceRow(kind=K.RULE, key="legal", valid_from=date(2026, 1, 1), value=value))


def with_step(since: date = date(2026, 1, 1), **conditions: object) -> ReferenceBook:
    value = {"name": "Tax", "roles": ["finance"], "people": ["tara@acme.example"], "count": 2, **conditions}
    return make.book(ReferenceRow(kind=K.APPROVAL_STEP, key="tax", valid_from=since, value=value))


@pytest.mark.parametrize(
    ("book", "ways", "words"),
    [
        (edited(K.COST_RATE, hourly="99"), (Way.PRICED,), "margin percent"),
        (edited(K.COST_CENTRE, code="CC-NEW"), (Way.ENRICHED,), "cost centre: CC-DE-ADV -> CC-NEW"),
        (edited(K.LEGAL_ENTITY, currencies=["USD"]), (Way.VALIDATED,), "EUR"),
        (with_floor(), (Way.PRICED,), "at least 99 % are wanted"),
        (with_rule("validation"), (Way.VALIDATED,), "Legal reads this first"),
        (with_step(), (Way.APPROVED,), "Tax (1 of 2) by a person; Tax (2 of 2) by a person"),
        (with_step(condition="plan.total > deal.no_such"), (Way.APPROVED,), "no_such"),
        (with_step(since=date(2099, 1, 1)), (), ""),
        (make.book(), (), ""),
    ],
)
def test_each_way_has_what_differs_in_words(book: ReferenceBook, ways: tuple[Way, ...], words: str) -> None:
    deal = past(make.time_line())

    found, what = differs(tried(deal), tried(deal, book))

    assert found == ways, what
    assert words in what


def test_lines_that_become_one_workstream_are_split_otherwise() -> None:
    deal = past(make.fixed_line(id="00kA"), make.fixed_line(id="00kB"), make.time_line(id="00kC"))

    found, what = differs(tried(deal), tried(deal, together()))

    assert Way.SPLIT in found, what
    assert Way.VALIDATED not in found
    assert Way.APPROVED not in found


def test_a_rule_that_fills_an_empty_field_finds_something_else() -> None:
    deal = past(make.time_line(), delivery_model=None)

    ways, what = differs(tried(deal), tried(deal, with_rule("enrichment", fills={"delivery_model": "no such"})))

    assert ways == (Way.ENRICHED,)
    assert "no such" in what


def test_a_customer_was_new_as_long_as_no_deal_of_theirs_had_been_active() -> None:
    new, book = past(make.time_line()), with_step(new_customer=True)

    assert differs(tried(new), tried(new, book))[0] == (Way.APPROVED,)
    known = new._replace(knew_customer=True)
    assert differs(tried(known), tried(known, book))[0] == ()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"company": "Acme DE", "books_open_until": date(2026, 5, 31)}, "BOOKS_NOT_OPEN"),
        ({"company": "Acme DE", "missing": ("an invoice journal",)}, "LEGAL_ENTITY_NOT_READY"),
        ({"company": "Another", "missing": ("an invoice journal",)}, None),
        ({"terms": "NET30", "terms_unknown": True}, "PAYMENT_TERMS_UNKNOWN"),
        ({"terms": "NET99", "terms_unknown": True}, None),
    ],
)
def test_what_the_erp_said_then_is_held_against_the_deal(said: dict[str, Any], code: str | None) -> None:
    """Of a company or terms for which it was not asked, nothing is."""
    deal = past(make.time_line())
    entity = next(row for row in make.book().rows if (row.kind, row.key) == (K.LEGAL_ENTITY, "ACME-DE"))
    if said.get("company") == "Acme DE":
        said = {**said, "company": entity.value["erp_company"]}
    assert deal.inputs.record.contract.payment_terms == "NET30"
    kept = ErpFacts(record_digest="d", **said)

    found = tried(deal._replace(inputs=changed(deal.inputs, erp_facts=kept)))

    assert {each.code for each in found.wrong} - {each.code for each in tried(deal).wrong} == ({code} - {None})


def test_the_account_s_link_is_that_of_the_time() -> None:
    deal = past(make.time_line(), account=changed(make.account(), code=None))
    inputs = changed(deal.inputs, customer=None)
    account, book = require(inputs.record.account, "the account"), make.book()
    link = ReferenceRow(
        kind=K.CUSTOMER_LINK,
        key=f"{inputs.record.system}|{account.id}",
        valid_from=date(2000, 1, 1),
        value={"customer": "CUST-1001", "linked_by": "tax id"},
    )

    linked = judge(inputs.record, make.facts(customer=make.match_of(None)), book.adding([link]))

    assert linked.enrichment is not None
    assert linked.enrichment.customer == "CUST-1001"
    assert book.row(K.CUSTOMER_LINK, link.key, make.WON_ON) is None
    assert tried(deal._replace(inputs=changed(inputs, links=(link,)))).later == linked.later


def backtest(tally: Tally) -> Backtest:
    return tally.backtest(
        NOW, "abc", made_at=make.NOW, made_by="command-line", not_kept=0, days=days_of((), (), None, None)
    )


def test_sums_are_of_all_deals_by_currency_and_only_some_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtests, "MOST_LISTED", 2)
    tally = Tally()
    for number in range(4):
        deal = past(make.time_line(), won_on=date(2026, 4, number + 1))
        tally.add(deal, tried(deal), tried(deal, edited(K.COST_CENTRE, code="CC-NEW")))
    same = past(make.time_line())
    tally.add(same, tried(same), tried(same))

    found = backtest(tally)

    assert (found.tried, found.differing, len(found.rows), found.more) == (5, 4, 2, 2)
    assert found.ways == {Way.ENRICHED: 4}
    one = tried(same).content
    assert one is not None
    cost = require(one.nodes[0].cost, "the cost")
    five = {"total": one.total, "tax": money_of(one).tax, "cost": cost}
    assert {each.what.value: each.before for each in found.sums} == {
        what: Money(amount=5 * money.amount, currency="EUR") for what, money in five.items()
    }
    assert all(each.before == each.after for each in found.sums)
    assert (found.first_won, found.last_won) == (date(2026, 4, 1), make.WON_ON)
    assert Backtest.model_validate(found.model_dump(mode="json")) == found


def test_the_cost_of_some_workstreams_counts_where_that_of_others_is_not_known() -> None:
    fee = make.fixed_line(id="00kB", planned_hours=None)
    deal, free = past(make.time_line(id="00kA"), fee), past(fee)
    tally, alone = Tally(), Tally()
    tally.add(deal, tried(deal), tried(deal, edited(K.COST_RATE, hourly="99")))
    alone.add(free, tried(free), tried(free))

    cost = next(each for each in backtest(tally).sums if each.what == "cost")

    content = tried(deal).content
    assert content is not None
    assert content.nodes[0].cost is None
    assert cost.before == next(node.cost for node in content.nodes if node.cost)
    assert cost.after.amount > cost.before.amount
    assert [each.what for each in backtest(alone).sums] == ["total", "tax"]


def test_a_deal_that_is_stopped_by_both_is_asked_of_nobody_and_sums_to_nothing() -> None:
    deal = past(make.time_line(), amount=Decimal("1.00"))
    tally = Tally()
    tally.add(deal, tried(deal), tried(deal, edited(K.COST_RATE, hourly="99")))

    found = backtest(tally)

    assert (found.tried, found.sums, found.approvals, found.stopped) == (1, (), (), 0)


def test_a_deal_that_one_side_stops_is_in_neither_sum() -> None:
    """Its plan would otherwise read as money saved, and its approvals as work saved."""
    stopped, goes_on = past(make.time_line()), past(make.time_line())
    tally = Tally()
    tally.add(stopped, tried(stopped), tried(stopped, edited(K.LEGAL_ENTITY, currencies=["USD"])))
    tally.add(stopped, tried(stopped, edited(K.LEGAL_ENTITY, currencies=["USD"])), tried(stopped))
    tally.add(goes_on, tried(goes_on), tried(goes_on))

    found = backtest(tally)

    assert (found.stopped, found.freed, found.go_on) == (1, 1, 1)
    one = tried(goes_on).content
    assert one is not None
    total = next(each for each in found.sums if each.what == "total")
    assert (total.before, total.after) == (one.total, one.total)
    assert {(each.before, each.after) for each in found.approvals} == {(1, 1)}
