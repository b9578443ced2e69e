"""The schema's version: upgrade, downgrade, compare."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from adapters.postgres.tables import metadata

_MIGRATIONS = Path(__file__).parents[2] / "migrations"
# Any number; two deploys at once wait for each other on this lock.
_UPGRADE_LOCK = 7_251_031


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(f"select pg_advisory_lock({_UPGRADE_LOCK})")
        connection.commit()
        command.upgrade(_config(connection), revision)
        connection.commit()
        connection.exec_driver_sql(f"select pg_advisory_unlock({_UPGRADE_LOCK})")
        connection.commit()


def downgrade(engine: Engine, revision: str) -> None:
    with engine.connect() as connection:
        command.downgrade(_config(connection), revision)
        connection.commit()


def head() -> str:
    """The revision this code was written for."""
    script = ScriptDirectory(str(_MIGRATIONS))
    revision = script.get_current_head()
    if revision is None:
        raise RuntimeError("there are no migrations")
    return revision


def current(engine: Engine) -> str | None:
    """The revision the database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def differences(engine: Engine) -> list[str]:
    """The differences between the tables of the code and those of the database; empty when the migrations are
    complete."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, metadata)]
