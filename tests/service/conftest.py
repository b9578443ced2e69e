"""A house with its outside systems; the systems live as long as the test process, the house one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from adapters.bootstrap import Application, build
from sandbox.embedded.servers import ServerAddresses
from sandbox.embedded.tryton.server import TrytonAddress
from sandbox.firm.install import ERP_CONNECTION, PEOPLE, DemoSystems, install
from sandbox.standins import process
from sandbox.standins.control import KantataControl, SalesforceControl
from tests.harness.copies import execute
from tests.harness.databases import Template, settings_of
from tests.harness.gate import Gate, gate_before
from tests.harness.house import PASSWORD, House
from tests.harness.tryton import Books


@pytest.fixture(scope="session")
def systems(tryton: TrytonAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSystems]:
    books = tmp_path_factory.mktemp("books")
    with ExitStack() as stack:
        salesforce = stack.enter_context(process.running("salesforce", books / "salesforce.sqlite"))
        kantata = stack.enter_context(process.running("kantata", books / "kantata.sqlite"))
        yield DemoSystems(
            salesforce_url=salesforce,
            salesforce_client_id="oppsync-demo",
            salesforce_client_secret="salesforce-demo-secret",
            webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            tryton_url=tryton.url,
            tryton_database=tryton.database,
            tryton_rest_key=tryton.rest_key,
            kantata_url=kantata,
            kantata_token="kantata-demo-token",
        )


@pytest.fixture(scope="session")
def template(
    template: Template, servers: ServerAddresses, systems: DemoSystems, tmp_path_factory: pytest.TempPathFactory
) -> Template:
    """A database with the demo firm: its connections, people and reference data."""
    furnished = replace(template, database="template_house")
    execute(servers, f"create database {furnished.database} template {template.database}")
    folder = tmp_path_factory.mktemp("house")
    application = build(settings_of(servers, furnished.database, furnished.secret_key, folder))
    install(application, systems, {person.email: PASSWORD for person in PEOPLE})
    application.close()
    return furnished


@pytest.fixture
def house(application: Application, systems: DemoSystems) -> Iterator[House]:
    house = House(application, SalesforceControl(systems.salesforce_url), KantataControl(systems.kantata_url))
    yield house
    house.salesforce.clear_faults()
    house.kantata.clear_faults()


@pytest.fixture
def tryton_books(tryton: TrytonAddress) -> Iterator[Callable[[int], Books]]:
    """Tryton's books of a company, read without our adapter."""
    with ExitStack() as stack:
        yield lambda company: stack.enter_context(Books(tryton, company))


@pytest.fixture
def books(tryton_books: Callable[[int], Books]) -> Books:
    """The books of ACME-DE."""
    return tryton_books(1)


@pytest.fixture
def gate(house: House, systems: DemoSystems) -> Iterator[Gate]:
    """The house reaches its ERP only through this gate."""
    with gate_before(systems.tryton_url) as (gate, url):
        house.connect(ERP_CONNECTION, base_url=url)
        yield gate
