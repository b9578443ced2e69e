"""How plans land in Tryton, read without the adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from oppsync.domain.deal.billing_terms import BillingTerms
from oppsync.domain.deal.opportunity import BillingModelCode, OpportunityLine
from oppsync.domain.values.model import changed
from oppsync.kernel.errors import (
    BusinessError,
    ContentConflict,
    TransientError,
    VendorRejected,
)
from oppsync.ports.erp import Erp
from sandbox.contracts.erp_deals import Deal
from sandbox.embedded.tryton.server import TrytonAddress
from tests.harness import builders
from tests.harness.tryton import Books
from tests.integration.tryton_calls import TODAY, connect


@pytest.fixture
def erp(tryton: TrytonAddress) -> Erp:
    return connect(tryton.url, tryton.rest_key)


@pytest.fixture
def books(tryton: TrytonAddress) -> Iterator[Books]:
    with Books(tryton) as books:
        yield books


def work(books: Books, outside_id: str, *fields: str) -> dict[str, Any]:
    return books.one("project.work", [["id", "=", int(outside_id)]], *fields)


def test_a_project_carries_what_tryton_has_no_field_for_in_its_comment(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.fixed_line()))
    (root, *_) = deal.create(erp)

    found = work(books, root.outside_id, "comment", "party.code", "company.party.code", "list_price")

    key, *notes = found["comment"].split("\n")
    assert key == deal.node().key
    assert "cost centre: CC-DE-CLOUD" in notes
    assert "tax: VAT-DE-19 (19 %)" in notes
    assert "dates: 2026-06-01 to 2026-09-15" in notes
    assert found["party"]["code"] == "CUST-1001"
    assert found["company"]["party"]["code"] == "ACME-DE"
    assert found["list_price"] is None


def test_work_delivered_by_another_entity_is_noted_and_its_revenue_stays_with_the_seller(
    erp: Erp, books: Books
) -> None:
    deal = Deal(builders.opportunity(builders.fixed_line(product_family="US Delivery")))
    (root, *_) = deal.create(erp)

    notes = work(books, root.outside_id, "comment")["comment"].split("\n")
    assert "cost centre: CC-US-CLOUD" in notes
    assert "delivered by: ACME-US (intercompany)" in notes
    assert "transfer price: cost plus 8 % (ICA-2025-01)" in notes
    assert "revenue cost centre: CC-DE-CLOUD" in notes
    assert all(found is not None and not found.differences for found in deal.find(erp))
    invoice = books.one(
        "account.invoice",
        [["reference", "=", next(deal.lines()).key]],
        "lines.analytic_accounts.account.code",
        "company.party.code",
    )
    assert invoice["company"]["party"]["code"] == "ACME-DE"
    assert invoice["lines"][0]["analytic_accounts"][0]["account"]["code"] == "CC-DE-CLOUD"


def test_a_templates_phases_and_tasks_stand_below_each_other_open_for_time_or_not(
    erp: Erp, books: Books
) -> None:
    phase = {"code": "design", "name": "Design", "percent": "100"}
    template = {
        "code": "TPL-1",
        "name": "Advisory",
        "phases": [{**phase, "tasks": [{"name": "Workshop", "role": "Consultant"}]}],
        "naming": "{account} / {workstream}",
        "numbering": "{entity}-{record}",
        "time_entry": True,
    }
    row = builders.template_row("ADV|DACH|time_and_materials", **template)
    opened = Deal(plan=builders.content(builders.opportunity(builders.time_line()), builders.book(row)))
    opened.create(erp)
    later = builders.template_row("ADV|DACH|time_and_materials", **{**template, "time_entry": False})
    closed = Deal(plan=builders.content(builders.opportunity(builders.time_line()), builders.book(later)))
    (_, _, _, hours) = closed.create(erp)

    project, design, workshop = (
        work(books, outside_id, "name", "parent", "comment", "timesheet_available")
        for outside_id in opened.ids.values()
    )
    assert (project["name"], project["timesheet_available"]) == ("Globex GmbH / Senior consulting", True)
    assert "project number: ACME-DE-006O1" in project["comment"]
    assert (design["name"], design["parent"]) == ("Design", project["id"])
    assert (workshop["name"], workshop["parent"], workshop["timesheet_available"]) == (
        "Workshop",
        design["id"],
        True,
    )
    assert "role: Consultant" in workshop["comment"]
    assert not work(books, hours.outside_id, "timesheet_available")["timesheet_available"]
    assert all(found is not None and not found.differences for found in opened.find(erp))


def test_each_billing_model_has_its_invoice_method_and_the_parent_none(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(*(line() for line in builders.LINES.values())))
    deal.create(erp)

    methods = {
        deal.plan.node(path).billing_model: work(books, outside_id, "project_invoice_method")[
            "project_invoice_method"
        ]
        for path, outside_id in deal.ids.items()
        if "/task/" not in path
    }

    assert methods == {
        None: "manual",
        BillingModelCode.TIME_AND_MATERIALS: "timesheet",
        BillingModelCode.TIME_AND_MATERIALS_CAPPED: "timesheet",
        BillingModelCode.FIXED_FEE: "manual",
        BillingModelCode.FIXED_FEE_PROGRESS: "progress",
        BillingModelCode.FIXED_FEE_DEPOSIT: "manual",
        BillingModelCode.MILESTONE: "effort",
        BillingModelCode.RETAINER: "manual",
        BillingModelCode.RECURRING: "manual",
        BillingModelCode.NON_BILLABLE: "manual",
    }


def test_hours_booked_on_a_role_are_invoiced_at_its_rate(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.time_line()))
    (root, *_, task) = deal.create(erp)
    (timesheet,) = work(books, task.outside_id, "timesheet_works")["timesheet_works"]
    employee = books.one("company.employee", [["company", "=", 1]])["id"]
    hours = {"__class__": "timedelta", "seconds": 6 * 3600}
    booked = {"company": 1, "employee": employee, "work": timesheet, "date": TODAY, "duration": hours}
    books.create("timesheet.line", booked)

    books.press("project.work", int(root.outside_id), "invoice")

    line = books.one(
        "timesheet.line", [["work", "=", timesheet]], "invoice_line.unit_price", "invoice_line.amount"
    )
    assert line["invoice_line"]["unit_price"]["decimal"] == "144.0000"
    assert line["invoice_line"]["amount"]["decimal"] == "864.00"


def test_an_accepted_milestone_is_invoiced_at_its_amount(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.milestone_line()))
    created = deal.create(erp)
    root, design = created[0], created[-3]
    done = books.one("project.work.status", [["name", "=", "Done"]])["id"]
    books.write("project.work", int(design.outside_id), {"status": done, "progress": 1.0})

    books.press("project.work", int(root.outside_id), "invoice")

    found = work(books, design.outside_id, "invoice_line.amount", "invoice_line.taxes.name")
    assert found["invoice_line"]["amount"]["decimal"] == "6000.00"
    assert [tax["name"] for tax in found["invoice_line"]["taxes"]] == ["VAT-DE-19"]


def test_a_fixed_fee_waits_as_drafts_on_its_dates(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.fixed_line()))
    deal.create(erp)

    drafts = [
        books.one(
            "account.invoice",
            [["reference", "=", order.key]],
            "state",
            "invoice_date",
            "untaxed_amount",
            "payment_term.name",
            "lines.taxes.name",
            "lines.analytic_accounts.account.code",
        )
        for order in deal.lines()
    ]

    assert [draft["untaxed_amount"]["decimal"] for draft in drafts] == ["2500.00"] * 4
    assert [draft["invoice_date"]["month"] for draft in drafts] == [6, 7, 8, 9]
    for draft in drafts:
        (line,) = draft["lines"]
        assert draft["state"] == "draft"
        assert draft["payment_term"]["name"] == "NET30"
        assert line["taxes"][0]["name"] == "VAT-DE-19"
        assert line["analytic_accounts"][0]["account"]["code"] == "CC-DE-CLOUD"


def drafts(books: Books, deal: Deal) -> list[dict[str, Any]]:
    """The draft invoices of a deal's billing lines, in the plan's order."""
    fields = ("state", "invoice_date", "untaxed_amount", "comment", "description", "lines.taxes.name")
    return [books.one("account.invoice", [["reference", "=", order.key]], *fields) for order in deal.lines()]


def when_and_how_much(invoices: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    """Month, day, amount."""
    return [
        (each["invoice_date"]["month"], each["invoice_date"]["day"], each["untaxed_amount"]["decimal"])
        for each in invoices
    ]


def test_a_project_says_what_its_hours_may_not_exceed(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.capped_line()))
    (root, *_, task) = deal.create(erp)

    notes = work(books, root.outside_id, "comment")["comment"].split("\n")
    priced = work(books, task.outside_id, "list_price", "timesheet_available")

    assert (
        "not to exceed: EUR 20,000.00 for the workstream, warning at EUR 16,000.00, "
        "hours beyond are not billable" in notes
    )
    assert priced["list_price"]["decimal"] == "144.0000"
    assert priced["timesheet_available"]


def test_a_fee_is_invoiced_as_far_as_work_has_come(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.progress_line()))
    created = deal.create(erp)
    root, fee = created[0], created[-1]

    invoiced = []
    for progress in (0.4, 1.0):
        books.write("project.work", int(fee.outside_id), {"progress": progress})
        books.press("project.work", int(root.outside_id), "invoice")
        lines = work(books, fee.outside_id, "invoiced_progress.invoice_line.amount")["invoiced_progress"]
        invoiced.append([line["invoice_line"]["amount"]["decimal"] for line in lines])

    assert invoiced == [["4000.00"], ["4000.00", "6000.00"]]
    found = erp.find_line(next(deal.lines()))
    assert found is not None
    assert found.differences == {}


def test_a_deposit_its_instalments_and_the_final_part_wait_as_drafts(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.deposit_line()))
    (root, *_) = deal.create(erp)

    assert when_and_how_much(drafts(books, deal)) == [
        (6, 1, "3000.00"),
        (6, 30, "1250.00"),
        (7, 31, "1250.00"),
        (8, 31, "1250.00"),
        (9, 15, "1250.00"),
        (9, 15, "2000.00"),
    ]
    assert "deposit: 30 %, final part 20 %" in work(books, root.outside_id, "comment")["comment"].split("\n")


def test_a_retainer_waits_as_drafts_that_say_period_and_hours(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.retainer_line()))
    (root, *_) = deal.create(erp)

    invoices = drafts(books, deal)

    assert when_and_how_much(invoices) == [
        (6, 1, "4000.00"),
        (7, 1, "4000.00"),
        (8, 1, "4000.00"),
        (9, 1, "2000.00"),
    ]
    assert invoices[-1]["comment"].split("\n") == [
        "period: 2026-09-01 to 2026-09-15",
        "hours included: 10",
    ]
    notes = work(books, root.outside_id, "comment")["comment"].split("\n")
    assert {"hours included: 20 a month", "hours not used: lapse"} <= set(notes)


def test_a_managed_service_in_arrears_waits_as_drafts(erp: Erp, books: Books) -> None:
    line = builders.recurring_line(billing=BillingTerms(timing="in_arrears"))
    deal = Deal(builders.opportunity(line))
    deal.create(erp)

    invoices = drafts(books, deal)

    assert when_and_how_much(invoices) == [
        (6, 30, "2000.00"),
        (7, 31, "2000.00"),
        (8, 31, "2000.00"),
        (9, 15, "1000.00"),
    ]
    assert [line["taxes"][0]["name"] for each in invoices for line in each["lines"]] == ["VAT-DE-19"] * 4


def credited(line: OpportunityLine) -> Deal:
    """Many hours, with this line taken back beside them."""
    taken_back = builders.credit(line, id="00kZ", product_name="Goodwill")
    return Deal(builders.opportunity(builders.time_line(net=1_440_000, quantity=10_000), taken_back))


def test_a_credit_on_dates_waits_as_credit_notes(erp: Erp, books: Books) -> None:
    """As Tryton's own credit notes: a negative quantity at the price. When posted, each takes its tax back."""
    deal = credited(builders.fixed_line())
    deal.create(erp)
    orders = [order for order in deal.lines() if order.node.path == "00kZ"]

    for order in orders:
        found = books.one(
            "account.invoice",
            [["reference", "=", order.key]],
            "type",
            "state",
            "untaxed_amount",
            "lines.quantity",
            "lines.unit_price",
            "lines.taxes.name",
        )
        (line,) = found["lines"]
        assert (found["type"], found["state"]) == ("out", "draft")
        assert found["untaxed_amount"]["decimal"] == "-2500.00"
        assert (line["quantity"], line["unit_price"]["decimal"]) == (-1.0, "2500.00")
        assert [tax["name"] for tax in line["taxes"]] == ["VAT-DE-19"]

    first = books.one("account.invoice", [["reference", "=", orders[0].key]])["id"]
    books.post(first)
    posted = books.one("account.invoice", [["id", "=", first]], "number", "tax_amount", "total_amount")
    assert posted["number"]
    assert (posted["tax_amount"]["decimal"], posted["total_amount"]["decimal"]) == ("-475.00", "-2975.00")


def test_an_accepted_credit_milestone_is_invoiced_as_money_back(erp: Erp, books: Books) -> None:
    deal = credited(builders.milestone_line())
    created = deal.create(erp)
    project, design = deal.ids["00kZ"], created[-3]
    done = books.one("project.work.status", [["name", "=", "Done"]])["id"]
    books.write("project.work", int(design.outside_id), {"status": done, "progress": 1.0})

    books.press("project.work", int(project), "invoice")

    found = work(books, design.outside_id, "list_price", "invoice_line.amount", "invoice_line.taxes.name")
    assert found["list_price"]["decimal"] == "-6000.00"
    assert found["invoice_line"]["amount"]["decimal"] == "-6000.00"
    assert [tax["name"] for tax in found["invoice_line"]["taxes"]] == ["VAT-DE-19"]


def test_a_fee_taken_back_is_invoiced_as_far_as_work_has_come(erp: Erp, books: Books) -> None:
    deal = credited(builders.progress_line())
    fee = deal.create(erp)[-1]

    invoiced = []
    for progress in (0.4, 1.0):
        books.write("project.work", int(fee.outside_id), {"progress": progress})
        books.press("project.work", int(deal.ids["00kZ"]), "invoice")
        lines = work(books, fee.outside_id, "invoiced_progress.invoice_line.amount")["invoiced_progress"]
        invoiced.append([line["invoice_line"]["amount"]["decimal"] for line in lines])

    assert invoiced == [["-4000.00"], ["-4000.00", "-6000.00"]]


def test_work_of_our_own_is_a_project_with_nothing_to_invoice(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.non_billable_line()))
    (root, *_) = deal.create(erp)

    below = books.find("project.work", [["parent", "child_of", [int(root.outside_id)]]], "list_price")
    notes = work(books, root.outside_id, "comment")["comment"].split("\n")

    assert list(deal.lines()) == []
    assert {each["list_price"] for each in below} == {None}
    assert {"billing model: non_billable", "cost centre: CC-DE-ADV", "hours: 16"} <= set(notes)


def test_foreign_money_stands_on_invoices_only(erp: Erp, books: Books) -> None:
    """A task's price would be taken as the company's euros."""
    deal = Deal(builders.opportunity(builders.milestone_line(), currency="USD"))
    (root, *_) = deal.create(erp)

    below = books.find("project.work", [["parent", "child_of", [int(root.outside_id)]]], "list_price")
    drafts = [
        books.one("account.invoice", [["reference", "=", order.key]], "currency.code", "untaxed_amount")
        for order in deal.lines()
    ]

    assert {each["list_price"] for each in below} == {None}
    assert [draft["untaxed_amount"]["decimal"] for draft in drafts] == ["6000.00", "10000.00", "4000.00"]
    assert {draft["currency"]["code"] for draft in drafts} == {"USD"}
    root_method = work(books, root.outside_id, "project_invoice_method")["project_invoice_method"]
    assert root_method == "manual"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (builders.time_line, "TIME_IN_FOREIGN_CURRENCY"),
        (builders.progress_line, "PROGRESS_IN_FOREIGN_CURRENCY"),
    ],
)
def test_what_only_tasks_can_invoice_is_refused_in_a_foreign_currency(
    erp: Erp, line: Callable[[], OpportunityLine], code: str
) -> None:
    deal = Deal(builders.opportunity(line(), currency="EUR"))
    deal.create(erp)
    abroad = changed(deal.plan, erp_company="ACME-US")
    (order, *_) = deal.lines()

    with pytest.raises(BusinessError, match="in USD, not in EUR") as refused:
        erp.create_line(changed(order, plan=abroad))

    assert refused.value.code == code


def test_what_people_add_to_a_comment_is_no_difference(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.fixed_line()))
    (root, *_) = deal.create(erp)
    comment = work(books, root.outside_id, "comment")["comment"]
    books.write("project.work", int(root.outside_id), {"comment": f"{comment}\n\nCall Ann: she knows\nmore"})

    found = erp.find_node(deal.node())

    assert found is not None
    assert found.differences == {}


def test_a_cancelled_draft_is_a_difference(erp: Erp, books: Books) -> None:
    deal = Deal(builders.opportunity(builders.fixed_line()))
    deal.create(erp)
    order, *_ = deal.lines()
    invoice = books.one("account.invoice", [["reference", "=", order.key]])
    books.press("account.invoice", invoice["id"], "cancel")

    found = erp.find_line(order)

    assert found is not None
    assert found.differences == {"state": ("draft", "cancelled")}


def test_two_records_under_one_key_are_for_people_to_sort_out(erp: Erp) -> None:
    deal = Deal(builders.opportunity(builders.fixed_line()))
    first, second = erp.create_node(deal.node()), erp.create_node(deal.node())

    with pytest.raises(ContentConflict, match=f"{first.outside_id}, {second.outside_id}|{second.outside_id}, "):
        erp.find_node(deal.node())


def test_workers_that_draw_the_same_number_look_up_and_try_again(tryton: TrytonAddress, books: Books) -> None:
    """Two processes have two clients, and Tryton on SQLite lets them draw one number for two projects."""
    deals = [Deal(builders.opportunity(builders.fixed_line())) for _ in range(24)]

    def land(mine: list[Deal]) -> None:
        erp = connect(tryton.url, tryton.rest_key)
        for deal in mine:
            for _ in range(100):
                try:
                    if erp.find_node(deal.node()) is None:
                        erp.create_node(deal.node())
                    break
                except TransientError:
                    continue

    with ThreadPoolExecutor(3) as workers:
        for done in [workers.submit(land, deals[worker::3]) for worker in range(3)]:
            done.result()

    for deal in deals:
        books.one("project.work", [["comment", "like", f"{deal.node().key}\n%"]])


def test_another_company_s_tax_and_cost_centre_are_not_taken(erp: Erp) -> None:
    deal = Deal(builders.opportunity(builders.fixed_line()))
    deal.create(erp)
    (order, *_) = deal.lines()
    american_tax = changed(order, plan=changed(order.plan, tax="US-NT"))
    american_centre = changed(order, node=changed(order.node, cost_centre="CC-US-ADV"))

    with pytest.raises(VendorRejected, match="US-NT"):
        erp.create_line(american_tax)
    with pytest.raises(VendorRejected, match="CC-US-ADV"):
        erp.create_line(american_centre)


@pytest.mark.parametrize("day", [datetime(2024, 12, 31, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)])
def test_a_company_is_not_ready_outside_its_fiscal_years_or_without_a_product(
    tryton: TrytonAddress, day: datetime
) -> None:
    class OtherClock:
        def now(self) -> datetime:
            return day

    erp = connect(tryton.url, tryton.rest_key, OtherClock(), milestone_product="NOPE")

    assert erp.missing_for("ACME-DE") == ["an open fiscal year for today", "the product NOPE"]
