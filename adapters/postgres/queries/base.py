"""What all queries share: reading without a transaction, pages with a cursor, and common columns."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine, Select, and_, case, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB

from adapters.postgres.engine import each_by_itself, store_errors
from adapters.postgres.rows import pick
from adapters.postgres.tables import approval_tasks, configuration_versions, effects, opportunities, plans
from oppsync.domain.configuration.versions import ConfigurationUse, other_now
from oppsync.domain.effects.effects import EffectState
from oppsync.domain.plan.plan import Plan
from oppsync.domain.reading.readings import OpportunitySummary, Page
from oppsync.domain.values.keys import EffectKind
from oppsync.kernel.errors import InvalidInput, NotFound


class Reading:
    """Base of the read side of one page area."""

    def __init__(self, engine: Engine) -> None:
        self._engine = each_by_itself(engine)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with store_errors(), self._engine.connect() as connection:
            yield connection


Row = TypeVar("Row")

parent = effects.alias("parent")

SUMMARY = (
    *(
        opportunities.c[name]
        for name in (
            "id",
            "connection_id",
            "source_id",
            "state",
            "resume_state",
            "received_at",
            "name",
            "account",
            "amount",
            "currency",
            "activated_at",
        )
    ),
    opportunities.c.state_since.label("since"),
    # The release before this one leaves it behind on a deal that it worked.
    case((opportunities.c.due_at.is_not(None), opportunities.c.waits_for)).label("waits_for"),
    (func.jsonb_array_length(opportunities.c.changes_since_approval) > 0).label("changed_since_approval"),
    parent.c.number.label("project_number"),
    parent.c.url.label("project_url"),
)

# The warnings of validation and of enrichment.
WARNINGS = opportunities.c.warnings.op("||")(
    func.coalesce(opportunities.c.enrichment["warnings"], literal([], JSONB))
).label("warnings")


# The newest version of the configuration, as a ConfigurationUse.
NEWEST_VERSION = (
    select(
        func.jsonb_build_object(
            "number", configuration_versions.c.number, "fingerprint", configuration_versions.c.fingerprint
        )
    )
    .where(configuration_versions.c.tenant_id == plans.c.tenant_id)
    .order_by(configuration_versions.c.number.desc())
    .limit(1)
    .correlate(plans)
    .scalar_subquery()
    .label("newest_version")
)


def other_version(plan: Plan, row: Any) -> ConfigurationUse | None:
    """The version that holds now where another made the plan; of a row with `NEWEST_VERSION`."""
    newest = row["newest_version"]
    return other_now(plan.configuration, ConfigurationUse.model_validate(newest) if newest else None)


def summaries(columns: Sequence[Any], joined: Any = None, on: Any = None) -> Select[Any]:
    """Opportunities with their parent project from the ledger, and with `joined` where given."""
    is_parent = and_(
        parent.c.tenant_id == opportunities.c.tenant_id,
        parent.c.opportunity_id == opportunities.c.id,
        parent.c.kind == EffectKind.PARENT,
        parent.c.state != EffectState.CANCELLED,
    )
    source = opportunities.outerjoin(parent, is_parent)
    if joined is not None:
        source = source.outerjoin(joined, on)
    return select(*columns).select_from(source)


def of_task() -> Any:
    return and_(
        opportunities.c.tenant_id == approval_tasks.c.tenant_id,
        opportunities.c.id == approval_tasks.c.opportunity_id,
    )


def to_summary(row: Any) -> OpportunitySummary:
    return OpportunitySummary.model_validate(pick(row, OpportunitySummary))


def one(connection: Connection, query: Select[Any], what: str) -> Any:
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no such {what}.")
    return row


def page(
    connection: Connection,
    query: Select[Any],
    key: Any,
    to_row: Callable[[Any], Row],
    *,
    after: str | None,
    limit: int,
    oldest_first: bool = False,
) -> Page[Row]:
    """Order by id: ids are UUIDv7, so this is the order of arrival."""
    if after is not None:
        last = read_cursor(after)
        query = query.where(key > last if oldest_first else key < last)
    query = query.order_by(key if oldest_first else key.desc()).limit(limit + 1)
    found = list(connection.execute(query).mappings())
    more = len(found) > limit
    rows = tuple(to_row(row) for row in found[:limit])
    return Page(rows=rows, next_cursor=cursor(found[limit - 1]["id"]) if more else None)


def cursor(last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def read_cursor(text: str) -> UUID:
    try:
        return UUID(bytes=base64.urlsafe_b64decode(text + "=="))
    except (ValueError, binascii.Error):
        raise InvalidInput(
            "This cursor is not one of ours: start without one.", field="cursor", code="BAD_CURSOR"
        ) from None


def escaped(text: str) -> str:
    """For `like` with a backslash as its escape."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
