"""An account without a customer code is matched with the ERP's customers; if several fit, a person chooses."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner, Result
from werkzeug.test import TestResponse

from adapters.cli.__main__ import oppsync
from oppsync.domain.effects.effects import EffectState
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.domain.values.scopes import EVERY_SCOPE
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import CreateToken
from oppsync.services.queue.commands import LinkCustomer
from sandbox.firm import deals
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT
from tests.harness.house import FINANCE, OPERATIONS, WON_ON, House
from tests.harness.tryton import Books
from web.app import create_app

OLGA = OPERATIONS.removeprefix("person:")


def test_a_persons_choice_is_kept_for_the_next_deal(house: House, books: Books) -> None:
    for code in ("CUST-T1", "CUST-T2"):
        address = {"country": books.one("country.country", [["code", "=", "DE"]])["id"]}
        party = {"name": "Twin Peaks GmbH", "code": code, "addresses": [["create", [address]]]}
        books.create("party.party", party)
    account = {"Name": "Twin Peaks GmbH", "BillingCountryCode": "DE", "External_Key__c": "twin-peaks"}
    record_id = house.win(deals.milestone(WON_ON) | {"account": account})
    house.settle()
    item = house.exception(record_id)
    assert (item.code, item.owner) == ("ACCOUNT_AMBIGUOUS", "finance")
    assert "CUST-T1 Twin Peaks GmbH (DE); CUST-T2 Twin Peaks GmbH (DE)" in item.message

    with pytest.raises(InvalidInput, match="no customer 'CUST-NOBODY'"):
        house.application.dispatch(LinkCustomer(TENANT, item.id, house.operator, "CUST-NOBODY"))
    house.application.dispatch(LinkCustomer(TENANT, item.id, house.operator, "CUST-T2"))
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL
    assert house.plan(record_id).plan.content.customer == "CUST-T2"
    (linked,) = [entry for entry in house.entries(record_id) if entry.type == "customer.linked.v1"]
    assert (linked.actor, linked.after) == (OPERATIONS, {"customer": "CUST-T2"})
    with pytest.raises(Conflict, match="already"):
        house.application.dispatch(LinkCustomer(TENANT, item.id, house.operator, "CUST-T1"))


def doubtful(house: House, books: Books, name: str) -> tuple[str, UUID]:
    """A deal of an account that fits two customers of the ERP, CODE-1 and CODE-2; and its exception."""
    code = name.split(maxsplit=1)[0].upper()
    for number in (1, 2):
        address = {"country": books.one("country.country", [["code", "=", "DE"]])["id"]}
        party = {"name": name, "code": f"{code}-{number}", "addresses": [["create", [address]]]}
        books.create("party.party", party)
    account = {"Name": name, "BillingCountryCode": "DE", "External_Key__c": code.lower()}
    record_id = house.win(deals.milestone(WON_ON) | {"account": account})
    house.settle()
    return record_id, house.exception(record_id).id


def test_the_api_links_an_account_for_who_works_exceptions(house: House, books: Books) -> None:
    record_id, item_id = doubtful(house, books, "Fargo GmbH")
    client = create_app(house.application).test_client()

    def post(who: str, body: object, item: UUID = item_id) -> TestResponse:
        token = house.application.dispatch(CreateToken(TENANT, COMMAND_LINE, str(uuid4()), who, EVERY_SCOPE))
        path = f"/api/v1/exceptions/{item}/customer"
        return client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})

    assert post(FINANCE, {"customer": "FARGO-2"}).status_code == HTTPStatus.FORBIDDEN
    assert post(OLGA, {"customer": "FARGO-2"}, uuid4()).status_code == HTTPStatus.NOT_FOUND
    for body in ({"customer": "FARGO-3"}, {"customer": ""}, {}):
        refused = post(OLGA, body)
        assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert [error["pointer"] for error in (refused.json or {})["errors"]] == ["/customer"]
    linked = post(OLGA, {"customer": "FARGO-2"})
    house.settle()

    assert linked.status_code == HTTPStatus.OK, linked.text
    assert linked.json is not None
    assert (linked.json["status"], linked.json["closed_by"]) == ("replayed", OPERATIONS)
    assert house.plan(record_id).plan.content.customer == "FARGO-2"
    again = post(OLGA, {"customer": "FARGO-1"})
    assert (again.status_code, (again.json or {})["code"]) == (HTTPStatus.CONFLICT, "ALREADY_CLOSED")


def test_the_command_line_links_an_account(house: House, books: Books, settings: Settings) -> None:
    record_id, item_id = doubtful(house, books, "Heat GmbH")
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }

    def link(customer: str) -> Result:
        return CliRunner().invoke(oppsync, ["exceptions", "link", str(item_id), customer], env=environment)

    refused, linked = link("HEAT-3"), link("HEAT-1")
    house.settle()

    assert (refused.exit_code, refused.stderr) == (
        1,
        "Error: The ERP has no customer 'HEAT-3': give the code of an existing one.\n",
    )
    assert (linked.exit_code, linked.stdout) == (0, f"{item_id}: linked to HEAT-1 and replayed\n")
    assert house.plan(record_id).plan.content.customer == "HEAT-1"
    (entry,) = [entry for entry in house.entries(record_id) if entry.type == "customer.linked.v1"]
    assert entry.actor == "command-line"
    assert "already" in link("HEAT-1").stderr


def test_a_new_customer_is_created_after_the_approval_where_the_entity_may(house: House, books: Books) -> None:
    with house.application.uow() as uow:
        for row in reference_rows():
            if row.kind is ReferenceKind.LEGAL_ENTITY:
                policy = row.value | {"creates_customers": True}
                uow.references.put(TENANT, changed(row, value=policy))
        uow.commit()
    account = {"Name": "Newcomer SARL", "AccountNumber": "CUST-NEW", "BillingCountryCode": "FR"}
    record_id = house.to_approval(deals.milestone(WON_ON) | {"account": account})
    assert books.find("party.party", [["code", "=", "CUST-NEW"]]) == []

    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.ACTIVE
    assert len(books.find("party.party", [["code", "=", "CUST-NEW"]])) == 1
    (effect,) = [row for row in house.effects(record_id) if row.kind is EffectKind.CUSTOMER]
    assert (effect.state, effect.number) == (EffectState.CONFIRMED, "CUST-NEW")
