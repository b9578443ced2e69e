"""The exception queue of many items: by cause, filtered, sorted, page by page."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from tests.harness import builders
from tests.harness.statements import statements
from tests.web.browser import Browser, Screen
from tests.web.office import Office, sold_by

Browsers = Callable[[str], Browser]


def no_cost_centre(position: int = 0) -> Finding:
    return finding(
        "COST_CENTRE_MISSING", "No cost centre", path=f"/lines/{position}/service_line", value="Advisory"
    )


def no_region() -> Finding:
    return finding("FIELD_MISSING", "The region is missing", path="/region")


def stopped(office: Office, name: str, found: Finding, **fields: Any) -> None:
    office.parked(State.RECEIVED, found, sold_by("sam.seller", name=name, **fields))


def listed(screen: Screen) -> list[str]:
    """The deals of the list, in its order."""
    table = screen.markup.partition('<h2 id="items">')[2]
    return re.findall(r'<td data-label="Deal">([^<]*)', table)


def causes(screen: Screen) -> str:
    part = screen.markup.partition('<h2 id="causes">')[2].partition("</section>")[0]
    return Screen.words_of(part)


def address_of(screen: Screen, words: str) -> str:
    """Of the link with these words."""
    found = re.search(rf'<a[^>]* href="([^"]+)"[^>]*>{words}<', screen.markup)
    assert found is not None, words
    return found[1].replace("&amp;", "&")


def test_items_are_grouped_by_cause_with_a_sum_for_each_currency(browser: Browsers, office: Office) -> None:
    stopped(office, "Alpha", no_cost_centre(0), amount=Decimal("100.50"))
    stopped(office, "Beta", no_cost_centre(1), amount=Decimal(200))
    stopped(office, "Gamma", no_cost_centre(0), amount=Decimal(7_000), currency="JPY")
    stopped(office, "Delta", no_region(), amount=Decimal(5))
    olga = browser("olga")

    queue = olga.get("/exceptions")

    shown = causes(queue)
    assert "Salesforce Service line 3 EUR 300.50 JPY 7,000 0 min" in shown
    assert "Salesforce Region 1 EUR 5.00 0 min" in shown
    of_one = olga.get(address_of(queue, "There is no cost centre for this entity and service line"))
    assert listed(of_one) == ["Alpha", "Beta", "Gamma"]
    assert "3 exceptions" in of_one.words


def test_a_deal_without_a_readable_amount_is_counted_and_summed_as_nothing(
    browser: Browsers, office: Office
) -> None:
    stopped(office, "Alpha", no_region(), amount=None)
    stopped(office, "Beta", no_region(), amount=Decimal("1.234"), currency="DEM")
    stopped(office, "Gamma", no_cost_centre())
    assert "Salesforce Region 2 DEM 1.234 0 min" in causes(browser("olga").get("/exceptions"))


def test_filters_narrow_the_list_and_stay_in_the_address(browser: Browsers, office: Office) -> None:
    line = builders.opportunity().lines[0]
    stopped(office, "Alpha", no_region(), region="UK", service_line="Cloud", lines=())
    stopped(
        office,
        "Beta",
        no_region(),
        region="DACH",
        service_line=None,
        lines=(changed(line, service_line="Data"),),
    )
    stopped(office, "100% sure", no_cost_centre(), region="UK", service_line="Data", lines=())
    olga = browser("olga")

    for query, deals in (
        ("", ["Alpha", "Beta", "100% sure"]),
        ("region=UK", ["Alpha", "100% sure"]),
        ("service_line=Data", ["Beta", "100% sure"]),
        ("service_line=Data&region=DACH", ["Beta"]),
        ("code=COST_CENTRE_MISSING", ["100% sure"]),
        ("field=/region", ["Alpha", "Beta"]),
        ("connection=sf-demo&owner=finance", ["100% sure"]),
        ("connection=elsewhere", []),
        ("text=100%25", ["100% sure"]),
        ("text=%25", ["100% sure"]),
        ("text=is+missing", ["Alpha", "Beta"]),
        ("owner=nobody&sort=sideways&view=lost&page=x", ["Alpha", "Beta", "100% sure"]),
    ):
        assert listed(olga.get(f"/exceptions?{query}")) == deals, query
    both = olga.get("/exceptions?region=UK&text=sure")
    assert '<option value="UK" selected>' in both.markup
    assert 'name="text" type="search" maxlength="200" value="sure"' in both.markup
    nothing = olga.get("/exceptions?region=UK&text=Globex+Ltd")
    assert "No exception matches. Clear filters" in nothing.words
    assert address_of(nothing, "Clear filters") == "/exceptions"


def test_the_largest_amount_first_never_compares_two_currencies(browser: Browsers, office: Office) -> None:
    for name, amount, currency in (("A", 10, "EUR"), ("B", 9_000, "JPY"), ("C", 20, "EUR"), ("D", None, None)):
        stopped(office, name, no_region(), amount=amount and Decimal(amount), currency=currency)
    olga = browser("olga")
    assert listed(olga.get("/exceptions?sort=amount")) == ["C", "A", "B", "D"]
    assert listed(olga.get("/exceptions?sort=newest")) == ["D", "C", "B", "A"]
    assert listed(olga.get("/exceptions")) == ["A", "B", "C", "D"]


def test_five_hundred_items_are_paged_to_and_fro_with_their_filters(browser: Browsers, office: Office) -> None:
    for number in range(60):
        stopped(office, f"Deal {number:02}", no_region(), region="UK")
    olga = browser("olga")
    first = olga.get("/exceptions?region=UK&sort=newest")
    second = olga.get(address_of(first, "Next page"))
    third = olga.get(address_of(second, "Next page"))

    assert [listed(each)[0] for each in (first, second, third)] == ["Deal 59", "Deal 34", "Deal 09"]
    assert len(listed(third)) == 10
    assert "Next page" not in third.words
    assert "Previous page" not in first.words
    assert "Page 2 of 3" in second.words
    assert listed(olga.get(address_of(third, "Previous page"))) == listed(second)
    assert listed(olga.get("/exceptions?region=UK&sort=newest&page=99")) == listed(third)


def test_what_is_about_no_deal_is_listed_with_the_system_it_came_by(browser: Browsers, office: Office) -> None:
    office.unreadable_delivery()
    olga = browser("olga")
    assert "A signed delivery cannot be read" in olga.get("/exceptions?connection=sf-demo&field=-").words
    assert "No exception matches" in olga.get("/exceptions?field=/region").words


def test_what_was_settled_is_listed_too_the_latest_first(browser: Browsers, office: Office) -> None:
    for name in ("Alpha", "Beta"):
        stopped(office, name, no_region())
    with office.application.engine.begin() as connection:
        connection.execute(text("update exception_items set status = 'dismissed', closed_by = 'person:olga'"))
    olga = browser("olga")
    assert listed(olga.get("/exceptions?view=dismissed")) == ["Beta", "Alpha"]
    assert "No exception is open." in olga.get("/exceptions").words
    assert "No match: nothing was replayed." in olga.get("/exceptions?view=replayed").words


def test_the_queue_asks_as_much_for_many_items_as_for_one(browser: Browsers, office: Office) -> None:
    olga = browser("olga")
    stopped(office, "Alpha", no_region())
    counts = []
    for _ in range(2):
        with statements(office.application) as seen:
            olga.get("/exceptions")
        counts.append((sum("exception_items" in each for each in seen), len(seen)))
        for number in range(30):
            stopped(office, f"Deal {number}", no_cost_centre() if number % 2 else no_region())
    assert counts[0] == counts[1]
    # The navigation's count, the causes, the page's rows, and what the filters offer.
    assert counts[0][0] == 4
