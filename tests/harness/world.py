"""The demo firm on the whole product as it runs (`ground.py`).

A story acts from outside: deals are won in the CRM, which sends its signed webhook; people decide over the API
with tokens of their own; results are read over the API and in the outside books.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from adapters.bootstrap import Application, build
from adapters.operations.supervisor import PRODUCT
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.scopes import EVERY_SCOPE
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import CreateToken
from sandbox import systems as demo_systems
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION, ERP_CONNECTION, PSA_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.erp import check_landed
from tests.harness.ground import OUTSIDE, Answer, Ground, Json
from tests.harness.tryton import Books
from tests.harness.waiting import NotYet

FINANCE, DELIVERY = "fiona.finance@example.com", "dario.delivery@example.com"
OPERATIONS = "olga.operations@example.com"
APPROVERS = {"finance": FINANCE, "delivery": DELIVERY}
WON_ON = date(2026, 3, 2)
WEBHOOK_PATH = f"/webhooks/{CRM_CONNECTION}"
# No longer than the lease of a dead worker takes to run out, so it makes no story longer.
PATIENCE = {"timeout": 5.0, "late_commit": 3.0}
# For stories that hold an answer back for longer than the usual time-out.
LONG = 60.0
# Polls have a story of their own; in the others every change has its webhook.
SELDOM = {"poll_every": 86_400.0, "poll_overlap": 0.0}


class World(Ground):
    """Everything is in `folder`. A story can stop and start `programs` and the two servers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._tokens: dict[str, str] = {}

    # Starting and ending.

    def start(self) -> None:
        """Start everything; `stop` ends it, also when this fails half-way."""
        super().start()
        self.application = self._application()
        self._stack.callback(self.application.close)
        demo_systems.install_demo_firm(self.application, self.home, self.addresses)
        self._tokens = {email: self._token(email) for email in (FINANCE, DELIVERY, OPERATIONS)}
        for name in PRODUCT:
            self.add(name, name)
        self.heal()
        demo_systems.configure_webhook(self.home, self.addresses)

    def heal(self) -> None:
        """Repair whatever a story broke, and remove the processes that it added."""
        for name in [*self.programs]:
            if name not in (*OUTSIDE, *PRODUCT):
                self.programs.pop(name).kill()
        self.postgres.start()
        self.redis.start()
        self.start_outside()
        self.wait_for_outside()
        for control in (self.salesforce, self.kantata):
            control.clear_faults()
        for connection_id in (ERP_CONNECTION, PSA_CONNECTION, CRM_CONNECTION):
            self.connect(connection_id)
        self.start_product()

    def connect(self, connection_id: str, **settings: object) -> None:
        """Change a connection's settings; without any, back to their initial values."""
        urls = {
            CRM_CONNECTION: self.addresses.salesforce,
            ERP_CONNECTION: self.addresses.tryton,
            PSA_CONNECTION: self.addresses.kantata,
        }
        own = {PSA_CONNECTION: {"search_lag": 0.0}, CRM_CONNECTION: SELDOM}.get(connection_id, {})
        with self.application.uow() as uow:
            before = uow.connections.get(connection_id)
            wanted = {**before.settings, "base_url": urls[connection_id], **PATIENCE, **own, **settings}
            uow.connections.put(changed(before, settings=wanted), uow.connections.secrets(connection_id))
            uow.commit()

    # What happens outside.

    def win(self, deal: Json | None = None) -> str:
        """A deal is won in the CRM, which notifies us by itself. Returns the CRM's id."""
        return str(self.salesforce.win_deal(deal or deals.three_workstreams(WON_ON))["id"])

    def deliver(self, body: bytes, delivery_id: str, *, at: datetime | None = None, **headers: str) -> Answer:
        """Send a webhook of our own, signed as the CRM signs."""
        at = at or datetime.now(UTC)
        signed = {
            "content-type": "application/json",
            "webhook-id": delivery_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(self.home.webhook_secret()).sign(delivery_id, at, body.decode()),
        }
        return self.ask("POST", WEBHOOK_PATH, content=body, headers=signed | headers)

    def delivery_of(self, deal: str) -> Json:
        """The CRM's first notification of a deal, once it was answered: id, status, answer, attempts."""
        delivery = next(each for each in self.salesforce.deliveries() if deal in each["body"])
        if delivery["status"] is None:
            raise NotYet(f"{deal} was not told of")
        return delivery

    # What people do.

    def approve(self, deal: str) -> None:
        """Both approvers approve the plan that waits for them."""
        query = {"opportunity_id": self.opportunity(deal)["id"], "status": "open"}
        for row in self.api("GET", "/approvals", params=query)["rows"]:
            task = row["task"]
            self.api(
                "POST",
                f"/approvals/{task['id']}/decision",
                as_=APPROVERS[task["role"]],
                json={"plan_hash": task["plan_hash"], "decision": "approve"},
            )

    # What can be seen.

    def opportunity(self, deal: str) -> Json:
        rows = self.api("GET", "/opportunities", params={"text": deal})["rows"]
        if not rows:
            raise NotYet(f"nobody knows {deal}")
        (row,) = rows
        return dict(row)

    def timeline(self, deal: str) -> list[Json]:
        return list(self.api("GET", f"/opportunities/{self.opportunity(deal)['id']}/timeline")["rows"])

    def effects(self, deal: str) -> list[Json]:
        return list(self.api("GET", f"/opportunities/{self.opportunity(deal)['id']}/effects")["rows"])

    def exceptions(self, **query: str) -> list[Json]:
        return list(self.api("GET", "/exceptions", params=query)["rows"])

    def wait_for(self, state: str, *all_deals: str) -> None:
        """Wait until all deals are in `state`; one that is parked meanwhile fails at once."""
        for deal in all_deals:
            self.until(partial(self._is_in, state, deal), f"{deal} is {state}")

    def complete(self, *all_deals: str) -> None:
        """Bring deals the rest of the way, and check that each exists exactly once in the outside books."""
        self.wait_for("awaiting_approval", *all_deals)
        for deal in all_deals:
            self.approve(deal)
        self.check_active(*all_deals)

    def check_active(self, *all_deals: str) -> None:
        """Check that it is active, and that the approved plan exists outside once, field by field, and nothing
        else."""
        self.wait_for("active", *all_deals)
        with Books(self.tryton) as books:
            for deal in all_deals:
                self._check_outside(books, deal)

    def api(self, method: str, path: str, as_: str = OPERATIONS, **request: Any) -> Json:
        """Raises NotYet while the API is down; any other refusal fails the story."""
        headers = {"authorization": f"Bearer {self._tokens[as_]}"}
        answer = self.ask(method, f"/api/v1{path}", headers=headers, **request)
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise NotYet(answer.json["detail"])
        assert answer.status == HTTPStatus.OK, answer
        return answer.json

    def token(self, of: str = OPERATIONS) -> str:
        """The API token of a person, for what is refused."""
        return self._tokens[of]

    def _is_in(self, state: str, deal: str) -> bool:
        opportunity = self.opportunity(deal)
        if opportunity["state"] == "parked" != state:
            raise AssertionError(f"{deal} is parked: {self.exceptions(opportunity_id=opportunity['id'])}")
        return bool(opportunity["state"] == state)

    def _check_outside(self, books: Books, deal: str) -> None:
        opportunity = self.opportunity(deal)
        plan = self.api("GET", f"/opportunities/{opportunity['id']}/plan")["plan"]["content"]
        check_landed(books, deal, PlanContent.model_validate(plan))
        (root,) = books.find("project.work", [["comment", "like", f"oppsync:%:{deal}:parent:%"]], "number")
        record = self.salesforce.record(deal)
        written_back = (record["oppsync_Status__c"], record["oppsync_Project_Number__c"])
        assert written_back == ("Active", root["number"])
        assert opportunity["project_number"] == root["number"]
        workspaces = [each for each in self.kantata.workspaces() if f":{deal}:" in each["external_reference"]]
        assert len(workspaces) == 1, workspaces
        assert root["number"] in workspaces[0]["description"]

    def _application(self) -> Application:
        settings = Settings(
            database_url=SecretStr(self.servers.database_url),
            redis_url=SecretStr(self.servers.redis_url),
            secret_keys=SecretStr(self.home.secret_keys()),
            base_url=self.addresses.web,
            outbox_folder=self.home.mail,
        )
        return build(settings, pool_size=1)

    def _token(self, email: str) -> str:
        return self.application.dispatch(
            CreateToken(TENANT, COMMAND_LINE, f"story {email}", email, EVERY_SCOPE)
        )


def spread(count: int) -> Sequence[Json]:
    """Small deals of one firm and account with different names."""
    return [deals.time_and_materials(WON_ON, name=f"Advisory {number}") for number in range(1, count + 1)]


@pytest.fixture(scope="session")
def running_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    try:
        world.start()
        yield world
    finally:
        world.stop()


@pytest.fixture
def world(running_world: World) -> World:
    """One world per test process, repaired for each story."""
    running_world.heal()
    return running_world
