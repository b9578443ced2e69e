"""Alembic's environment. The connection is handed over by whoever runs it (`oppsync db …`)."""

from __future__ import annotations

from alembic import context

from adapters.postgres.tables import metadata

# A migration that cannot get its lock at once must fail, not queue everybody behind it.
_LIMITS = ("set lock_timeout = '5s'", "set statement_timeout = '10min'")


def run() -> None:
    connection = context.config.attributes["connection"]
    for limit in _LIMITS:
        connection.exec_driver_sql(limit)
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


run()
