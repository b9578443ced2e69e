"""A world of each kind, and a firm in each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from oppsync.domain.reference.book import ReferenceRow
from oppsync.kernel.settings import Settings
from sandbox.embedded.servers import ServerAddresses
from sandbox.firm.demo_firm import reference_rows
from tests.harness import builders as make
from tests.harness.copies import execute
from tests.harness.databases import Template, database_url
from tests.stateful import checks
from tests.stateful.people import PEOPLE
from tests.stateful.postgres_world import PostgresWorld
from tests.stateful.simulation import START, Simulation
from tests.stateful.worlds import MemoryWorld, World

# A template of fixed-fee cloud work that requests staff.
ASKS = make.template_row("CLOUD|DACH|fixed_fee", budget=[{"role": "Consultant", "percent": "100"}])


def _reference() -> tuple[ReferenceRow, ...]:
    others = (row for row in reference_rows() if (row.kind, row.key) != (ASKS.kind, ASKS.key))
    return (*others, ASKS)


REFERENCE = _reference()


@pytest.fixture
def memory() -> Callable[[], World]:
    return lambda: MemoryWorld(START, PEOPLE, REFERENCE)


@pytest.fixture(scope="session")
def template(template: Template, servers: ServerAddresses) -> Template:
    furnished = replace(template, database="template_world")
    execute(servers, f"create database {furnished.database} template {template.database}")
    world = PostgresWorld(database_url(servers, furnished.database))
    world.furnish(PEOPLE, REFERENCE)
    world.close()
    return furnished


@pytest.fixture
def postgres(settings: Settings) -> Iterator[Callable[[], World]]:
    world = PostgresWorld(settings.database_url.get_secret_value())
    yield world.start_again
    world.close()


@pytest.fixture(params=["memory", "postgres"])
def new_world(request: pytest.FixtureRequest) -> Callable[[], World]:
    make_world: Callable[[], World] = request.getfixturevalue(request.param)
    return make_world


@pytest.fixture
def firm(new_world: Callable[[], World]) -> Iterator[Simulation]:
    simulation = Simulation(new_world())
    yield simulation
    checks.always(simulation)
