"""The configuration's pages: looked at as of a day, downloaded, uploaded, agreed by two people, taken back."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from adapters.documents.bundle_files import write_bundle
from adapters.documents.bundle_zip import files_of_zip, zip_of
from oppsync.domain.configuration.bundle import fingerprint, governed
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import PersonRole
from oppsync.services.configuration.commands import ApplyConfiguration
from oppsync.services.set_up.commands import NameFirm
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT
from tests.unit.test_configuration_imports import WRONG_TABLES, xlsx
from tests.web.browser import Browser, Screen
from tests.web.office import Office
from tests.web.test_configuration_api import WRONG_ZIPS, go_live

Browsers = Callable[[str], Browser]
FIRM = "Acme <b>Advisory"
ROWS = governed(reference_rows())
FILES = write_bundle(FIRM, ROWS)
RATES = FILES["rates.csv"]
DEARER = FILES | {"rates.csv": RATES.replace(b"NA 2026,160,", b"NA 2026,170,")}


@pytest.fixture
def ida(office: Office, browser: Browsers) -> Browser:
    """Who administers integrations."""
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    return browser("ida")


@pytest.fixture
def begun(office: Office) -> Office:
    """The firm has its first version, by Kim."""
    command = ApplyConfiguration(TENANT, office.ids["kim"], FIRM, ROWS, note="the <i>beginning")
    office.application.dispatch(command)
    return office


def send(browser: Browser, files: Mapping[str, bytes] | bytes) -> Screen:
    content = files if isinstance(files, bytes) else zip_of(files)
    token = browser.get("/configuration/upload").form_token
    form = {"csrf_token": token, "bundle": (io.BytesIO(content), "acme.zip")}
    return Screen(browser.client.post("/configuration/upload", data=form))


def press(browser: Browser, screen: Screen, path: str, **fields: str) -> Screen:
    """Send the form on this screen with its hidden fields."""
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', screen.markup))
    return Screen(browser.client.post(path, data={**hidden, **fields}))


def applied(browser: Browser, screen: Screen, note: str = "as agreed") -> Screen:
    return press(browser, screen, "/configuration/upload", action="apply", note=note)


def now(office: Office) -> str:
    with office.uow.reading() as uow:
        return fingerprint(uow.configurations.rows(TENANT))


def test_a_firm_begins_by_pages_alone_and_downloads_what_it_uploaded(ida: Browser, office: Office) -> None:
    assert "There is no version yet" in ida.get("/configuration").words

    shown = send(ida, FILES)
    assert "Compared with no version" in shown.words
    assert "entity ACME-DE, service line ADV from 2025-01-01" in shown.words
    assert applied(ida, shown, "the beginning").location == "/configuration/versions/1"

    assert now(office) == fingerprint(ROWS)
    first = ida.get("/configuration/versions/1").words
    assert "the beginning" in first
    assert "ida@acme.example" in first
    assert "Acme <b>Advisory" in ida.get("/configuration").words
    for path in ("/configuration/download", "/configuration/versions/1/download"):
        answer = ida.client.get(path)
        assert answer.mimetype == "application/zip"
        assert files_of_zip(answer.data) == FILES


def test_a_firm_without_rules_downloads_files_to_fill_in(ida: Browser) -> None:
    assert 'href="/configuration/upload/first-files"' in ida.get("/configuration/upload").markup
    files = files_of_zip(ida.client.get("/configuration/upload/first-files").data)

    assert {"oppsync.yaml", "legal_entities.yaml", "rates.csv"} <= files.keys()
    assert "There is no version yet" in ida.get("/configuration").words
    named = send(
        ida, files | {"service_lines.csv": files["service_lines.csv"] + b",ADV,2026-01-01,,Advisory\n"}
    )
    assert "service_lines.csv" in named.words
    assert applied(ida, named, "the first row").location == "/configuration/versions/1"


def test_a_changed_rate_is_seen_before_it_is_applied_and_is_taken_back_in_sight_of_what_that_changes(
    begun: Office, ida: Browser
) -> None:
    shown = send(ida, DEARER)
    assert "region NA, role Consultant, currency USD from 2026-01-01" in shown.words
    assert "changed: hourly 160 -> 170" in shown.words
    assert "Money or approval" in shown.words
    assert now(begun) == fingerprint(ROWS)

    assert applied(ida, shown).location == "/configuration/versions/2"

    assert "Applied alone, before going live" in ida.get("/configuration").words
    second = ida.get("/configuration/versions/2").words
    assert "alone, before going live" in second
    assert "changed: hourly 160 -> 170" in second
    offered = ida.get("/configuration/versions/1/revert")
    assert "changed: hourly 170 -> 160" in offered.words
    assert now(begun) != fingerprint(ROWS)
    assert press(ida, offered, "/configuration/versions/1/revert", note="too dear").status == 303
    assert now(begun) == fingerprint(ROWS)
    assert "Version 1 again. too dear" in ida.get("/configuration").words
    assert "hold already" in ida.get("/configuration/versions/1/revert").words
    for missing in ("/configuration/versions/9", "/configuration/versions/99999999999/revert"):
        assert ida.get(missing).status == 404


def test_of_a_live_firm_the_proposer_is_told_who_can_approve_and_the_other_does(
    begun: Office, browser: Browsers, ida: Browser
) -> None:
    go_live(begun)
    shown = send(ida, DEARER)
    assert "a finance approver other than you has to approve it" in shown.words
    page = applied(ida, shown, "dearer <u>").location
    assert page is not None
    assert page.startswith("/configuration/proposals/")
    mine = ida.get(page)
    assert "You proposed this, so another person approves it: Ana or Kim can." in mine.words
    assert 'value="approve"' not in mine.markup
    assert press(ida, mine, page, action="approve").status == 403
    assert "You may not" not in browser("uma").get(page).words
    assert 'name="action"' not in browser("uma").get(page).markup
    assert now(begun) == fingerprint(ROWS)

    ana = browser("ana")
    theirs = ana.get(page)
    assert "dearer <u>" in ana.get("/configuration").words
    assert "changed: hourly 160 -> 170" in theirs.words
    refused = press(ana, theirs, page, action="reject")
    assert refused.status == 422
    assert "Give a reason" in refused.words
    assert press(ana, theirs, page, action="approve").location == "/configuration/versions/2"
    assert "Approved by ana@acme.example" in ana.get("/configuration/versions/2").words
    decided = ida.get(page)
    assert "Applied by Ana" in decided.words
    assert "What it changed of version 1" in decided.words
    assert "changed: hourly 160 -> 170" in decided.words
    assert 'href="/configuration/versions/2"' in decided.markup
    assert press(browser("kim"), theirs, page, action="approve").status in (400, 409)


def test_rows_are_shown_as_of_the_day_where_the_firm_is(begun: Office, ida: Browser) -> None:
    """Fourteen hours before UTC and twelve behind: one of them has another day now."""
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        begun.application.dispatch(NameFirm(TENANT, COMMAND_LINE, "Acme", zone))
        there = [datetime.now(ZoneInfo(zone)).date()]
        markup = ida.get("/configuration/rows/rate_card").markup
        there.append(datetime.now(ZoneInfo(zone)).date())
        assert any(f'value="{day}"' in markup for day in there)


@pytest.mark.parametrize("written", ["2026-W01-1", "20260131", "31.01.2026"])
def test_a_day_is_written_in_one_form(begun: Office, ida: Browser, written: str) -> None:
    refused = ida.get(f"/configuration/rows/rate_card?on={written}")
    assert refused.status == 422
    assert "Write the day as 2026-01-31" in refused.words


def test_a_proposal_that_was_overtaken_is_not_approved_and_is_taken_back(
    begun: Office, browser: Browsers, ida: Browser
) -> None:
    go_live(begun)
    page = applied(ida, send(ida, DEARER)).location or ""
    faster = applied(ida, send(ida, FILES | {"rates.csv": RATES.replace(b"NA 2026,160,", b"NA 2026,150,")}))
    ana = browser("ana")
    ana.post(faster.location or "", action="approve")

    assert "it cannot be approved" in ana.get(page).words
    assert "Waits for a second person" not in ana.get(page).words
    assert ana.post(page, action="approve").status == 409
    assert ida.post(page, action="reject").status == 303
    taken_back = ida.get(page).words
    assert "Taken back by Ida" in taken_back
    assert "What it would have changed of version 1" in taken_back
    assert "changed: hourly 160 -> 170" in taken_back
    assert "Nothing is proposed" in ida.get("/configuration").words


def test_a_proposal_that_was_overtaken_is_proposed_anew_and_what_others_changed_stays(
    begun: Office, browser: Browsers, ida: Browser
) -> None:
    go_live(begun)
    page = applied(ida, send(ida, DEARER)).location or ""
    old, new = b"NA 2025,150,", b"NA 2025,151,"
    assert old in RATES
    faster = applied(ida, send(ida, FILES | {"rates.csv": RATES.replace(old, new, 1)}))
    ana = browser("ana")
    ana.post(faster.location or "", action="approve")
    seen = ana.get(page)
    assert "Compared with version 2" in seen.words
    assert "1 row changed." in seen.words
    assert "hourly 160 -> 170" in seen.words
    assert "hourly 151" not in seen.words
    assert 'value="approve"' not in seen.markup
    assert " can." not in ida.get(page).words
    assert 'value="anew"' not in browser("uma").get(page).markup
    assert browser("uma").post(page, action="anew").status == 403

    shown = press(ida, ida.get(page), page, action="anew")
    assert "hourly 160 -> 170" in shown.words
    assert "hourly 150" not in shown.words
    again = applied(ida, shown, "anew").location or ""
    ana.post(again, action="approve")

    wanted = DEARER["rates.csv"].replace(old, new, 1)
    assert files_of_zip(ida.client.get("/configuration/download").data)["rates.csv"] == wanted


def test_what_was_compared_with_an_older_version_is_compared_anew(begun: Office, ida: Browser) -> None:
    shown = send(ida, DEARER)
    other = FILES | {"rates.csv": RATES.replace(b"NA 2026,160,", b"NA 2026,150,")}
    applied(ida, send(ida, other))

    late = applied(ida, shown)

    assert late.status == 409
    assert "it is version 2 now" in late.words
    assert "changed: hourly 150 -> 170" in late.words
    assert applied(ida, late).location == "/configuration/versions/3"


def test_what_a_change_does_to_open_deals_is_shown_beside_it(begun: Office, ida: Browser) -> None:
    waiting = begun.waiting()
    unaffected = send(ida, DEARER).words
    assert "Deals not approved yet: 1 of 1 keep their plan." in unaffected

    shown = send(ida, {name: content for name, content in FILES.items() if name != "cost_centres.csv"})

    assert "Deals not approved yet: 0 of 1 keep their plan." in shown.words
    assert f'href="/opportunities/{waiting.opportunity_id}"' in shown.markup
    assert "Found otherwise" in shown.words
    assert "No cost centre is set for" in shown.words


def test_that_a_changed_connection_map_is_not_tried_is_shown(begun: Office, ida: Browser) -> None:
    begun.waiting()
    maps = b"""- connection: Salesforce
  vendor: salesforce
  valid_from: 2026-01-01
  settings: {fields: {Opportunity.PO_Number__c: ""}}
"""

    shown = send(ida, FILES | {"connection_maps.yaml": maps})
    assert "Deals not approved yet: 1 of 1 keep their plan." in shown.words
    assert "read of other systems is not tried: deals are as they were read by the maps of then" in shown.words


def test_every_fault_is_shown_with_its_place_and_nothing_is_applied(begun: Office, ida: Browser) -> None:
    wrong = RATES.replace(b"NA 2026,160,", b"NA 2026,<b>,").replace(b"2025-01-01", b"1.1.2025")
    refused = send(ida, FILES | {"rates.csv": wrong})

    assert refused.status == 422
    assert "5 faults found" in refused.words
    assert "rates.csv, line 7 hourly '<b>' is not a number Write a number as 1234.50" in refused.words
    assert send(ida, b"").status == 422
    for content in WRONG_ZIPS.values():
        assert send(ida, content).status == 422
    for bundle in ("", "!", "UEsDBA==", "é"):
        token = ida.get("/configuration/upload").form_token
        form = {"csrf_token": token, "bundle": bundle, "against": "", "action": "apply"}
        assert ida.client.post("/configuration/upload", data=form).status_code == 422
    assert now(begun) == fingerprint(ROWS)


def import_(browser: Browser, content: bytes, **fields: str) -> Screen:
    form: dict[str, object] = {"rows": "rates.csv", "numbers": "comma", "dates": "day_first", **fields}
    form |= {"csrf_token": browser.get("/configuration/import").form_token}
    form |= {"table": (io.BytesIO(content), "ours.csv")} if content else {}
    return Screen(browser.client.post("/configuration/import", data=form))


TABLE = b"Region;Role;Currency;Valid from;Card;Hourly\nNA;Consultant;USD;01.07.2026;NA summer;1.170,50\n"


def test_a_table_is_imported_in_sight_of_what_it_changes(begun: Office, ida: Browser) -> None:
    assert ">1.234,50</option>" in ida.get("/configuration/import").markup

    shown = import_(ida, TABLE)

    assert "1 row added, 1 row ended." in shown.words
    assert "from 2026-07-01 rates.csv added: card NA summer, hourly 1170.5" in shown.words
    assert now(begun) == fingerprint(ROWS)
    assert applied(ida, shown).location == "/configuration/versions/2"
    assert "hourly 1170.5" in ida.get("/configuration/rows/rate_card?on=2026-08-01").words


def test_two_thousand_rows_of_a_spreadsheet_come_in_by_the_page(begun: Office, ida: Browser) -> None:
    header = ("Region", "Role", "Currency", "Valid from", "Card", "Hourly")
    rows = [("NA", f"Role {number}", "USD", date(2026, 7, 1), "NA", 100 + number) for number in range(2_000)]

    shown = import_(ida, xlsx(header, *rows))

    assert "2,000 rows added" in shown.words
    assert "And 1,800 rows more" in shown.words
    assert applied(ida, shown).location == "/configuration/versions/2"
    assert "hourly 2099" in ida.get("/configuration/rows/rate_card?on=2026-08-01&text=Role 1999").words


def test_one_wrong_row_and_none_is_imported(begun: Office, ida: Browser) -> None:
    refused = import_(ida, TABLE + b"NA;Consultant;USD;2026-08-01;NA <b>;x\n")

    assert refused.status == 422
    assert "2 faults found" in refused.words
    assert "rates.csv, line 3 hourly 'x' is not of the form 1.234,50" in refused.words
    assert "choose the other form of dates" in refused.words
    again = "/configuration/import?rows=rates.csv&amp;numbers=comma&amp;dates=day_first"
    assert f'href="{again}' in refused.markup
    chosen = ida.get(again.replace("&amp;", "&")).markup
    for value in ("rates.csv", "comma", "day_first"):
        assert f'<option value="{value}" selected>' in chosen
    lacking = import_(ida, b"Region;Role;Currency;Valid from;Card;Hourly\nNA;Consultant;USD;01.07.2026;NA;\n")
    assert "is missing Give it a value" in lacking.words
    for fields in ({"rows": "regions.yaml"}, {"numbers": ""}, {"dates": "x"}, {"since": "1.1.2026"}):
        assert import_(ida, TABLE, **fields).status == 422
    assert import_(ida, b"").status == 422
    for content in (*WRONG_TABLES.values(), *WRONG_ZIPS.values()):
        assert import_(ida, content).status == 422
    assert now(begun) == fingerprint(ROWS)


def test_rows_are_read_as_of_a_day_with_who_changed_them(begun: Office, ida: Browser) -> None:
    applied(ida, send(ida, DEARER), "agreed in May")
    at_first = ida.get("/configuration/rows/rate_card?on=2025-06-01&text=na").words
    assert "region NA, role Consultant" in at_first
    assert "hourly 150" in at_first
    assert "DACH" not in at_first
    assert "hourly 170" in ida.get("/configuration/rows/rate_card?on=2026-06-01").words
    assert "No row holds on that day" in ida.get("/configuration/rows/rate_card?on=1999-01-01").words
    assert ida.get("/configuration/rows/rate_card?on=31.1.2026").status == 422

    history = ida.get("/configuration/rows/rate_card/history?key=NA|Consultant|USD").words

    assert "changed: hourly 160 -> 170" in history
    assert "ida@acme.example, alone, before going live: agreed in May" in history
    assert "kim@acme.example, alone, before going live: the <i>beginning" in history
    for nothing in ("rate_card/history?key=nobody", "customer_link", "nothing", "rate_card/history?key=%00"):
        assert ida.get(f"/configuration/rows/{nothing}").status == 404


def test_who_may_look_sees_no_way_to_change_and_others_see_nothing(
    begun: Office, browser: Browsers, app: Flask
) -> None:
    uma = browser("uma")
    assert "Upload" not in uma.get("/configuration").words
    assert "hold again" not in uma.get("/configuration/versions/1").words
    assert uma.get("/configuration/upload").status == 403
    assert uma.get("/configuration/versions/1/revert").status == 403
    assert browser("ed").get("/configuration").status == 403
    assert Browser(app).get("/configuration").location == "/sign-in?next=/configuration"


def test_who_owns_a_field_is_shown_and_answered(browser: Browsers, app: Flask, office: Office) -> None:
    shown = browser("uma").get("/configuration/owners").words
    assert "project number ERP" in shown
    assert "An override changes a plan" in shown
    headers = {"Authorization": f"Bearer {office.token('uma')}"}
    answer = app.test_client().get("/api/v1/systems-of-record", headers=headers).json or {}
    rate = {"group": "rates.csv", "field": "hourly", "owner": "configuration", "names": None}
    assert rate in answer["rows"]
    assert answer["where"]["erp"] == "In the ERP"
