"""One row of the configuration by pages alone: edited, added, ended, and every fault at its field."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import date
from urllib.parse import urlencode

import pytest

from oppsync.domain.configuration.bundle import fingerprint, governed
from oppsync.domain.configuration.files import FILES
from oppsync.domain.policy.approval_step import ApprovalStep
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.roles import PersonRole
from oppsync.services.configuration.commands import ApplyConfiguration
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT
from tests.web.browser import Browser, Screen
from tests.web.office import Office
from tests.web.test_configuration_api import go_live

FIRM = "Acme Advisory"
ROWS = governed(reference_rows())
RATE = "/configuration/rows/rate_card/{}?" + urlencode({"key": "NA|Consultant|USD", "since": "2026-01-01"})
REGIONS = "/configuration/rows/region/{}?" + urlencode({"key": "NA", "since": "2025-01-01"})


@pytest.fixture
def begun(office: Office) -> Office:
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    office.application.dispatch(ApplyConfiguration(TENANT, office.ids["kim"], FIRM, ROWS))
    return office


@pytest.fixture
def ida(begun: Office, browser: Callable[[str], Browser]) -> Browser:
    return browser("ida")


def filled(screen: Screen) -> dict[str, str]:
    """What the first form of the page holds."""
    form = screen.markup.partition("</h1>")[2].partition("</form>")[0]
    found = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        found[name] = text
    return {name: html.unescape(value) for name, value in found.items()}


def changed(browser: Browser, path: str, **fields: str) -> Screen:
    given = {f"row-{name}": value for name, value in fields.items()}
    return Screen(browser.client.post(path, data={**filled(browser.get(path)), **given}))


@pytest.mark.parametrize("kind", ["cost_rate", "margin_policy", "exception_owner", "route"])
def test_the_form_says_where_one_row_may_stand_for_every_other(ida: Browser, kind: str) -> None:
    words = ida.get(f"/configuration/rows/{kind}/add").words

    assert words.count("* stands for every other") == len(FILES[ReferenceKind(kind)].may_be_any) > 0


def end(browser: Browser, until: str) -> Screen:
    return browser.post(RATE.format("end"), form_of=RATE.format("edit"), until=until)


def apply(browser: Browser, shown: Screen, note: str = "as agreed") -> str:
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown.markup))
    answer = browser.client.post("/configuration/upload", data={**hidden, "action": "apply", "note": note})
    return str(answer.headers["Location"])


def rows(office: Office) -> tuple[ReferenceRow, ...]:
    with office.uow.reading() as uow:
        return governed(uow.configurations.rows(TENANT))


def rates(office: Office) -> list[tuple[str, str | None, str]]:
    return [
        (str(row.valid_from), str(row.valid_to) if row.valid_to else None, row.value["hourly"])
        for row in rows(office)
        if (row.kind, row.key) == (ReferenceKind.RATE_CARD, "NA|Consultant|USD")
    ]


def test_a_rate_is_edited_in_sight_of_what_that_changes(begun: Office, ida: Browser) -> None:
    listed = ida.get("/configuration/rows/rate_card?on=2026-06-01").markup
    assert html.escape(RATE.format("edit")) in listed

    shown = changed(ida, RATE.format("edit"), hourly="170.50")

    assert "changed: hourly 160 -> 170.5" in shown.words
    assert "1 row changed." in shown.words
    assert fingerprint(rows(begun)) == fingerprint(ROWS)
    assert apply(ida, shown) == "/configuration/versions/2"
    assert rates(begun)[-1] == ("2026-01-01", None, "170.5")


def test_a_form_that_is_sent_as_it_was_changes_nothing(ida: Browser) -> None:
    for row in ROWS:
        at = urlencode({"key": row.key, "since": row.valid_from.isoformat()})
        path = f"/configuration/rows/{row.kind}/edit?{at}"
        assert "This is the configuration of now." in changed(ida, path).words, row


def test_a_new_rate_from_a_day_on_ends_the_one_before(begun: Office, ida: Browser) -> None:
    path = "/configuration/rows/rate_card/add?key=NA%7CConsultant%7CUSD"
    assert filled(ida.get(path))["row-hourly"] == "160"
    assert filled(ida.get(path))["row-valid_from"] == ""

    shown = changed(ida, path, valid_from="2026-07-01", hourly="175")

    assert "1 row added, 1 row ended." in shown.words
    apply(ida, shown)
    assert rates(begun)[-2:] == [("2026-01-01", "2026-07-01", "160"), ("2026-07-01", None, "175")]


def test_a_row_is_ended_as_of_a_day(begun: Office, ida: Browser) -> None:
    shown = end(ida, "2026-09-01")

    assert "ends: no longer holds from 2026-09-01 on" in shown.words
    apply(ida, shown)
    assert rates(begun)[-1] == ("2026-01-01", "2026-09-01", "160")
    for day, why in (
        ("", "Write the day as 2026-01-31"),
        ("1.9.2026", "Write the day as 2026-01-31"),
        ("2026-01-01", "2026-01-01 is not after the row's first day"),
        ("2026-09-01", "the row ends on 2026-09-01 already"),
        ("2026-10-01", "the row ends on 2026-09-01 already"),
    ):
        refused = end(ida, day)
        assert refused.status == 422
        assert why in refused.words
        assert 'href="#until"' in refused.markup


def test_the_form_says_by_which_day_a_row_counts_and_a_row_only_conditions_that_it_has(
    begun: Office, ida: Browser
) -> None:
    since = date(2026, 1, 1)
    step = ApprovalStep(name="The board", people=("boss@example.com",))
    added = [
        ReferenceRow(
            kind=ReferenceKind.APPROVAL_STEP, key="board", valid_from=since, value=step.model_dump(mode="json")
        ),
    ]
    begun.application.dispatch(ApplyConfiguration(TENANT, begun.ids["kim"], FIRM, (*ROWS, *added)))
    edit = "/configuration/rows/approval_step/edit?" + urlencode({"key": "board", "since": str(since)})

    assert "What was won before the day is still planned by it" in ida.get(RATE.format("edit")).words
    words = ida.get(edit).words
    assert "still planned by it" not in words
    assert "the row of the day on which it is used counts, whenever the deal was won" in words
    listed = ida.get("/configuration/rows/approval_step?on=2026-06-01").words
    assert "boss@example.com" in listed
    assert "new_customer" not in listed


def test_a_row_of_yaml_is_its_text(begun: Office, ida: Browser) -> None:
    text = filled(ida.get(REGIONS.format("edit")))["row-text"]
    name = re.search(r"^name: (.*)$", text, re.MULTILINE)
    assert name is not None

    shown = changed(ida, REGIONS.format("edit"), text=text.replace(name[0], "name: The <b>North"))

    before = name[1].strip('"')
    assert f"changed: name {before} -> The <b>North" in shown.words
    assert "Only shown" in shown.words
    apply(ida, shown)
    assert any(row.value.get("name") == "The <b>North" for row in rows(begun))


def test_a_row_of_yaml_is_added_by_the_names_it_needs(begun: Office, ida: Browser) -> None:
    path = "/configuration/rows/region/add"
    assert filled(ida.get(path))["row-text"] == "code:\nvalid_from:\nname:\n"

    shown = changed(ida, path, text="code: MOON\nvalid_from: 2026-07-01\nname: Moon\n")

    assert "1 row added." in shown.words
    apply(ida, shown)
    assert "MOON" in {row.key for row in rows(begun)}


WRONG_CELLS = [
    ({"hourly": "1.170,50"}, "row-hourly", "hourly: '1.170,50' is not a number. Write a number as 1234.50."),
    ({"hourly": ""}, "row-hourly", "hourly: is missing."),
    ({"valid_from": ""}, "row-valid_from", "valid_from: is missing."),
    ({"valid_to": "2026-02-30"}, "row-valid_to", "valid_to: '2026-02-30' is not a date."),
    ({"valid_to": "2025-06-01"}, "row-valid_to", "valid_to: 2025-06-01 is not after valid_from"),
    ({"region": "<b>"}, "row-region", "region: no region has the code '<b>'. Use a code of regions.yaml"),
    ({"currency": "XXZ"}, "row-currency", "currency: 'XXZ' "),
    ({"region": "a|b"}, "row-region", "region: 'a|b' contains |, which separates parts."),
    (
        {"valid_from": "2025-01-01"},
        "row-valid_from",
        "valid_from: region NA, role Consultant, currency USD has",
    ),
]
WRONG_TEXTS = [
    ("", "the document is empty"),
    ("- code: NA", "is not a row"),
    ("code: [", "Line 1"),
    ("code: NA\nvalid_from: soon\nname: x\ncolour: red\n", "Line 2: valid_from: 'soon' is not a date."),
    ("code: NA\nvalid_from: soon\nname: x\ncolour: red\n", "Line 4: colour: is not known here."),
    ("code: &a NA\nvalid_from: 2025-01-01\nname: *a\n", "Line 1"),
    ("code: NA\nvalid_from: 2025-01-01\nname: " + "x" * 20_000, "is longer than 20000 characters"),
    ("code: NORTH\nvalid_from: 2025-01-01\nname: x\n", "no region has the code 'NA'"),
]


@pytest.mark.parametrize(("fields", "at", "why"), WRONG_CELLS)
def test_every_fault_names_its_field_and_keeps_what_was_typed(
    begun: Office, ida: Browser, fields: dict[str, str], at: str, why: str
) -> None:
    refused = changed(ida, RATE.format("edit"), **fields)

    assert refused.status == 422
    assert why in refused.words
    assert f'<a href="#{at}">' in refused.markup
    assert f'id="{at}-error"' in refused.markup
    [(name, value)] = fields.items()
    assert filled(refused)[f"row-{name}"] == value
    assert fingerprint(rows(begun)) == fingerprint(ROWS)


@pytest.mark.parametrize(("text", "why"), WRONG_TEXTS)
def test_every_fault_of_a_text_names_its_line(ida: Browser, text: str, why: str) -> None:
    refused = changed(ida, REGIONS.format("edit"), text=text)

    assert refused.status == 422
    assert why in refused.words
    assert '<a href="#row-text">' in refused.markup
    assert filled(refused)["row-text"] == text


def test_a_nested_row_is_told_place_by_place_and_written_line_by_line(ida: Browser) -> None:
    listed = ida.get("/configuration/rows/project_template").words
    assert re.search(r"phase 1 > name [^;]+; phase 1 > ", listed)
    assert not re.search(r"phases\.\d", listed)
    form = ida.get("/configuration/rows/region/edit?key=NA&since=2025-01-01").markup
    assert re.search(r'<textarea id="row-text"[^>]* wrap="off"', form)


def test_a_second_row_for_one_day_is_refused(ida: Browser) -> None:
    path = "/configuration/rows/rate_card/add?key=NA%7CConsultant%7CUSD"

    refused = changed(ida, path, valid_from="2026-01-01")

    assert "has another row from this day on. Edit that one, or choose another day." in refused.words


def test_what_changed_since_the_form_was_opened_is_said(begun: Office, ida: Browser) -> None:
    opened = filled(ida.get(RATE.format("edit")))
    apply(ida, changed(ida, RATE.format("edit"), hourly="180"))

    late = Screen(ida.client.post(RATE.format("edit"), data={**opened, "row-hourly": "170"}))

    assert "The configuration changed since you opened the form" in late.words
    assert "hourly 180 -> 170" in late.words


def test_of_a_live_firm_an_edited_rate_is_proposed(begun: Office, ida: Browser) -> None:
    go_live(begun)

    shown = changed(ida, RATE.format("edit"), hourly="170")

    assert "a finance approver other than you has to approve it" in shown.words
    assert apply(ida, shown).startswith("/configuration/proposals/")
    assert fingerprint(rows(begun)) == fingerprint(ROWS)


def test_rows_that_are_not_there_and_people_who_may_only_look(
    ida: Browser, browser: Callable[[str], Browser]
) -> None:
    for nothing in (
        "rate_card/edit",
        "rate_card/edit?key=NA|Consultant|USD&since=x",
        "rate_card/edit?key=%00&since=2026-01-01",
        "customer_link/add",
        "nothing/add",
    ):
        assert ida.get(f"/configuration/rows/{nothing}").status == 404
    uma = browser("uma")
    assert uma.get(RATE.format("edit")).status == 403
    assert uma.get("/configuration/rows/rate_card/add").status == 403
    assert "Add a row" not in uma.get("/configuration/rows/rate_card").words
    assert "Edit" not in uma.get("/configuration/rows/rate_card/history?key=NA|Consultant|USD").words
