"""The schema: up, down and up again, equal to the tables of the code, and its constraints."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from adapters.bootstrap import Application
from adapters.postgres import schema
from tests.harness.builders import TENANT
from tests.integration import desk


def test_the_migrations_make_the_tables_of_the_code(empty: Engine) -> None:
    assert schema.current(empty) is None

    schema.upgrade(empty)

    assert schema.current(empty) == schema.head()
    assert schema.differences(empty) == []
    schema.upgrade(empty)  # harmless to repeat


def test_they_go_down_to_nothing_and_up_again(empty: Engine) -> None:
    schema.upgrade(empty)

    schema.downgrade(empty, "base")

    with empty.connect() as connection:
        left = connection.execute(
            text("select relname from pg_class where relnamespace = 'public'::regnamespace")
        )
        assert set(left.scalars()) <= {"alembic_version", "alembic_version_pkc", "pk_alembic_version"}
        functions = connection.execute(
            text("select proname from pg_proc where pronamespace = 'public'::regnamespace")
        )
        assert list(functions.scalars()) == []
    schema.upgrade(empty)
    assert schema.differences(empty) == []


def test_two_deploys_at_once_take_turns(empty: Engine) -> None:
    start, failed = threading.Barrier(2), []

    def deploy() -> None:
        start.wait()
        try:
            schema.upgrade(empty)
        except DBAPIError as error:
            failed.append(error)

    deploys = [threading.Thread(target=deploy) for _ in range(2)]
    for each in deploys:
        each.start()
    for each in deploys:
        each.join()

    assert failed == []
    assert schema.current(empty) == schema.head()


@pytest.mark.parametrize("change", ["update audit set summary = 'nothing happened'", "delete from audit"])
def test_the_audit_trail_never_changes(application: Application, change: str) -> None:
    with application.engine.begin() as connection:
        connection.execute(
            text(
                "insert into audit values"
                " (:tenant, gen_random_uuid(), now(), null, 'x.v1', 'a', 's', '{}', '{}', '{}', 'c', 't')"
            ),
            {"tenant": TENANT},
        )

    with pytest.raises(DBAPIError, match="audit entries never change"):
        desk.run(application, change)

    assert desk.run(application, "select summary from audit") == [("s",)]


def test_of_items_that_were_opened_twice_the_first_stays_open(empty: Engine) -> None:
    schema.upgrade(empty, "20261125x")
    opened = text(
        "insert into exception_items"
        " (tenant_id, id, disposition, code, message, owner, payload_reference, status)"
        " values ('default', :id, 'business', :code, 'm', 'operations', :about, 'open')"
    )
    with empty.begin() as connection:
        items = [("BUG", "poll:a"), ("BUG", "poll:a"), ("BUG", "poll:b"), ("POLL_REFUSED", "poll:a")]
        for number, (code, about) in enumerate(items):
            connection.execute(opened, {"id": UUID(int=number), "code": code, "about": about})

    schema.upgrade(empty)

    with empty.connect() as connection:
        left = connection.execute(text("select id from exception_items where status = 'open' order by id"))
        assert list(left.scalars()) == [UUID(int=0), UUID(int=2), UUID(int=3)]


def test_what_one_person_applied_alone_is_taken_over_from_the_events(
    application: Application,
) -> None:
    """By a release that told it in the event only."""
    schema.downgrade(application.engine, "20261130zr")
    for number, alone in ((1, "true"), (2, "false")):
        desk.run(
            application,
            "insert into configuration_versions (tenant_id, number, fingerprint, firm, rows, made_by)"
            " values (:tenant, :number, 'f', 'Acme', '[]', 'a')",
            tenant=TENANT,
            number=number,
        )
        desk.run(
            application,
            "insert into audit values (:tenant, gen_random_uuid(), now(), null,"
            " 'configuration.applied.v1', 'a', 's', '{}', jsonb_build_object('version', cast(:number as int)),"
            " jsonb_build_object('alone', cast(:alone as bool)), 'c', 't')",
            tenant=TENANT,
            number=number,
            alone=alone,
        )

    schema.upgrade(application.engine)

    found = desk.run(application, "select number, alone from configuration_versions order by number")
    assert found == [(1, True), (2, False)]
