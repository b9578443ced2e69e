"""The relay mirrors the master data of the ERP, 5,000 customers too; deals flow on it while Tryton is away."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from sandbox.embedded.tryton import firm
from sandbox.firm import deals
from sandbox.firm.install import ERP_CONNECTION
from tests.harness.tryton import Books
from tests.harness.waiting import NotYet
from tests.harness.world import WON_ON, World

CUSTOMERS = 5_000
ADDRESS = f"/connections/{ERP_CONNECTION}/master-data"


def in_books(world: World, *statements: str) -> None:
    """Change Tryton's books past Tryton, as fast as SQLite writes."""
    with closing(sqlite3.connect(world.home.tryton / f"{firm.DATABASE}.sqlite", timeout=60)) as books, books:
        for statement in statements:
            books.execute(statement)


@pytest.fixture
def many_customers(world: World) -> Iterator[None]:
    """In the books of a firm that has sold for a while."""
    numbers = f"with recursive n(i) as (select 1 union all select i + 1 from n where i < {CUSTOMERS})"
    in_books(
        world,
        "insert into party_party (active, code, code_alnum, code_digit, name) "
        f"{numbers} select 1, printf('BULK-%05d', i), 'BULK', i, printf('Customer number %d', i) from n",
        "insert into party_address (active, party, country, invoice, sequence) select 1, id, "
        "(select id from country_country where code = 'DE'), 1, 1 from party_party where code like 'BULK-%'",
    )
    yield
    of_them = "(select id from party_party where code like 'BULK-%')"
    in_books(
        world,
        f"delete from party_address where party in {of_them}",
        "delete from party_party where code like 'BULK-%'",
    )


def read(world: World, *kinds: str) -> dict[str, Any]:
    """Ask for it, and wait until a relay has read it."""
    known = {run["id"] for run in world.api("GET", ADDRESS)["runs"] if run["finished_at"]}

    world.api("POST", f"{ADDRESS}/read", json={"kinds": kinds})

    def done() -> dict[str, Any]:
        shown = world.api("GET", ADDRESS)
        new = [run for run in shown["runs"] if run["finished_at"] and run["id"] not in known]
        if not any(set(kinds) <= set(run["kinds"]) and run["asked_by"] for run in new):
            raise NotYet("a relay has not read it")
        return shown

    return world.until(done, "the master data is read")


@contextmanager
def without_tryton(world: World) -> Iterator[None]:
    world.programs["tryton"].kill()
    yield
    world.programs["tryton"].start()


@pytest.mark.usefixtures("many_customers")
def test_five_thousand_customers_are_mirrored_and_a_deal_flows_on_them_while_the_erp_is_away(
    world: World,
) -> None:
    shown = read(world)
    counts = {each["kind"]: each for each in shown["kinds"]}
    assert counts["customer"]["rows"] >= CUSTOMERS
    assert counts["customer"]["seen_at"]
    assert shown["runs"][0]["counts"]["customer"]["read"] == counts["customer"]["rows"]
    rows = world.api("GET", f"{ADDRESS}/customer", params={"search": "BULK-049", "limit": "1000"})["rows"]
    assert len(rows) == 100

    with without_tryton(world):
        deal = world.win(deals.time_and_materials(WON_ON))
        world.wait_for("awaiting_approval", deal)
        world.approve(deal)
        world.wait_for("approved", deal)
    world.check_active(deal)


def test_a_cost_centre_that_ends_is_named_with_its_open_deals_and_refused_from_then_on(world: World) -> None:
    deal = world.win(deals.time_and_materials(WON_ON))
    world.wait_for("awaiting_approval", deal)
    read(world)
    opportunity = world.opportunity(deal)

    with Books(world.tryton) as books:
        centre = books.one("analytic_account.account", [["code", "=", "CC-DE-ADV"]], "id")["id"]
        books.write("analytic_account.account", centre, {"active": False})
    (ended,) = read(world, "cost_centre")["ended_in_use"]
    assert (ended["company"], ended["code"]) == ("ACME-DE", "CC-DE-ADV")
    assert opportunity["id"] in [each["id"] for each in ended["deals"]]
    (item,) = world.exceptions(status="open", code="MASTER_DATA_ENDED")
    assert opportunity["name"] in item["message"]

    files = {
        "oppsync.yaml": "format: 1\nfirm: Acme\n",
        "legal_entities.yaml": (
            "- code: ACME-DE\n  valid_from: 2025-01-01\n  name: Acme\n  country: DE\n  currency: EUR\n"
            "  currencies: [EUR]\n  erp_company: ACME-DE\n"
        ),
        "service_lines.csv": "crm_name,code,valid_from,valid_to,name\nAdvisory,ADV,2025-01-01,,Advisory\n",
        "cost_centres.csv": (
            "entity,service_line,valid_from,valid_to,code,name,closed_on\n"
            "ACME-DE,ADV,2025-01-01,,CC-DE-CLOUD,Cloud,\nACME-DE,ADV,2027-01-01,,CC-DE-ADV,Advisory again,\n"
        ),
    }
    headers = {"authorization": f"Bearer {world.token()}"}
    refused = world.ask("POST", "/api/v1/configuration/check", headers=headers, json={"files": files})
    told = [(each["file"], each["line"], each["field"]) for each in refused.json["errors"]]
    assert (refused.status, refused.json["code"]) == (422, "BAD_BUNDLE")
    assert ("cost_centres.csv", 3, "code") in told

    in_books(world, f"update analytic_account_account set active = 1 where id = {centre}")
    read(world, "cost_centre")
    assert world.exceptions(status="open", code="MASTER_DATA_ENDED") == []
    world.approve(deal)
    world.check_active(deal)
