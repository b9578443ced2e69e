"""The engine: one small pool per process, made after the fork."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from oppsync.kernel import canonical_json
from oppsync.kernel.errors import StoreUnavailable

# Milliseconds. None of our statements takes this long; one that does must not hold a connection of a small
# plan.
_OPTIONS = " ".join(
    f"-c {option}"
    for option in (
        "timezone=UTC",
        "statement_timeout=30000",
        "lock_timeout=5000",
        "idle_in_transaction_session_timeout=30000",
    )
)


# A connection that was used this recently is trusted without a ping.
TRUSTED_SECONDS = 1.0


def make_engine(database_url: str, pool_size: int) -> Engine:
    """`pool_size` connections at most; a caller waits up to 10 s for one."""
    engine = create_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,  # errors are logged, and stored values must not be in them
        connect_args={"options": _OPTIONS, "connect_timeout": 5, "application_name": "oppsync"},
        json_serializer=canonical_json.dumps,
        json_deserializer=canonical_json.loads_stored,
    )
    event.listen(engine, "connect", _mark)
    event.listen(engine, "checkin", _mark)
    event.listen(engine, "checkout", _ping_rested)
    return engine


def each_by_itself(engine: Engine) -> Engine:
    """The same pool, with each statement a transaction of its own. No BEGIN is sent, and no ROLLBACK at the
    end, which would make psycopg forget the statements it has prepared on the connection."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _mark(_connection: Any, record: Any) -> None:
    record.info["worked_at"] = time.monotonic()


def _ping_rested(connection: Any, record: Any, _proxy: Any) -> None:
    """Ping connections that rested for a while. `pool_pre_ping` would add a round trip before every
    transaction. It ends with COMMIT: a ROLLBACK makes psycopg forget the statements it has prepared."""
    if time.monotonic() - record.info["worked_at"] < TRUSTED_SECONDS:
        return
    try:
        record.dbapi_connection.execute("")
        record.dbapi_connection.commit()
    except psycopg.Error as error:
        raise InvalidatePoolError() from error


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn a lost or overloaded Postgres into StoreUnavailable; other database errors are bugs."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise StoreUnavailable(f"Postgres cannot be reached: {_reason(error)}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnavailable(f"Postgres cannot be reached: {_reason(error)}") from error
        raise


def _reason(error: Exception) -> str:
    """The kind of failure only, because a driver's message may contain the address with its password."""
    original = getattr(error, "orig", None)
    return type(original or error).__name__
