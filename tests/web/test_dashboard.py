"""The dashboard: what it counts is what the lists behind it show, and its sums are the firm's own."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from adapters.documents.tables import read_table
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.model import plain
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT
from tests.harness.statements import statements
from tests.web.browser import Browser
from tests.web.office import Office, Waiting, sold_by
from tests.web.test_api import Client

Browsers = Callable[[str], Browser]
WON = date(2026, 5, 4)
PERIOD = "won_from=2026-05-01&won_to=2026-06-30"


@pytest.fixture
def firm(office: Office) -> Office:
    """The firm's entities are known, and one rate to the euro."""
    rate = {"rate": "0.5", "source": "ECB", "quoted_on": "2026-05-01"}
    with office.uow() as uow:
        for row in reference_rows():
            if row.kind is ReferenceKind.LEGAL_ENTITY:
                uow.references.put(TENANT, row)
        usd = ReferenceRow(
            kind=ReferenceKind.EXCHANGE_RATE, key="USD|EUR", valid_from=date(2026, 1, 1), value=rate
        )
        uow.references.put(TENANT, usd)
        uow.commit()
    return office


def activated(office: Office, hours: int, won_on: date = WON, **changes: object) -> UUID:
    """A deal that became active so many hours after it was received, on its close date."""
    deal = office.waiting(sold_by("sam.seller", won_on=won_on, **changes)).opportunity_id
    with office.application.engine.begin() as connection:
        connection.execute(
            text(
                "update opportunities set state = 'active', received_at = :at,"
                " activated_at = :at + :taken where id = :id"
            ),
            {"at": _noon(won_on), "taken": timedelta(hours=hours), "id": deal},
        )
    return deal


def in_currency(office: Office, currency: str) -> Waiting:
    """A deal before its approvers, in this currency."""
    waiting = office.waiting(sold_by("sam.seller"))
    asked = {"id": waiting.opportunity_id, "text": f'"{currency}"'}
    with office.application.engine.begin() as connection:
        connection.execute(
            text("update opportunities set currency = trim('\"' from :text) where id = :id"), asked
        )
        connection.execute(
            text(
                "update plans set content = replace(content::text, '\"EUR\"', :text)::jsonb"
                " where opportunity_id = :id"
            ),
            asked,
        )
    return waiting


def _noon(day: date) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+00:00")


def figures(app: Flask, office: Office, query: str = PERIOD) -> Any:
    return Client(app, office.token("ed")).get(f"/dashboard?{query}")


def test_cycle_times_are_of_the_deals_won_in_each_month(app: Flask, firm: Office) -> None:
    for hours in (1, 2, 3, 4, 10):
        activated(firm, hours)
    activated(firm, 1, date(2026, 6, 1))
    firm.waiting(sold_by("sam.seller", won_on=WON))
    activated(firm, 90, date(2026, 4, 30))

    may, june, whole = figures(app, firm)["cycle"]

    assert (may["month"], may["active"], may["under_way"]) == ("2026-05", 5, 1)
    assert may["median_seconds"] == 3 * 3_600
    assert may["p90_seconds"] == round(7.6 * 3_600)
    assert (june["active"], june["median_seconds"]) == (1, None), "of one deal no median is told"
    assert (whole["month"], whole["active"], whole["median_seconds"]) == (None, 6, round(2.5 * 3_600))


def test_a_deal_received_before_its_close_date_counts_from_where_that_day_begins(
    app: Flask, firm: Office
) -> None:
    for _ in range(5):
        activated(firm, 48)
    with firm.application.engine.begin() as connection:
        connection.execute(text("update tenants set time_zone = 'Europe/Berlin'"))
        connection.execute(text("update opportunities set won_on = '2026-05-06'"))

    # Active at 12:00 UTC, of a day that began in Berlin at 22:00 UTC.
    assert figures(app, firm)["cycle"][0]["median_seconds"] == 14 * 3_600


def test_value_waits_by_state_and_cause_in_the_currency_that_is_chosen(app: Flask, firm: Office) -> None:
    in_euro = firm.waiting(sold_by("sam.seller")).plan.content.total.amount
    in_dollars = in_currency(firm, "USD").plan.content.total.amount
    parked, _item = firm.parked()

    shown = figures(app, firm, f"{PERIOD}&currency=EUR")

    by = {(row["state"], row["cause"]): row for row in shown["waiting"]}
    approval = by["awaiting_approval", None]
    assert approval["deals"] == 2
    assert Decimal(approval["value"]["amount"]) == in_euro + in_dollars / 2
    assert by["parked", "COST_CENTRE_MISSING"]["deals"] == 1
    assert shown["waiting_deals"] == 3
    assert shown["unconverted"] == []
    assert parked


def test_what_has_no_rate_is_in_no_sum_and_is_listed(app: Flask, browser: Browsers, firm: Office) -> None:
    total = in_currency(firm, "CHF").plan.content.total.amount

    shown = figures(app, firm, f"{PERIOD}&currency=EUR")

    assert shown["waiting_value"]["amount"] == "0.00"
    left_out = {row["figure"]: row for row in shown["unconverted"]}
    assert (left_out["waiting"]["currency"], left_out["waiting"]["deals"]) == ("CHF", 1)
    assert Decimal(left_out["waiting"]["amount"]) == total
    assert (left_out["revenue"]["deals"], Decimal(left_out["revenue"]["amount"])) == (1, total)
    page = browser("ed").get(f"/dashboard?{PERIOD}&currency=EUR").words
    assert "has no exchange rate to EUR for these amounts" in page
    assert "CHF" in page


def test_planned_revenue_of_months_that_have_begun_is_at_risk(app: Flask, firm: Office) -> None:
    plan = firm.waiting(sold_by("sam.seller")).plan
    activated(firm, 3)

    shown = figures(app, firm)

    lines = [line for schedule in plan.content.revenue_schedules() for line in schedule.lines]
    planned = {row["month"]: Decimal(row["revenue"]["amount"]) for row in shown["revenue"]}
    assert planned == {
        month: sum(line.amount.amount for line in lines if line.period == month)
        for month in {line.period for line in lines}
    }
    begun = [row for row in shown["revenue"] if row["has_begun"]]
    this_month = f"{datetime.now().astimezone():%Y-%m}"
    assert [row["month"] for row in begun] == sorted(m for m in planned if m <= this_month)
    assert Decimal(shown["at_risk"]["amount"]) == sum(Decimal(r["revenue"]["amount"]) for r in begun)


def test_the_margin_is_of_plans_whose_cost_is_known(app: Flask, firm: Office) -> None:
    activated(firm, 1)
    plan = firm.waiting(sold_by("sam.seller", won_on=WON)).plan
    root = plan.content.nodes[0]
    with firm.application.engine.begin() as connection:
        connection.execute(
            text(
                "update plans set content = jsonb_set(content, '{nodes,0,cost}', :cost)"
                " where opportunity_id = (select min(id::text)::uuid from opportunities)"
            ),
            {"cost": '{"amount": "100.00", "currency": "EUR"}'},
        )

    month, whole = figures(app, firm)["margin"]

    without = 1 if root.cost is None else 0
    assert (month["month"], month["deals"], month["without_cost"]) == ("2026-05", 2, without)
    total = plan.content.total.amount * (2 - without)
    cost = Decimal(100) + (root.cost.amount if root.cost else 0)
    assert (Decimal(whole["revenue"]["amount"]), Decimal(whole["cost"]["amount"])) == (total, cost)
    assert Decimal(whole["margin_percent"]) == ((total - cost) * 100 / total).quantize(Decimal("0.01"))


def test_every_figure_opens_the_list_that_it_counts(browser: Browsers, firm: Office) -> None:
    for hours in (1, 2, 3):
        activated(firm, hours)
    activated(firm, 1, date(2026, 6, 1), contracting_entity="ACME-US")
    firm.waiting(sold_by("sam.seller", won_on=WON))
    firm.parked()
    firm.parked(found=finding("RATE_MISSING", "No rate is set", path="/lines/0/role", value="Consultant"))
    ed = browser("ed")

    for entity in ("", "&entity=ACME-US", "&entity=ACME-DE"):
        page = ed.get(f"/dashboard?{PERIOD}{entity}")
        links = re.findall(r'<td[^>]*><a href="(/opportunities\?[^"]*)">(\d+)</a>', page.markup)
        assert len(links) > 4
        for link, counted in links:
            listed = ed.get(html.unescape(link)).markup
            assert listed.count('<th scope="row">') == int(counted), link


def test_figures_of_one_entity_leave_the_others_out(app: Flask, firm: Office) -> None:
    activated(firm, 1)
    activated(firm, 1, contracting_entity="ACME-US")

    assert figures(app, firm)["cycle"][-1]["active"] == 2
    assert figures(app, firm, f"{PERIOD}&entity=ACME-US")["cycle"][-1]["active"] == 1


def test_a_deal_counts_by_what_was_approved(app: Flask, firm: Office) -> None:
    record = sold_by("sam.seller", won_on=WON)
    firm.active_and_changed(record, won_on=date(2026, 8, 1), contracting_entity="ACME-US")

    with firm.application.engine.connect() as connection:
        kept = connection.execute(text("select legal_entity, won_on from opportunities")).one()

    assert kept == (record.contracting_entity, WON)


def test_the_figures_take_a_few_statements_however_many_deals(app: Flask, firm: Office) -> None:
    client = Client(app, firm.token("ed"))

    def asked() -> int:
        with statements(firm.application) as seen:
            client.get(f"/dashboard?{PERIOD}")
        return len([each for each in seen if "opportunities" in each])

    before = asked()
    for hours in range(4):
        activated(firm, hours)
        firm.waiting()

    assert asked() == before == 4


def test_who_may_see_it(app: Flask, browser: Browsers, firm: Office) -> None:
    for name in ("ed", "uma"):
        assert browser(name).get("/dashboard").status == 200
    for name in ("ana", "olga"):
        refused = browser(name).get("/dashboard")
        assert refused.status == 403
        assert "admin or auditor or executive" in refused.words
        Client(app, firm.token(name)).refused(403, "GET", "/dashboard")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("won_from=yesterday", "Write the day as 2026-01-31."),
        ("won_from=2026-06-01&won_to=2026-05-01", "The last day is before the first."),
        ("currency=XYZ", "XYZ is not the code of a current currency"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(browser: Browsers, query: str, says: str) -> None:
    page = browser("ed").get(f"/dashboard?{query}")

    assert page.status == 422
    assert says in page.words
    assert page.title.startswith("Error:")


def test_a_firm_without_deals_reads_what_is_missing(browser: Browsers) -> None:
    words = browser("ed").get("/dashboard").words

    assert "Nothing waits" in words
    assert "No deal was won in this period" in words


def test_pictures_have_a_name_a_description_and_a_table(browser: Browsers, firm: Office) -> None:
    for day in (WON, date(2026, 6, 1)):
        for hours in range(1, 6):
            activated(firm, hours if day == WON else 2 * hours, day)
    firm.waiting()

    page = browser("ed").get(f"/dashboard?{PERIOD}").markup

    pictures = re.findall(r"<svg [^>]*role=\"img\".*?</svg>", page, re.DOTALL)
    assert len(pictures) == 2
    for picture in pictures:
        named = re.findall(r'aria-labelledby="(\S+) (\S+)"', picture)[0]
        assert f'<title id="{named[0]}">' in picture
        assert f'<desc id="{named[1]}">' in picture
        assert "<table" in page[page.index(picture) :].partition("</section>")[0]
        assert "style=" not in picture
    assert "The median rose from the first month to the last." in pictures[0]
    for figure in ("Median 6\u00a0h", "90 % within 9\u00a0h"):
        assert figure in pictures[0]


def test_tables_are_taken_away_as_csv_and_xlsx_with_the_same_figures(
    app: Flask, browser: Browsers, firm: Office
) -> None:
    for hours in range(1, 6):
        activated(firm, hours)
    firm.waiting()
    firm.parked()
    shown, ed = figures(app, firm, f"{PERIOD}&currency=EUR"), browser("ed")

    for table in ("cycle", "waiting", "revenue", "margin", "unconverted"):
        read = []
        for form in ("csv", "xlsx"):
            answer = ed.client.get(f"/dashboard/{table}.{form}?{PERIOD}&currency=EUR")
            assert answer.status_code == 200
            assert answer.headers["Content-Disposition"].startswith("attachment")
            read.append([line.cells for line in read_table(f"{table}.{form}", answer.data).lines])
        as_csv, as_xlsx = ([[_written(cell) for cell in line] for line in lines] for lines in read)
        width = len(as_csv[0])
        assert [line[:width] for line in as_xlsx] == as_csv, table
        assert not any(cell for line in as_xlsx for cell in line[width:])
    waiting = ed.client.get(f"/dashboard/waiting.csv?{PERIOD}&currency=EUR").get_data(as_text=True)
    for row in shown["waiting"]:
        expected = f"{row['state']},{row['cause'] or ''},{row['deals']},EUR,"
        assert expected in waiting


def _written(cell: object) -> str:
    return plain(cell) if isinstance(cell, Decimal) else str(cell or "")


def test_what_is_no_table_is_not_found(browser: Browsers, firm: Office) -> None:
    for path in ("people.csv", "waiting.pdf"):
        assert browser("ed").get(f"/dashboard/{path}").status == 404
    assert browser("olga").get("/dashboard/waiting.csv").status == 403
