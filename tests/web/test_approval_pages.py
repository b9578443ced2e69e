"""The inbox, and deciding about a plan on its page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import sqlalchemy

from oppsync.domain.approval.tasks import RuleUse, TaskStatus
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.plan.plan import short_hash
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.model import changed
from oppsync.services.changes.commands import OverridePlan
from tests.harness import builders
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import Office, Waiting, email, sold_by

Browsers = Callable[[str], Browser]


def page_of(waiting: Waiting) -> str:
    return f"/approvals/{waiting.finance.id}"


def approve(waiting: Waiting, **changes: str) -> dict[str, str]:
    return {"plan_hash": waiting.plan.hash, "decision": "approve", "comment": "", **changes}


def status(office: Office, waiting: Waiting) -> TaskStatus:
    with office.application.uow() as uow:
        return uow.approvals.get(TENANT, waiting.finance.id).status


def test_the_inbox_shows_what_waits_for_me_and_no_deal_of_my_own(browser: Browsers, office: Office) -> None:
    ana = browser("ana")
    assert "No plan waits for you." in ana.get("/approvals").words
    mine = office.waiting()
    office.waiting(sold_by("ana", name="Ana sold this"))
    screen = ana.get("/approvals")
    assert screen.title == "Waiting · Approvals · oppsync"
    assert "Globex goes to the cloud" in screen.words
    assert "EUR 44,400.00" in screen.words
    assert "Ana sold this" not in screen.words
    assert "No match: no plan was approved." in ana.get("/approvals?view=approved").words
    ana.post(page_of(mine), **approve(mine))
    assert "Globex" in ana.get("/approvals?view=approved").words


def test_who_changed_a_plan_is_told_why_they_cannot_decide_it(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    command = OverridePlan(
        tenant_id=TENANT,
        opportunity_id=waiting.opportunity_id,
        actor=office.ids["ana"],
        workstream="00kL2",
        field=OverrideField.HOURS,
        value="80",
        reason="As scoped",
    )
    office.application.dispatch(command)
    finance, _delivery, _plan = office.propose(waiting.opportunity_id, builders.opportunity())

    words = browser("ana").get(f"/approvals/{finance.id}").words

    assert "you changed it, linked its customer or confirmed a finding of it: another approver decides" in words
    assert "Record decision" not in words


def test_the_page_says_where_the_plan_goes(browser: Browsers, office: Office) -> None:
    words = browser("ana").get(page_of(office.waiting())).words

    assert "Goes to tryton-demo, kantata-demo" in words


def test_the_page_says_whom_the_erp_will_invoice(browser: Browsers, office: Office) -> None:
    words = browser("ana").get(page_of(office.waiting())).words

    assert "Customer Globex GmbH (CUST-1001)" in words
    assert "In the ERP Globex GmbH (DE, DE136695976)" in words


def test_the_page_shows_what_people_changed_and_what_it_was(browser: Browsers, office: Office) -> None:
    waiting = office.waiting(changed={"cost_centre": "CC-DE-ADV", "hours": "80"})

    words = browser("ana").get(page_of(waiting)).words

    assert "Hours of Cloud foundation: 80, was 60 “Agreed with the customer” olga@acme.example, " in words
    assert "Cost centre of Cloud foundation: CC-DE-ADV, was CC-DE-CLOUD “Agreed with the customer”" in words


def test_the_page_says_where_every_value_comes_from(browser: Browsers, office: Office) -> None:
    waiting = office.waiting(changed={"cost_centre": "CC-DE-ADV"})

    words = browser("ana").get(page_of(waiting)).words.partition("Where values come from")[2]

    assert "payment terms NET30 as in the CRM; CRM: /contract/payment_terms of record" in words
    assert (
        "cost centre CC-DE-ADV a person overrode it before the plan was approved; "
        "override: cost centre of 00kL2 CC-DE-ADV instead of CC-DE-CLOUD, by olga@acme.example"
    ) in words
    assert "lines 1 amount 160" not in words
    for node in waiting.plan.content.nodes:
        assert f"{node.name}: " in words


def test_a_plan_of_an_earlier_release_says_that_it_does_not_know(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    with office.application.engine.begin() as connection:
        connection.exec_driver_sql("update plans set provenance = provenance - 'origins'")

    assert "made by an earlier release" in browser("ana").get(page_of(waiting)).words


def test_the_revenue_of_each_workstream_stands_beside_its_billing(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    deal = f"/opportunities/{waiting.opportunity_id}"

    for words in (browser("ana").get(page_of(waiting)).words, browser("ed").get(deal).words):
        revenue = words.partition(" Revenue ")[2]
        for text in (
            "Senior consulting As invoiced · performance obligation 00kL1 · price EUR 14,400.00 Month",
            "Cloud foundation Percent complete · performance obligation 00kL2 · price EUR 10,000.00 Month",
            "Cloud migration On milestones · performance obligation 00kL3 · price EUR 20,000.00 Month",
            "Jun 2026 EUR 2,857.14 EUR 2,857.14 Jul 2026 EUR 2,987.02 EUR 5,844.16",
            "Sept 2026 EUR 1,428.57 EUR 10,000.00",
        ):
            assert text in revenue


def test_the_page_says_who_delivers_for_whom_at_what_price(browser: Browsers, office: Office) -> None:
    line = builders.fixed_line(product_family="US Delivery")
    screen = browser("ana").get(page_of(office.waiting(builders.opportunity(line))))
    assert (
        "Intercompany: delivered by ACME-US at cost plus 8 % (ICA-2025-01), revenue on cost centre CC-DE-CLOUD"
        in screen.words
    )


def test_the_page_says_how_much_what_will_exist_and_asks_last(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    screen = browser("ana").get(page_of(waiting))
    assert screen.title == "Globex goes to the cloud · Approval · oppsync"
    words = screen.words
    order = ["Globex goes to the cloud EUR 44,400.00", f"Plan 1 · {short_hash(waiting.plan.hash)}",
             "4 projects, 8 billing lines", "Why you", "Money", "Creates", "Billing", "Others",
             "Decision", "Approve plan 1", "Reject plan 1", "Record decision"]  # fmt: skip
    place = 0
    for part in order:
        assert part in words[place:], f"{part} is not after what stands before it"
        place = words.index(part, place)
    assert "once Delivery has approved too" in words
    assert f'value="{waiting.plan.hash}"' in screen.markup
    assert "checked" not in screen.markup
    for node in waiting.plan.content.nodes:
        assert node.name in words
    assert "Senior consulting Time and materials DACH 2026, version 1 EUR 14,400.00" in words


def test_the_billing_table_ends_with_the_contract_and_names_the_tax(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    words = browser("ana").get(page_of(waiting)).words
    rows = words.partition("Cumulative")[2].partition("Contract EUR")[0]
    assert rows.strip().endswith("EUR 44,400.00")
    assert "EUR 10,000.00" in rows
    assert "Contract EUR 44,400.00 Tax 19 % (VAT-DE-19) EUR 8,436.00 With tax EUR 52,836.00" in words


def test_hours_beyond_a_cap_are_shown_with_what_is_billable(browser: Browsers, office: Office) -> None:
    """Sold 14,400 and 10,000 under caps of 12,000 and none; the ERP only notes the cap."""
    capped = builders.capped_line(billing={"cap": {"amount": 12_000}})
    waiting = office.waiting(builders.opportunity(capped, builders.fixed_line(), amount="24400.01"))

    words = browser("ana").get(page_of(waiting)).words

    assert "EUR 14,400.00 sold; EUR 2,400.00 beyond the cap, not billable" in words
    assert "EUR 0.01 of it is rounding of the CRM's lines" in words
    assert "Sold EUR 24,400.01 Beyond caps, not billable EUR 2,400.00 Billable EUR 22,000.01" in words
    assert "EUR 12,000.00 of EUR 22,000.01 is an estimate: hours are invoiced as they are worked." in words
    assert "The ERP notes the cap of the hours, and does not stop invoices there" in words


def test_a_decision_answers_with_its_receipt_and_counts_once(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    ana = browser("ana")
    token = ana.get(page_of(waiting)).form_token
    form = {"csrf_token": token, **approve(waiting, comment="Fine")}
    first, again = (ana.client.post(page_of(waiting), data=form) for _ in range(2))
    assert first.status_code == again.status_code == 303
    assert first.headers["Location"] == again.headers["Location"] == page_of(waiting)
    words = ana.get(page_of(waiting)).words
    assert "You approved plan 1 for Finance." in words
    assert f"Record {waiting.finance.id}" in words
    assert "Next: Delivery, Tom or Kim." in words
    assert "Record decision" not in words
    events = [entry.type for entry in office.application.queries.timeline(TENANT, waiting.opportunity_id)]
    assert events.count("plan.approved.v1") == 1


def test_the_receipt_leads_to_the_next_approval_that_waits_for_me(browser: Browsers, office: Office) -> None:
    first, ana = office.waiting(builders.opportunity(builders.fixed_line(), amount="10000.00")), browser("ana")
    office.waiting(sold_by("ana", name="Ana sold this"))
    second = office.waiting(sold_by("sam.seller", name="Next in line"))
    assert "EUR 10,000.00 · margin 54.4" in ana.get(page_of(first)).words
    ana.post(page_of(first), **approve(first))
    receipt = ana.get(page_of(first))
    assert "Waits for you next: Next in line , EUR 44,400.00" in receipt.words
    assert f'href="{page_of(second)}"' in receipt.markup

    ana.post(page_of(second), **approve(second))

    assert "Nothing else waits for you." in ana.get(page_of(second)).words


def test_a_plan_that_was_changed_in_the_database_is_shown_and_decided_by_nobody(
    browser: Browsers, office: Office
) -> None:
    waiting = office.waiting()
    ana = browser("ana")
    token = ana.get(page_of(waiting)).form_token
    with office.application.engine.begin() as connection:
        connection.execute(
            sqlalchemy.text("""update plans set content = jsonb_set(content, '{name}', '"Another deal"')""")
        )

    shown = ana.get(page_of(waiting))
    assert shown.status == 409
    assert "The stored plan is not the one with the hash" in shown.words
    assert "Another deal" not in shown.words
    decided = ana.client.post(page_of(waiting), data={"csrf_token": token, **approve(waiting, comment="Fine")})
    assert decided.status_code == 409
    deal = browser("olga").get(f"/opportunities/{waiting.opportunity_id}")
    assert deal.status == 200
    assert "The stored plan is not the one with the hash" in deal.words
    with office.uow() as uow:
        assert uow.approvals.get(TENANT, waiting.finance.id).status == "open"


def test_rejecting_needs_a_reason_and_keeps_the_choice(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    ana = browser("ana")
    screen = ana.post(page_of(waiting), **approve(waiting, decision="reject", comment="  "))
    assert screen.status == 422
    assert screen.title.startswith("Error: ")
    assert '<a href="#comment">' in screen.markup
    assert 'value="reject" checked' in screen.markup
    assert status(office, waiting) is TaskStatus.OPEN
    assert ana.post(page_of(waiting), **approve(waiting, decision="reject", comment="Loss")).status == 303
    assert "You rejected plan 1 for Finance." in ana.get(page_of(waiting)).words
    assert "Ana" in browser("tom").get(f"/approvals/{waiting.delivery.id}").words


def test_every_fault_of_the_form_is_listed_with_a_link(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    screen = browser("ana").post(page_of(waiting), plan_hash=waiting.plan.hash, comment="x" * 2_001)
    assert screen.status == 422
    assert 'href="#approve"' in screen.markup
    assert "Shorten this by 1 characters." in screen.words
    assert 'id="approve"' in screen.markup
    assert status(office, waiting) is TaskStatus.OPEN


def test_text_that_postgres_cannot_keep_is_no_failure(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    assert browser("ana").post(page_of(waiting), **approve(waiting, comment="a\x00b")).status == 303


def test_a_plan_replaced_meanwhile_keeps_the_comment_and_leads_to_the_new_one(
    browser: Browsers, office: Office
) -> None:
    record = sold_by("sam.seller")
    waiting = office.waiting(record)
    ana = browser("ana")
    token = ana.get(page_of(waiting)).form_token
    cheaper = changed(record, lines=(builders.fixed_line(),), amount=Decimal(10_000))
    newer, _delivery, _plan = office.propose(waiting.opportunity_id, cheaper)
    form = {"csrf_token": token, **approve(waiting, comment="Looks right")}
    sent = ana.client.post(page_of(waiting), data=form)
    shown = sent.get_data(as_text=True)
    assert sent.status_code == 409
    assert "Looks right" in shown
    assert "not recorded" in shown
    assert f"/approvals/{newer.id}" in shown
    assert status(office, waiting) is TaskStatus.VOID


def test_who_may_not_decide_reads_why_and_who_can_and_finds_no_form(browser: Browsers, office: Office) -> None:
    waiting, own = office.waiting(), office.waiting(sold_by("kim"))
    tom, kim = browser("tom"), browser("kim")
    screen = tom.get(page_of(waiting))
    assert "You can't decide plan 1: it needs the role finance approver. Ana or Kim can." in screen.words
    own_deal = "you own this opportunity, owned it before, or requested it"
    assert f"You can't decide plan 1: {own_deal}. Ana can." in kim.get(page_of(own)).words
    kim.post(page_of(waiting), **approve(waiting))
    other = kim.get(f"/approvals/{waiting.delivery.id}")
    assert "you decided it for Finance, and each approval needs a different person. Tom can." in other.words
    for barred, page in ((tom, screen), (kim, other)):
        assert "plan_hash" not in page.markup
        posted = barred.post(page_of(own), form_of="/approvals", **approve(own))
        assert posted.status == 403
    assert status(office, own) is TaskStatus.OPEN


def test_what_somebody_else_decided_leaves_nothing_to_do(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    browser("ana").post(page_of(waiting), **approve(waiting))
    kim = browser("kim").get(page_of(waiting))
    assert "Ana approved plan 1 for Finance. Nothing is left for you." in kim.words
    assert "Record decision" not in kim.words


def test_while_the_crm_is_read_again_nobody_decides(browser: Browsers, office: Office) -> None:
    record = sold_by("sam.seller")
    waiting = office.waiting(record)
    office.deal(record)  # the CRM says it changed: the known deal is to be read again
    with office.application.uow() as uow:
        assert uow.opportunities.get(TENANT, waiting.opportunity_id).reread_due
    ana = browser("ana")
    assert "This deal changed in the CRM and is being read again" in ana.get(page_of(waiting)).words
    assert ana.post(page_of(waiting), form_of="/approvals", **approve(waiting)).status == 409
    assert status(office, waiting) is TaskStatus.OPEN


def test_the_owner_is_matched_whatever_the_case_of_the_address(browser: Browsers, office: Office) -> None:
    record = changed(sold_by("kim"), owner=builders.owner(email=email("kim").upper()))
    waiting = office.waiting(record)
    assert "you own this opportunity" in browser("kim").get(page_of(waiting)).words


def test_whoever_approves_reads_the_warnings_first(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    office.warn(waiting.opportunity_id, finding("PROBABILITY_NOT_CERTAIN", "Its probability is 90 %"))

    ana = browser("ana")
    approval, deal = ana.get(page_of(waiting)).words, ana.get(f"/opportunities/{waiting.opportunity_id}").words

    for words in (approval, deal):
        assert "Warnings These do not stop the deal" in words
        assert "Its probability is 90 %" in words
        assert "Set the probability to 100 in the CRM" in words
    assert approval.index("Warnings") < approval.index("Decision")


def test_what_a_rule_approved_names_the_rule_and_nobody(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    office.approve_by_rule(waiting, RuleUse(name="small deals", valid_from=date(2026, 5, 1), version=2))
    rule = "Rule small deals (from 2026-05-01, version 2)"

    words = browser("ana").get(page_of(waiting)).words
    assert f"{rule} approved plan 1 for Finance. Nothing is left for you." in words
    assert "Record decision" not in words
    assert f"Finance Approved {rule}," in browser("tom").get(f"/approvals/{waiting.delivery.id}").words
    assert (
        f"Finance, plan 1 Approved {rule}"
        in browser("ed").get(f"/opportunities/{waiting.opportunity_id}").words
    )
    refused = browser("ana").post(page_of(waiting), **approve(waiting))
    assert refused.status == 409


def test_changes_are_requested_and_the_next_plan_s_page_shows_which(browser: Browsers, office: Office) -> None:
    waiting, ana = office.waiting(), browser("ana")
    refused = ana.post(page_of(waiting), **approve(waiting, decision="request_changes"))
    assert (refused.status, "Say what is to change; sales reads it." in refused.words) == (422, True)

    wishes = "<b>Name the order</b>\nLower the rate"
    sent = ana.post(page_of(waiting), **approve(waiting, decision="request_changes", comment=wishes))

    assert (sent.status, status(office, waiting)) == (303, TaskStatus.VOID)
    assert "You asked for changes of plan 1. " in ana.get(page_of(waiting)).words
    tom = browser("tom").get(f"/approvals/{waiting.delivery.id}")
    assert "Changes of plan 1 were asked for: sales changes the deal" in tom.words
    again = ana.post(page_of(waiting), f"/approvals/{office.waiting().finance.id}", **approve(waiting))
    assert again.status == 409
    changed_deal = changed(sold_by("sam.seller"), name="Changed as asked")
    _finance, delivery, _plan = office.propose(waiting.opportunity_id, changed_deal)
    shown = browser("tom").get(f"/approvals/{delivery.id}")
    assert "Changes asked for before" in shown.words
    assert "Since plan 1: what changed Compared with plan 1, which was put to people before:" in shown.words
    assert "Since plan" not in browser("tom").get(f"/approvals/{waiting.delivery.id}").words
    assert "ana@acme.example" in shown.words
    assert "<b>Name" not in shown.markup
    assert "<b>Name the order</b> Lower the rate" in shown.words


def test_whoever_may_open_an_approval_comments_on_it(browser: Browsers, office: Office) -> None:
    waiting, uma = office.waiting(), browser("uma")
    assert "Nobody commented" in uma.get(page_of(waiting)).words

    empty = uma.post(page_of(waiting), action="comment", remark=" ")
    assert (empty.status, "Write the comment." in empty.words) == (422, True)
    sent = uma.post(page_of(waiting), action="comment", remark="Is <i>this</i> right?")

    assert (sent.status, sent.location) == (303, page_of(waiting))
    shown = browser("ana").get(page_of(waiting))
    assert "Is <i>this</i> right?" in shown.words
    assert "<i>this" not in shown.markup
    assert status(office, waiting) is TaskStatus.OPEN


def test_an_approval_is_taken_back_where_it_was_given(browser: Browsers, office: Office) -> None:
    waiting, ana = office.waiting(), browser("ana")
    assert "Take your approval back" not in ana.get(page_of(waiting)).words
    ana.post(page_of(waiting), **approve(waiting))
    refused = ana.post(page_of(waiting), action="withdraw", withdrawal="")
    assert (refused.status, "Give a reason for taking your approval back." in refused.words) == (422, True)
    assert "Take your approval back" not in browser("kim").get(page_of(waiting)).words

    sent = ana.post(page_of(waiting), action="withdraw", withdrawal="The wrong contract")

    assert (sent.status, status(office, waiting)) == (303, TaskStatus.VOID)
    assert "Ana took the approval of plan 1 back." in ana.get(page_of(waiting)).words
    late = ana.post(page_of(waiting), action="withdraw", withdrawal="The wrong contract")
    assert (late.status, "no approval of yours that counts" in late.words) == (409, True)
    assert "The wrong contract" in late.markup or "Take your approval back" not in late.words


def test_an_approver_puts_it_to_colleagues_who_may_decide_it(browser: Browsers, office: Office) -> None:
    waiting, ana = office.waiting(), browser("ana")
    shown = ana.get(page_of(waiting))
    assert "Ask colleagues to decide it" in shown.words
    assert f'value="{office.ids["kim"]}"' in shown.markup
    assert f'value="{office.ids["tom"]}"' not in shown.markup

    wrong = ana.post(page_of(waiting), action="reassign", to=str(office.ids["tom"]))
    assert (wrong.status, "Tom does not have the approver role" in wrong.words) == (422, True)
    assert ana.post(page_of(waiting), action="reassign", to="no id").status == 422
    assert f'id="to-{office.ids["ana"]}"' not in ana.get(page_of(waiting)).markup
    sent = ana.post(page_of(waiting), action="reassign", to=str(office.ids["kim"]), reassignment="On leave")

    assert sent.status == 303
    task = office.application.queries.approval(TENANT, waiting.finance.id).task
    assert task.candidates == (office.ids["kim"],)


def test_operations_open_it_from_the_deal_to_put_it_to_others_and_comment(
    browser: Browsers, office: Office
) -> None:
    waiting, olga, ed = office.waiting(), browser("olga"), browser("ed")
    deal = olga.get(f"/opportunities/{waiting.opportunity_id}")
    assert f'href="{page_of(waiting)}"' in deal.markup
    shown = olga.get(page_of(waiting))
    assert "Ask colleagues to decide it" in shown.words
    assert "Record decision" not in shown.words

    to = {"action": "reassign", "to": str(office.ids["kim"])}
    assert olga.post(page_of(waiting), **to).status == 303
    assert olga.post(page_of(waiting), action="comment", remark="Ana is on leave").status == 303

    assert office.application.queries.approval(TENANT, waiting.finance.id).task.candidates == (
        office.ids["kim"],
    )
    assert ed.get(page_of(waiting)).status == 403
    assert "Ask colleagues" not in browser("tom").get(page_of(waiting)).words
    own = office.waiting(sold_by("olga"))
    assert "Ask colleagues" not in olga.get(page_of(own)).words


def test_the_page_offers_nothing_else(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()

    assert browser("ana").post(page_of(waiting), action="destroy").status == 400
    assert status(office, waiting) is TaskStatus.OPEN
