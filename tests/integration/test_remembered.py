"""What a process caches between two readings, and what makes it read again."""

from __future__ import annotations

from sqlalchemy import text

from adapters.bootstrap import Application
from adapters.postgres.engine import TRUSTED_SECONDS, each_by_itself, make_engine
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.reference.entities import Region
from oppsync.domain.values.model import changed
from oppsync.kernel.settings import Settings
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT

DACH = next(row for row in reference_rows() if row.kind is ReferenceKind.REGION and row.key == "DACH")


def named(name: str) -> ReferenceRow:
    return changed(DACH, value={**DACH.value, "name": name})


def put(application: Application, *rows: ReferenceRow) -> None:
    with application.uow() as uow:
        for row in rows:
            uow.references.put(TENANT, row)
        uow.commit()


def name_of(application: Application, key: str = "DACH") -> str | None:
    with application.uow() as uow:
        found = uow.references.book(TENANT).find(Region, ReferenceKind.REGION, key, DACH.valid_from)
    return found[0].name if found else None


def test_a_change_of_reference_data_is_seen_at_once(application: Application) -> None:
    put(application, named("Germany"))
    assert name_of(application) == "Germany"

    put(application, named("Germany and Austria"))
    assert name_of(application) == "Germany and Austria"
    put(application, changed(named("Elsewhere"), key="NORDICS"))
    assert name_of(application, "NORDICS") == "Elsewhere"


def test_what_was_not_committed_is_not_remembered(application: Application) -> None:
    put(application, named("Germany"))
    with application.uow() as uow:
        uow.references.put(TENANT, named("Never"))
        uow.references.book(TENANT)

    assert name_of(application) == "Germany"


def test_a_connection_that_was_cut_while_it_rested_is_replaced(
    application: Application, settings: Settings
) -> None:
    resting = make_engine(settings.database_url.get_secret_value(), pool_size=1)
    with resting.connect() as connection:
        number, rested = connection.execute(text("select pg_backend_pid()")).scalar_one(), connection.info
    with application.engine.connect() as connection:
        connection.execute(text("select pg_terminate_backend(:number, 5000)"), {"number": number})
    rested["worked_at"] -= TRUSTED_SECONDS

    with resting.connect() as connection:
        assert connection.execute(text("select 1")).scalar_one() == 1
    resting.dispose()


def test_what_is_prepared_stays_so_while_a_connection_rests(settings: Settings) -> None:
    resting = each_by_itself(make_engine(settings.database_url.get_secret_value(), pool_size=1))
    prepared = text("select count(*) from pg_prepared_statements")

    def asked() -> int:
        with resting.connect() as connection:
            found, rested = int(connection.execute(prepared).scalar_one()), connection.info
        rested["worked_at"] -= TRUSTED_SECONDS
        return found

    for _ in range(8):
        found = asked()
    assert found == 1
    resting.dispose()
