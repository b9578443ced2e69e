"""Out of office, on pages and over the API: one's own, and another's for an administrator."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from flask import Flask

from oppsync.domain.approval.tasks import Person
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.reference.calendars import Calendar
from oppsync.domain.values.roles import PersonRole
from oppsync.services.admin.passwords import NO_PASSWORD
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import Office, email
from tests.web.test_api import Client

Browsers = Callable[[str], Browser]
PAGE = "/account/absence"


def today() -> date:
    return datetime.now(UTC).date()


def week(delegate: str = "") -> dict[str, str]:
    last = today() + timedelta(days=7)
    return {"action": "enter", "from": str(today()), "until": str(last), "delegate": delegate}


def configure(office: Office) -> None:
    calendar = Calendar(code="BERLIN", country="DE", time_zone="Europe/Berlin")
    row = ReferenceRow(
        kind=ReferenceKind.CALENDAR,
        key="BERLIN",
        valid_from=date(2026, 1, 1),
        value=calendar.model_dump(mode="json"),
    )
    with office.uow() as uow:
        uow.references.put(TENANT, row)
        uow.commit()


def test_somebody_is_out_of_office_and_a_colleague_decides_for_them(browser: Browsers, office: Office) -> None:
    ana, tom = browser("ana"), browser("tom")
    assert "Out of office" in ana.get("/account").words
    assert "No absence is entered." in ana.get(PAGE).words
    waiting = office.waiting()
    path = f"/approvals/{waiting.finance.id}"

    assert ana.post(PAGE, **week(email("tom"))).status == 303

    mine = ana.get(PAGE).markup
    days = re.findall(r'<time datetime="([^"]*)">', mine.partition("<main")[2].partition("</table>")[0])
    assert days == [str(today()), str(today() + timedelta(days=7))]
    assert "(now)" in ana.get(PAGE).words
    assert "You stand in for Ana" in tom.get(PAGE).words
    assert "2" in tom.get("/approvals").words  # finance's task waits for him too
    shown = tom.get(path)
    assert "You decide for Ana, who is out of office." in shown.words
    sent = tom.post(path, plan_hash=waiting.plan.hash, decision="approve", comment="")
    assert sent.status == 303
    assert "You approved plan 1 for Finance, for Ana." in tom.get(path).words
    assert "Tom for Ana approved plan 1 for Finance." in browser("kim").get(path).words
    beside = browser("kim").get(f"/approvals/{waiting.delivery.id}")
    assert "Tom for Ana" in beside.words


def test_a_delegate_who_may_not_decide_what_waits_is_confirmed_first(browser: Browsers, office: Office) -> None:
    ana, waiting = browser("ana"), office.waiting()
    office.override(waiting.opportunity_id, "name", "Another name", by=office.ids["ana"])

    warned = ana.post(PAGE, **week(email("tom")))

    assert (warned.status, "has a part in 1 deal that waits for approval" in warned.words) == (409, True)
    assert f'value="{today()}"' in warned.markup
    assert "No absence is entered." in warned.words
    assert ana.post(PAGE, **week(email("tom")), confirmed="yes").status == 303


def test_who_cannot_decide_yet_is_no_choice_and_who_is_alone_stays_asked(
    browser: Browsers, office: Office
) -> None:
    invited = Person(id=uuid4(), email=email("ina"), name="Ina", roles=frozenset({PersonRole.FINANCE_APPROVER}))
    with office.uow() as uow:
        uow.people.add(TENANT, invited, NO_PASSWORD)
        uow.commit()
    office.hire("dee", "approver:tax")

    assert email("ina") not in browser("ana").get(PAGE).markup
    refused = browser("ana").post(PAGE, **week(email("ina")))
    assert (refused.status, "has set no password yet" in refused.words) == (422, True)
    assert "Nobody: other approvers are asked" in browser("ana").get(PAGE).words
    alone = "Nobody: you are still asked, as no other person may approve for tax"
    assert alone in browser("dee").get(PAGE).words


def test_an_absence_is_ended_where_it_was_entered(browser: Browsers, office: Office) -> None:
    ana, absence_id = browser("ana"), office.absence("ana")

    assert ana.post(PAGE, action="end", absence=str(absence_id)).status == 303

    assert "No absence is entered." in ana.get(PAGE).words
    late = ana.post(PAGE, action="end", absence=str(absence_id))
    assert (late.status, "This absence is over." in late.words) == (409, True)
    assert ana.post(PAGE, action="end", absence="no id").status == 404
    assert ana.post(PAGE, action="destroy").status == 400


def test_what_is_wrong_stands_at_its_field_with_what_was_typed(browser: Browsers, office: Office) -> None:
    ana = browser("ana")
    wrong = ana.post(PAGE, **{**week(email("olga")), "until": "<i>tomorrow</i>"})
    assert (wrong.status, "Give the day as 2026-01-31." in wrong.words) == (422, True)
    assert "<i>tomorrow" not in wrong.markup

    wrong = ana.post(PAGE, **week(email("olga")))

    assert (wrong.status, "standing in makes nobody an approver" in wrong.words) == (422, True)
    assert f'value="{today()}"' in wrong.markup
    assert ana.post(PAGE, action="calendar", calendar="BERLIN").status == 422


def test_an_administrator_does_it_for_others_and_nobody_else(browser: Browsers, office: Office) -> None:
    office.hire("ada", PersonRole.ADMIN)
    configure(office)
    of_ana = f"{PAGE}?of={office.ids['ana']}"
    assert browser("tom").get(of_ana).status == 403
    ada = browser("ada")
    assert "Absences and calendar" in ada.get(f"/people/{office.ids['ana']}").words

    assert ada.post(of_ana, **week()).status == 303
    assert ada.post(of_ana, action="calendar", calendar="BERLIN").status == 303

    assert "Out of office: Ana" in ada.get(of_ana).words
    assert "(now)" in browser("ana").get(PAGE).words
    assert office.person("ana").calendar == "BERLIN"


def test_programs_enter_and_end_it_too(app: Flask, office: Office) -> None:
    configure(office)
    ana, tom = Client(app, office.token("ana")), Client(app, office.token("tom"))
    days = {"from": str(today()), "until": str(today())}

    (entered,) = ana.post("/absences", {**days, "delegate": email("tom")})["rows"]

    assert (entered["email"], entered["delegate"], entered["is_current"]) == (email("ana"), email("tom"), True)
    assert tom.get("/absences")["rows"] == [entered]
    refused = ana.refused(422, "POST", "/absences", json={**days, "until": "2020-01-01"})
    assert refused["errors"][0]["pointer"] == "/until"
    assert ana.refused(409, "POST", "/absences", json=days)["code"] == "ABSENT_ALREADY"
    tom.refused(403, "POST", "/absences", json={**days, "email": email("ana")})
    tom.refused(403, "POST", f"/absences/{entered['id']}/end")
    assert ana.post(f"/absences/{entered['id']}/end")["rows"] == []
    assert ana.post("/calendar", {"calendar": "BERLIN"}) == {"email": email("ana"), "calendar": "BERLIN"}
