"""Read the exception queue as people work it: a page of it, its causes, and what its filters can offer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from adapters.postgres.queries.base import escaped
from adapters.postgres.rows import pick
from adapters.postgres.tables import exception_items, inbox, opportunities
from oppsync.domain.reading.exception_list import (
    ROWS_A_PAGE,
    Cause,
    CauseSum,
    ExceptionFilter,
    ExceptionList,
    ExceptionSort,
    FilterChoices,
    ListedException,
    grouped,
)
from oppsync.domain.work.exceptions import ExceptionStatus

OF_THE_DEAL = and_(
    opportunities.c.tenant_id == exception_items.c.tenant_id,
    opportunities.c.id == exception_items.c.opportunity_id,
)
# What items tell of the deal that they are about.
DEAL = (
    opportunities.c.name.label("opportunity_name"),
    opportunities.c.account,
    opportunities.c.amount,
    opportunities.c.currency,
)
# What is about no deal and no delivery names its connection in its reference (`payload_references`).
_CONNECTION_ID = func.coalesce(
    opportunities.c.connection_id,
    inbox.c.connection_id,
    case(
        (
            exception_items.c.payload_reference.op("~")(literal_column("'^(poll|mirror):'")),
            func.regexp_replace(
                exception_items.c.payload_reference,
                literal_column("'^(poll|mirror:[^:]*):'"),
                literal_column("''"),
            ),
        )
    ),
)
# `/lines/0/service_line` -> `/lines/service_line`; what names one workstream or rule is one field too.
_FIELD = func.regexp_replace(
    func.regexp_replace(
        func.coalesce(exception_items.c.findings[0]["path"].astext, literal_column("''")),
        literal_column(r"'/\d+(?=/|$)'"),
        literal_column("''"),
        literal_column("'g'"),
    ),
    # No field of a deal: where in a body something could not be read.
    literal_column("'^(/overrides)/[^/]+|^[^/].*'"),
    literal_column(r"'\1'"),
)
_REGION = opportunities.c.record["region"].astext
# The deal's own and those of its lines, nulls among them.
_SERVICE_LINES = func.jsonb_build_array(opportunities.c.record["service_line"]).op("||")(
    func.coalesce(
        func.jsonb_path_query_array(opportunities.c.record, literal_column("'$.lines[*].service_line'")),
        literal([], JSONB),
    )
)
_CAUSE = (exception_items.c.code, _CONNECTION_ID.label("connection_id"), _FIELD.label("field"))
_ORDERS: dict[ExceptionSort, tuple[ColumnElement[Any], ...]] = {
    ExceptionSort.OLDEST: (exception_items.c.first_seen, exception_items.c.id),
    ExceptionSort.NEWEST: (exception_items.c.first_seen.desc(), exception_items.c.id.desc()),
    ExceptionSort.AMOUNT: (
        opportunities.c.currency.nulls_last(),
        opportunities.c.amount.desc().nulls_last(),
        exception_items.c.id,
    ),
}


def read_list(
    connection: Connection, tenant_id: str, wanted: ExceptionFilter, sort: ExceptionSort, number: int
) -> ExceptionList:
    """The groups come first: they say how many match, and so which page is the last."""
    which = _matching(tenant_id, wanted)
    groups = grouped(tuple(map(_to_sum, connection.execute(_sums(which)).mappings())))
    total = sum(group.count for group in groups)
    last = max(1, -(-total // ROWS_A_PAGE))
    number = min(max(1, number), last)
    query = _rows(which).order_by(*_ORDERS[sort]).limit(ROWS_A_PAGE).offset((number - 1) * ROWS_A_PAGE)
    rows = tuple(map(_to_listed, connection.execute(query).mappings())) if total else ()
    choices = connection.execute(_choices(tenant_id, wanted.status)).mappings().one()
    return ExceptionList(rows=rows, number=number, total=total, groups=groups, choices=_to_choices(choices))


def _from(*columns: Any) -> Select[Any]:
    """Items with the deal or the delivery that they are about."""
    of_the_delivery = and_(
        inbox.c.tenant_id == exception_items.c.tenant_id, inbox.c.id == exception_items.c.delivery_id
    )
    source = exception_items.outerjoin(opportunities, OF_THE_DEAL).outerjoin(inbox, of_the_delivery)
    return select(*columns).select_from(source)


def _of_status(tenant_id: str, status: ExceptionStatus) -> list[ColumnElement[bool]]:
    return [exception_items.c.tenant_id == tenant_id, exception_items.c.status == status]


def _matching(tenant_id: str, wanted: ExceptionFilter) -> list[ColumnElement[bool]]:
    which = _of_status(tenant_id, wanted.status)
    for column, value in (
        (exception_items.c.code, wanted.code),
        (exception_items.c.owner, wanted.owner),
        (_CONNECTION_ID, wanted.connection_id),
        (_FIELD, wanted.field),
        (_REGION, wanted.region),
    ):
        if value is not None:
            which.append(column == value)
    if wanted.service_line is not None:
        which.append(_SERVICE_LINES.op("@>")(literal([wanted.service_line], JSONB)))
    if wanted.text:
        like = f"%{escaped(wanted.text)}%"
        searched = (
            opportunities.c.name,
            opportunities.c.account,
            opportunities.c.source_id,
            exception_items.c.message,
        )
        which.append(or_(*(column.ilike(like, escape="\\") for column in searched)))
    return which


def _sums(which: list[ColumnElement[bool]]) -> Select[Any]:
    found = (
        _from(*_CAUSE, opportunities.c.currency, opportunities.c.amount, exception_items.c.first_seen)
        .where(*which)
        .cte("found")
    )
    by = (found.c.code, found.c.connection_id, found.c.field, found.c.currency)
    return select(
        *by,
        func.sum(found.c.amount).label("amount"),
        func.count().label("count"),
        func.min(found.c.first_seen).label("oldest"),
    ).group_by(*by)


def _rows(which: list[ColumnElement[bool]]) -> Select[Any]:
    return _from(
        exception_items,
        *DEAL,
        *_CAUSE[1:],
        _REGION.label("region"),
        _SERVICE_LINES.label("service_lines"),
    ).where(*which)


def _choices(tenant_id: str, status: ExceptionStatus) -> Select[Any]:
    items = _from(*_CAUSE, _REGION.label("region"), _SERVICE_LINES.label("service_lines"))
    found = items.where(*_of_status(tenant_id, status)).cte("found")
    line = func.jsonb_array_elements_text(found.c.service_lines).table_valued("value").lateral("line")
    columns = (found.c.code, found.c.connection_id, found.c.field, found.c.region, line.c.value)
    every: list[Any] = [func.array_agg(column.distinct()) for column in columns]
    return select(*every).select_from(found.outerjoin(line, true()))


def _to_choices(row: Any) -> FilterChoices:
    codes, connections, fields, regions, service_lines = (_present(values) for values in row.values())
    return FilterChoices(
        codes=codes, connections=connections, fields=fields, regions=regions, service_lines=service_lines
    )


def _present(values: Iterable[str | None] | None) -> tuple[str, ...]:
    """Without the empty ones, each once, sorted."""
    return tuple(sorted({value for value in values or () if value}))


def _to_sum(row: Any) -> CauseSum:
    return CauseSum(
        cause=Cause(**pick(row, Cause)), **{k: row[k] for k in ("currency", "amount", "count", "oldest")}
    )


def _to_listed(row: Any) -> ListedException:
    values = pick(row, ListedException)
    values["service_lines"] = tuple(dict.fromkeys(name for name in row["service_lines"] if name))
    return ListedException.model_validate(values)
