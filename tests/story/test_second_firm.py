"""A second, different firm begins with nothing, and a deal it wins becomes active: by pages alone, and by
commands."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.cli.__main__ import oppsync
from adapters.operations.supervisor import PRODUCT
from oppsync.kernel import canonical_json
from sandbox.embedded.tryton import firm
from sandbox.home import SALESFORCE_CLIENT_SECRET
from sandbox.systems import SALESFORCE_CLIENT_ID
from tests.harness.erp import invoices, works
from tests.harness.ground import Ground
from tests.harness.tryton import Books
from tests.harness.waiting import NotYet
from tests.story.firms.hinode import deals
from tests.story.firms.hinode.erp import HINODE
from tests.web.browser import Screen
from tests.web.newcomer import Newcomer, link_on, secret_on
from tests.web.over_http import Server
from tests.web.test_configuration_pages import applied, press, send

RULES = Path(__file__).parent / "firms" / "hinode" / "rules"
PEOPLE = {
    "fay@example.com": "finance_approver",
    "dan@example.com": "delivery_approver",
    "ben@example.com": "admin",
}
FINANCE, DELIVERY, SECOND = PEOPLE
ADMIN = "ada@example.com"
VENDORS = {"Our org": "salesforce", "Our books": "tryton"}
CRM, ERP = VENDORS
FIRST_STEP = (
    "init",
    "--name",
    "Hinode",
    "--zone",
    "Europe/Zurich",
    "--admin-email",
    ADMIN,
    "--admin-name",
    "Ada",
)
PARTNER_RATE = b",ALPS,Partner,CHF,2026-01-01,,Tarif 2026,320.5,,1\n"
Run = Callable[..., Result]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """An empty Postgres and Redis, Hinode's Tryton, and a Salesforce that knows nothing of us. No PSA."""
    ground = Ground(tmp_path, ("tryton", "salesforce"), HINODE)
    try:
        ground.start()
        for name in PRODUCT:
            ground.add(name, name)
        ground.wait_for_outside()
        ground.start_product()
        yield ground
    finally:
        ground.stop()


@pytest.fixture
def run(ground: Ground) -> Run:
    def invoke(*arguments: object, typed: str = "", **more: str) -> Result:
        environment = ground.environment() | more
        result = CliRunner().invoke(oppsync, [*map(str, arguments)], input=typed, env=environment)
        assert result.exit_code == 0, result.output
        return result

    return invoke


def test_a_firm_sets_itself_up_by_pages_alone_and_its_deal_becomes_active(ground: Ground, run: Run) -> None:
    with timed("by pages"):
        ada = newcomer(ground)
        ada.come_in(ADMIN, link_of(run(*FIRST_STEP, "--json")))
        assert ada.get("/").location == "/set-up"
        deal = win(ground, deals.in_francs())

        rules = {each.name: each.read_bytes() for each in RULES.iterdir()}
        rules["rates.csv"] = rules["rates.csv"].replace(PARTNER_RATE, b"")
        compared = send(ada, rules)
        assert "nothing is connected as 'Our books': the row counts once a system is." in compared.words
        assert applied(ada, compared, "As we work").location == "/configuration/versions/1"
        crm = ada.connect("crm", "salesforce", name=CRM, **salesforce(ground))
        erp = ada.connect("projects", "tryton", name=ERP, **tryton(ground))
        for connection in (crm, erp):
            tested = ada.post(connection, action="test")
            assert ": nothing was missing." in ada.get(connection).words, tested.words
            assert "The configuration says what it maps" in ada.get(connection).words
        for email, role in PEOPLE.items():
            invited = ada.post("/people", email=email, name=email[:3].capitalize(), role=role)
            newcomer(ground).come_in(email, link_on(invited))
        stopped = ada.post("/set-up", action="try_deal", record=deal)
        assert "The rate card has no rate for ALPS, Partner, CHF" in stopped.words, stopped.words
        assert enter_the_rate(ada).location == "/configuration/versions/2"
        tried = ada.post("/set-up", action="try_deal", record=deal)
        assert "This deal of yours would become the plan below" in tried.words, tried.words
        assert ada.post("/set-up", action="go_live", second=SECOND, sure="yes").status == 303

        hook(ground, crm.rpartition("/")[2], secret_on(ada.post(crm, action="rotate")))
        ground.salesforce.edit(deal, {"opportunity": {"StageName": "Closed Won"}})
        for email in (FINANCE, DELIVERY):
            approve_on_page(ground, email)
        wait_until_active(ground, deal)
    assert set(ada.standing().values()) == {"Done", "Optional"}
    check_francs(ground, deal)


def test_a_firm_is_set_up_by_commands_and_its_deal_in_yen_becomes_active(ground: Ground, run: Run) -> None:
    with timed("by commands"):
        newcomer(ground).come_in(ADMIN, link_of(run(*FIRST_STEP, "--json")))
        deal = win(ground, deals.in_yen())
        ada = token(run, ADMIN, "admin")
        run("config", "check", RULES)
        run("config", "apply", RULES, "--note", "As we work", OPPSYNC_TOKEN=ada)
        crm = add(run, "crm", CRM, salesforce(ground), secrets=("client_id", "client_secret"))
        add(run, "erp", ERP, tryton(ground), secrets=("rest_key",))
        for email, role in PEOPLE.items():
            invited = run("user", "invite", "--email", email, "--name", email[:3], "--role", role, "--json")
            newcomer(ground).come_in(email, link_of(invited))
        assert "By the configuration: version 1 (" in run("try-deal", deal).stdout
        run("go-live", "--second", SECOND, "--yes", OPPSYNC_TOKEN=ada)

        secret = canonical_json.loads(run("connection", "rotate-secret", crm, "--json").stdout)["secret"]
        hook(ground, crm, secret)
        ground.salesforce.edit(deal, {"opportunity": {"StageName": "Closed Won"}})
        for email in (FINANCE, DELIVERY):
            approve_by_api(ground, token(run, email, "approve", "read"))
        wait_until_active(ground, deal)
    assert "everything is set up" in run("init").stdout
    check_yen(ground, deal)


@contextmanager
def timed(how: str) -> Iterator[None]:
    """Print how long the firm needed; nothing depends on it."""
    begun = time.monotonic()
    yield
    sys.stdout.write(f"\n{how}, from nothing to an active deal: {time.monotonic() - begun:.0f} s\n")


def enter_the_rate(browser: Newcomer) -> Screen:
    """The row that the upload lacked, typed into the form of its columns, then applied in sight of what it
    changes."""
    path = "/configuration/rows/rate_card/add"
    row = {"region": "ALPS", "role": "Partner", "currency": "CHF", "valid_from": "2026-01-01"}
    said = row | {"card": "Tarif 2026", "hourly": "320.5", "version": "1"}
    shown = press(browser, browser.get(path), path, **{f"row-{name}": value for name, value in said.items()})
    assert "role Partner, currency CHF from 2026-01-01" in shown.words, shown.words
    return applied(browser, shown, "Forgotten")


def newcomer(ground: Ground) -> Newcomer:
    return Newcomer(Server(ground.addresses.web))


def link_of(invited: Result) -> str:
    return str(canonical_json.loads(invited.stdout)["link"])


def win(ground: Ground, deal: dict[str, Any]) -> str:
    """A deal that is still open: it is won once the firm is live."""
    opportunity = deal["opportunity"] | {"StageName": "Negotiation/Review"}
    return str(ground.salesforce.win_deal(deal | {"opportunity": opportunity})["id"])


def salesforce(ground: Ground) -> dict[str, str]:
    return {
        "base_url": ground.addresses.salesforce,
        "client_id": SALESFORCE_CLIENT_ID,
        "client_secret": ground.home.key(SALESFORCE_CLIENT_SECRET),
    }


def tryton(ground: Ground) -> dict[str, str]:
    """The firm's own codes of products are in its rules. Its books are a SQLite file, which has one writer."""
    return {
        "base_url": ground.tryton.url,
        "database": firm.DATABASE,
        "rest_key": ground.tryton.rest_key,
        "limits": "calls_at_once = 1",
    }


def add(run: Run, role: str, name: str, given: Mapping[str, str], secrets: tuple[str, ...]) -> str:
    """Connect and test a system; returns the connection's id."""
    settings = [f"--set={name}={value}" for name, value in given.items() if name not in secrets]
    typed = "".join(f"{name}={given[name]}\n" for name in secrets)
    common = ("--role", role, "--vendor", VENDORS[name], "--name", name)
    added = canonical_json.loads(run("connection", "add", *common, *settings, "--json", typed=typed).stdout)
    run("connection", "test", added["id"])
    return str(added["id"])


def token(run: Run, email: str, *scopes: str) -> str:
    asked = [f"--scope={scope}" for scope in scopes]
    return run("token", "create", "--name", f"of {email}", "--email", email, *asked).stdout.strip()


def hook(ground: Ground, connection_id: str, secret: str) -> None:
    ground.salesforce.configure_webhook(f"{ground.addresses.web}/webhooks/{connection_id}", secret)


def approve_on_page(ground: Ground, email: str) -> None:
    person = newcomer(ground)
    assert person.sign_in_as(email).status == 303

    def waits_for_me() -> str:
        found = re.search(r'href="(/approvals/[0-9a-f-]{36})"', person.get("/approvals").markup)
        if found is None:
            raise NotYet(f"nothing waits for {email}")
        return found[1]

    page = ground.until(waits_for_me, f"a plan waits for {email}")
    assert press(person, person.get(page), page, decision="approve", comment="").status in (200, 303)


def approve_by_api(ground: Ground, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}

    def waits_for_me() -> dict[str, Any]:
        rows = ground.ask("GET", "/api/v1/approvals?status=open&mine=true", headers=headers).json["rows"]
        if not rows:
            raise NotYet("nothing waits")
        return dict(rows[0]["task"])

    task = ground.until(waits_for_me, "a plan waits")
    decision = {"plan_hash": task["plan_hash"], "decision": "approve"}
    answer = ground.ask("POST", f"/api/v1/approvals/{task['id']}/decision", headers=headers, json=decision)
    assert answer.status == 200, answer


def wait_until_active(ground: Ground, deal: str) -> None:
    def is_active() -> bool:
        status: str | None = ground.salesforce.record(deal)["oppsync_Status__c"]
        return status == "Active"

    ground.until(is_active, f"{deal} is active")


def check_francs(ground: Ground, deal: str) -> None:
    """Worked by hand. 1 May is a holiday in Zürich; 1 August is one too, and a Saturday. Each milestone ends at
    the cent of its share of the whole."""
    begins = [(4, 1), (5, 4), (6, 1), (7, 1), (8, 3), (9, 1)]
    with Books(ground.tryton) as books:
        assert instalments(books, deal) == [("HIN-AG", "D-70001", "CHF", "12500.55", day) for day in begins]
        assert prices(books, deal) == {
            "Data platform: Etappe 1": ("29997.02", None),
            "Data platform: Etappe 2": ("29997.01", None),
            "Data platform: Etappe 3": ("30006.02", None),
            "Steering: Partner": ("320.5", 60),
            "Engineering: Engineer": ("215.25", 200),
        }
        assert tax_of_one(books, deal) == "1012.54"  # 8.1 % of 12,500.55


def check_yen(ground: Ground, deal: str) -> None:
    begins = [(month, 1) for month in range(4, 10)]
    with Books(ground.tryton) as books:
        kk = books.one("company.company", [["party.code", "=", "HIN-KK"]])["id"]
    with Books(ground.tryton, company=kk) as books:
        assert instalments(books, deal) == [("HIN-KK", "D-80001", "JPY", "1250001", day) for day in begins]
        assert prices(books, deal) == {"Engineering: Engineer": ("24000", 80)}
        assert tax_of_one(books, deal) == "125000"  # 10 %, in whole yen


def instalments(books: Books, deal: str) -> list[tuple[str, str, str, str, tuple[int, int]]]:
    """Company, customer, currency, amount and day of each draft invoice of 2026, in order of the days."""
    found = []
    for each in invoices(books, deal).values():
        day = each["invoice_date"]
        assert day["year"] == 2026
        whose = (each["company"]["party"]["code"], each["party"]["code"], each["currency"]["code"])
        found.append((*whose, each["untaxed_amount"]["decimal"], (day["month"], day["day"])))
    return sorted(found, key=lambda each: each[-1])


def prices(books: Books, deal: str) -> dict[str, tuple[str, float | None]]:
    """Name -> price and hours of what projects invoice."""
    return {
        each["name"]: (
            each["list_price"]["decimal"],
            each["effort_duration"] and each["effort_duration"]["seconds"] / 3600,
        )
        for each in works(books, deal).values()
        if each["list_price"]
    }


def tax_of_one(books: Books, deal: str) -> str:
    """Post the first instalment: Tryton itself adds the tax that the plan named."""
    first = min(invoices(books, deal).values(), key=lambda each: each["id"])["id"]
    books.post(first)
    return str(books.one("account.invoice", [["id", "=", first]], "tax_amount")["tax_amount"]["decimal"])
