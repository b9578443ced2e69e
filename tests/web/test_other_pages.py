"""Opportunities, exceptions, and what is true of every page."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from adapters.bootstrap import build
from oppsync.domain.deal.changes import changes
from oppsync.domain.values.actor import stage_actor
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.model import changed, require
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import RecordRead
from oppsync.domain.work.states import State
from oppsync.kernel.settings import Settings
from tests.harness.builders import TENANT
from tests.web.browser import Browser, Screen
from tests.web.office import Office, sold_by
from web.app import create_app
from web.refusals import REFUSALS

Browsers = Callable[[str], Browser]


def everything(office: Office) -> dict[str, str]:
    """A digest of every table's rows."""
    with office.application.engine.connect() as connection:
        tables = connection.execute(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        ).scalars()
        return {
            table: connection.execute(
                text(f"select md5(coalesce(string_agg(t::text, '' order by t::text), '')) from {table} t")
            ).scalar_one()
            for table in tables
        }


def test_no_get_and_no_head_changes_a_row(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    opportunity_id, item_id = office.parked()
    browsers = {name: browser(name) for name in ("ana", "olga")}
    token = {"Authorization": f"Bearer {office.token('olga')}"}
    api = f"/api/v1/opportunities/{waiting.opportunity_id}"
    # That the token is in use is noted once an hour.
    browsers["olga"].client.get("/api/v1/approvals", headers=token)
    before = everything(office)
    for name, path in (
        ("ana", "/"),
        ("ana", "/approvals"),
        ("ana", f"/approvals/{waiting.finance.id}"),
        ("ana", "/opportunities?text=globex"),
        ("ana", f"/opportunities/{waiting.opportunity_id}"),
        ("olga", f"/opportunities/{opportunity_id}"),
        ("olga", "/exceptions"),
        ("olga", f"/exceptions/{item_id}"),
        ("olga", "/sign-in"),
        ("olga", "/api/v1/docs"),
        ("olga", "/health/ready"),
        *(("olga", api + part) for part in ("", "/timeline", "/plan", "/effects")),
        *(("olga", f"/api/v1/{kind}") for kind in ("opportunities", "approvals", "exceptions")),
    ):
        for method in (browsers[name].client.get, browsers[name].client.head):
            assert method(path, headers=token).status_code in {200, 303}, path
    assert everything(office) == before


@pytest.mark.parametrize(
    ("name", "shown", "first"),
    [
        ("ana", ["Approvals", "Opportunities"], "/approvals"),
        ("olga", ["Opportunities", "Exceptions"], "/opportunities"),
        ("uma", ["Approvals", "Opportunities", "Exceptions"], "/approvals"),
        ("ed", ["Opportunities"], "/dashboard"),
    ],
)
def test_only_permitted_pages_appear(browser: Browsers, name: str, shown: list[str], first: str) -> None:
    someone = browser(name)
    assert someone.get("/").location == first
    nav = someone.get(first).markup.partition('<nav class="wide"')[2].partition("</nav>")[0]
    assert [title for title in ("Approvals", "Opportunities", "Exceptions") if f">{title}" in nav] == shown


def test_a_missing_role_is_named_and_what_is_not_there_is_not_found(browser: Browsers) -> None:
    refused = browser("ed").get("/exceptions")
    assert refused.status == 403
    assert "auditor or integration admin or operations" in refused.words
    nowhere = "01890000-0000-7000-8000-000000000009"
    for path in (f"/opportunities/{nowhere}", f"/exceptions/{nowhere}", "/nonsense"):
        assert browser("olga").get(path).status == 404


def test_an_address_that_takes_no_form_says_so_in_words_and_leads_on(browser: Browsers, office: Office) -> None:
    ana, address = browser("ana"), f"/opportunities/{office.waiting().opportunity_id}"
    for written in (ana.post(address, form_of="/account"), Screen(ana.client.patch(address))):
        assert (written.status, written.title) == (405, "This cannot be done here · oppsync")
        assert "Nothing was changed. The CRM owns the deal, which is changed in the CRM" in written.words
        assert "method" not in written.words
        assert f'href="{address}"' in written.markup
    read = ana.get(f"{address}/plan-anew")
    assert (read.status, "Nothing is shown at this address" in read.words) == (405, True)
    assert "plan-anew" not in read.markup


def test_a_deal_shows_where_it_stands_its_plan_and_its_timeline(browser: Browsers, office: Office) -> None:
    waiting = office.waiting()
    screen = browser("ed").get(f"/opportunities/{waiting.opportunity_id}")
    assert screen.title == "Globex goes to the cloud · Opportunity · oppsync"
    for part in (
        "Waiting awaiting approval since",
        "The people whom its plan needs decide",
        "4 projects, 8 billing lines",
        "Waits for finance and delivery",
        "Finance, plan 1",
    ):
        assert part in screen.words
    # An executive may not open approvals, so none is linked.
    assert "/approvals/" not in screen.markup


def test_a_deal_that_changed_after_its_approval_shows_what_was_approved_and_marks_it(
    browser: Browsers, office: Office
) -> None:
    record = sold_by("sam")
    seller = require(record.owner, "the owner")
    heir = changed(seller, id="005-heir", name="Otto Heir")
    opportunity_id = office.active_and_changed(record, amount=Decimal(70_000), owner=heir)

    ed = browser("ed")
    row = ed.get("/opportunities?text=006").words
    page = ed.get(f"/opportunities/{opportunity_id}").words

    approved = record.amount
    assert f"EUR {approved:,.2f} as approved; changed in the CRM" in row
    assert f"Approved In the CRM now Amount EUR {approved:,.2f} EUR 70,000.00" in page
    assert f"Owner {seller.name} Otto Heir" in page
    assert f"EUR {approved:,.2f} as approved" in page


def test_an_active_deal_leads_to_its_project_in_the_erp(browser: Browsers, office: Office) -> None:
    ed = browser("ed")
    screen = ed.get(f"/opportunities/{office.active('https://erp.example/project/7')}")
    assert "ERP project PRJ-7" in screen.words
    assert "Project project Confirmed PRJ-7" in screen.words
    assert 'href="https://erp.example/project/7" rel="noreferrer"' in screen.markup
    assert "PRJ-7" in ed.get("/opportunities?state=active").words
    # An address from outside that is not HTTP is not shown as a link.
    assert "javascript:" not in ed.get(f"/opportunities/{office.active('javascript:alert(1)')}").markup


def test_a_deal_just_received_has_a_page_too(browser: Browsers, office: Office) -> None:
    words = browser("ed").get(f"/opportunities/{office.deal()}").words
    assert "Queued received" in words
    assert "No plan yet" in words


def test_a_deal_that_waits_for_its_close_date_says_so(browser: Browsers, office: Office) -> None:
    opportunity_id = office.deal()
    reason = "The close date 2026-05-05 has not begun at ACME <Germany> (Europe/Berlin) yet"
    with office.application.engine.begin() as connection:
        waits = "update opportunities set waits_for = :reason, due_at = now() + interval '9 hours'"
        connection.execute(text(waits), {"reason": reason})

    ed = browser("ed")
    page = ed.get(f"/opportunities/{opportunity_id}").words

    assert "Waiting received" in page
    assert f"It goes on by itself; nobody has to act. {reason}." in page
    assert "Waiting received" in ed.get("/opportunities").words


def test_lists_tell_an_empty_filter_from_an_empty_house(browser: Browsers, office: Office) -> None:
    ed = browser("ed")
    assert "No opportunity has arrived yet." in ed.get("/opportunities").words
    office.deal(sold_by("sam.seller"))
    assert "Globex" in ed.get("/opportunities?text=GLOBEX&state=received").words
    none = ed.get("/opportunities?text=100%25_")
    assert "No match." in none.words
    assert "Clear filters" in none.words
    assert "No exception is open." in browser("olga").get("/exceptions").words


def test_the_filter_offers_each_state_in_words_of_its_own(browser: Browsers, office: Office) -> None:
    screen = browser("ed").get("/opportunities")

    offered = [html.unescape(word) for word in re.findall(r'<option value="[a-z_]+">([^<]+)<', screen.markup)]
    assert len(offered) == len(set(offered)) == len(State)
    assert [word for word in offered if "eject" in word] == ["Rejection pending", "Rejected"]
    assert "Refused" not in offered


def test_the_timeline_tells_a_reading_in_words(browser: Browsers, office: Office) -> None:
    record = sold_by("sam.seller")
    opportunity_id = office.deal(record)
    read = RecordRead(
        opportunity_id=opportunity_id, actor=stage_actor("validate"), after=changes(None, record)[1]
    )
    with office.uow() as uow:
        uow.audit.append(TENANT, read, new_traceparent())
        uow.commit()

    words = browser("ed").get(f"/opportunities/{opportunity_id}").words

    assert f"Net amount of {record.lines[0].title} {record.lines[0].net}" in words
    assert [mark for mark in ("[{", "{'", "':") if mark in words] == []


def test_more_rows_than_a_page_holds_follow_on_the_next(browser: Browsers, office: Office) -> None:
    made = [str(office.deal()) for _ in range(26)]
    first = browser("ed").get("/opportunities")
    following = first.markup.partition('class="more"><a class="button" href="')[2].partition('"')[0]
    second = browser("ed").get(following)
    assert made[-1] in first.markup
    assert made[0] not in first.markup
    assert made[0] in second.markup


def test_an_exception_whose_cause_is_gone_says_that_it_closed_by_itself(
    browser: Browsers, office: Office
) -> None:
    opportunity_id, item_id = office.parked()
    with office.uow() as uow:
        uow.exceptions.close_open(TENANT, opportunity_id, stage_actor("refresh"), "Its cause is gone")
        uow.commit()

    words = browser("olga").get(f"/exceptions/{item_id}").words

    assert "Closed by itself" in words
    assert "Its cause is gone" in words
    assert "Replayed by" not in words


def test_an_exception_says_what_happened_why_and_what_to_do_then_is_replayed(
    browser: Browsers, office: Office
) -> None:
    opportunity_id, item_id = office.parked()
    olga = browser("olga")
    path = f"/exceptions/{item_id}"
    queue = olga.get("/exceptions").words
    assert "There is no cost centre for this entity and service line" in queue
    for of_the_deal in ("Globex goes to the cloud", "Globex GmbH", "EUR 44,400.00"):
        assert of_the_deal in queue
    screen = olga.get(path)
    for part in ("What happened No cost centre for ACME-DE", "Field Service line of line 1", "Found Advisory",
                 "What to do Add the cost centre", "Replay from enrich", "Owner Finance"):  # fmt: skip
        assert part in screen.words
    assert f'href="{path}"' in olga.get(f"/opportunities/{opportunity_id}").markup
    assert olga.post(path, action="replay").location == path
    assert "Replayed by olga@acme.example" in olga.get(path).words
    assert olga.post(path, form_of="/opportunities", action="replay").status == 409
    assert office.application.queries.opportunity(TENANT, opportunity_id).state == "validated"


def test_a_form_that_asks_for_what_the_page_does_not_offer_changes_nothing(
    browser: Browsers, office: Office
) -> None:
    _opportunity_id, item_id = office.parked()
    olga, path = browser("olga"), f"/exceptions/{item_id}"

    for address, action in ((path, "approve"), (path, "plan-anew"), (path, ""), ("/account", "close")):
        answer = olga.post(address, action=action, reason="So be it")
        assert answer.status == REFUSALS["UNKNOWN_ACTION"].status == 400
        assert "This page does not offer that action. Nothing was changed." in answer.words

    assert office.application.queries.exception(TENANT, item_id).status == "open"


def test_dismissing_needs_a_reason_which_is_kept(browser: Browsers, office: Office) -> None:
    _opportunity_id, item_id = office.parked()
    path, olga = f"/exceptions/{item_id}", browser("olga")
    missing = olga.post(path, action="dismiss", reason=" ")
    assert missing.status == 422
    assert 'href="#reason"' in missing.markup
    assert missing.title.startswith("Error: ")
    assert olga.post(path, action="dismiss", reason="Sold twice").status == 303
    assert "Sold twice" in olga.get(path).words


def test_an_early_start_is_confirmed_on_its_page_with_a_reason(browser: Browsers, office: Office) -> None:
    early = finding("START_BEFORE_WON", "The work starts on 2026-02-02", path="/starts_on", value="2026-02-02")
    opportunity_id, item_id = office.parked(State.RECEIVED, early)
    path, olga = f"/exceptions/{item_id}", browser("olga")
    assert "Confirm that it is right The work starts on 2026-02-02." in olga.get(path).words

    missing = olga.post(path, action="confirm", confirmed_because=" ")
    assert missing.status == 422
    assert 'href="#confirmed_because"' in missing.markup

    assert olga.post(path, action="confirm", confirmed_because="A letter of <intent>").location == path
    assert "Confirmed: A letter of <intent>" in olga.get(path).words
    detail = office.application.queries.opportunity(TENANT, opportunity_id)
    assert detail.state == "received"
    assert [(each.code, each.reason) for each in detail.confirmations] == [
        ("START_BEFORE_WON", "A letter of <intent>")
    ]
    assert "A letter of &lt;intent&gt;" in olga.get(f"/opportunities/{opportunity_id}").markup


def test_a_finding_about_another_deal_leads_to_it(browser: Browsers, office: Office) -> None:
    other = office.deal()
    shared = finding("PO_SHARED", "The purchase order PO-7 is also that of <Discovery>", value=other)
    opportunity_id = office.deal(sold_by("sam.seller"))
    office.warn(opportunity_id, shared)

    screen = browser("ed").get(f"/opportunities/{opportunity_id}")

    assert f'<a href="/opportunities/{other}">Show the other deal</a>' in screen.markup
    assert "also that of <Discovery>" in screen.words


def test_what_can_be_confirmed_is_nothing_else(browser: Browsers, office: Office) -> None:
    _opportunity_id, item_id = office.parked()
    olga = browser("olga")
    assert "Confirm that it is right" not in olga.get(f"/exceptions/{item_id}").words
    answer = olga.post(f"/exceptions/{item_id}", action="confirm", confirmed_because="It is right")
    assert answer.status == 409


def test_nobody_confirms_of_their_own_deal(browser: Browsers, office: Office) -> None:
    office.hire("sam.seller", PersonRole.OPERATIONS)
    early = finding("START_BEFORE_WON", "The work starts on 2026-02-02", path="/starts_on", value="2026-02-02")
    _opportunity_id, item_id = office.parked(State.RECEIVED, early)

    answer = browser("sam.seller").post(
        f"/exceptions/{item_id}", action="confirm", confirmed_because="I sold it so"
    )

    assert answer.status == 403
    assert office.application.queries.exception(TENANT, item_id).status == "open"


def test_an_auditor_reads_exceptions_and_works_none(browser: Browsers, office: Office) -> None:
    _opportunity_id, item_id = office.parked()
    path, uma = f"/exceptions/{item_id}", browser("uma")
    assert "This needs the role integration admin or operations." in uma.get(path).words
    assert uma.post(path, action="replay").status == 403
    assert office.application.queries.exception(TENANT, item_id).status == "open"


def test_a_failure_shows_a_reference_and_no_detail(browser: Browsers, office: Office) -> None:
    olga = browser("olga")
    with office.application.engine.begin() as connection:
        connection.execute(text("drop table exception_items cascade"))
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    screen = olga.get("/exceptions", traceparent=trace)
    assert screen.status == 500
    assert "Reference 0AF76519." in screen.words
    assert "exception_items" not in screen.markup


def test_without_postgres_pages_say_so(settings: Settings) -> None:
    nowhere = SecretStr("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    app = create_app(build(changed(settings, database_url=nowhere)))
    browser = Browser(app)
    browser.client.set_cookie("session", "any")
    screen = browser.get("/approvals")
    assert screen.status == 503
    assert "The database is unavailable" in screen.words
    assert screen.response.headers["Retry-After"]


def test_every_time_has_a_zone_and_every_page_its_as_of(browser: Browsers, office: Office) -> None:
    office.waiting()
    markup = browser("ana").get("/approvals").markup
    times = [part.partition("</time>")[0] for part in markup.split("<time ")[1:]]
    assert len(times) >= 2
    assert all("datetime=" in each and each.endswith("UTC") for each in times)
    assert "As of <time" in markup


def test_static_files_may_be_kept_under_an_address_of_their_content(browser: Browsers) -> None:
    ana = browser("ana")
    address = ana.get("/approvals").markup.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "?v=" in address
    with ana.client.get(address) as response:
        assert response.status_code == 200
        assert "no-store" not in response.headers["Cache-Control"]


def test_a_deal_stopped_in_the_middle_shows_what_exists_and_can_be_given_up(
    browser: Browsers, office: Office
) -> None:
    opportunity_id, item_id = office.parked_in_the_middle("https://erp.example/project/7")
    olga = browser("olga")
    screen = olga.get(f"/exceptions/{item_id}")
    assert "What exists outside" in screen.words
    assert "Project project Confirmed PRJ-7" in screen.words
    assert 'href="https://erp.example/project/7"' in screen.markup

    refused = olga.post(f"/exceptions/{item_id}", action="compensate", given_up_because=" ")
    assert refused.status == 422
    assert "Give a reason for giving the deal up" in refused.words

    assert olga.post(f"/exceptions/{item_id}", action="compensate", given_up_because="Wound up").status == 303
    words = olga.get(f"/opportunities/{opportunity_id}").words
    assert "Running compensating" in words
    assert "Given up, what was created is to be closed: Wound up" in words
    assert "Close what was created" not in olga.get(f"/exceptions/{item_id}").words


def test_what_was_parked_before_its_approval_is_not_offered_to_be_given_up(
    browser: Browsers, office: Office
) -> None:
    _opportunity_id, item_id = office.parked()
    assert "Close what was created" not in browser("olga").get(f"/exceptions/{item_id}").words
