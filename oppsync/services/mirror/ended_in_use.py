"""What ended in an ERP, or never was there, while open deals or the configuration name it: one exception item
a kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.configuration.erp_names import absent_for_rows, used_by_rows
from oppsync.domain.configuration.files import FILES, key_in_words
from oppsync.domain.master_data.rows import (
    KINDS_IN_WORDS,
    FiscalYear,
    MasterKey,
    MasterKind,
    in_words,
    key_of,
)
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.plan.references import references_of
from oppsync.domain.policy.connection_map import map_of
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import RELAY
from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.events import MasterDataEnded
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus, NewException
from oppsync.domain.work.mirror import GoneRow
from oppsync.domain.work.payload_references import mirror_reference
from oppsync.pipeline.exception_items import raise_item
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork
from oppsync.services.mirror.known import erp_names

CODE = "MASTER_DATA_ENDED"
_NAMED = 5
_MOST_TOLD = 20
RowAt = tuple[ReferenceKind, str, date]


class NamingDeal(NamedTuple):
    """An open deal whose plan names it."""

    id: UUID
    name: str


class EndedInUse(NamedTuple):
    """`gone_at`: None for what no reading found there. `naming`: the rows of the configuration that name it;
    `settings`: those of the connection that do, in words."""

    key: MasterKey
    name: str
    gone_at: datetime | None
    deals: Sequence[NamingDeal]
    naming: Sequence[ReferenceRow]
    settings: Sequence[str]

    @property
    def rows(self) -> Sequence[str]:
        """What names it of the configuration and of the connection, in words."""
        return [
            *(f"{FILES[row.kind].name}: {key_in_words(row.kind, row.key)}" for row in self.naming),
            *self.settings,
        ]


def ended_in_use(
    uow: UnitOfWork, tenant_id: str, connection_id: str, today: date, catalog: ConnectorCatalog
) -> Sequence[EndedInUse]:
    gone = {each.key: each for each in uow.mirror.gone(tenant_id, connection_id)}
    names = erp_names(uow, tenant_id, today, catalog)
    rows = {**absent_for_rows(names, gone, connection_id), **used_by_rows(names, gone, connection_id)}
    settings = _by_settings(uow, uow.connections.get(connection_id), gone, today, catalog) if gone else {}
    naming = _by_deals(
        uow, tenant_id, connection_id, [*gone.values()], [key for key in rows if key not in gone]
    )
    return [
        EndedInUse(
            key,
            gone[key].row.name if key in gone else "",
            gone[key].gone_at if key in gone else None,
            naming.get(key, ()),
            rows.get(key, ()),
            settings.get(key, ()),
        )
        for key in sorted({*naming, *rows, *settings})
    ]


class EndedName(NamedTuple):
    """What a row of the configuration names, and this ERP does not have."""

    connection: Connection
    key: MasterKey


def ended_by_row(
    uow: UnitOfWork, tenant_id: str, today: date, catalog: ConnectorCatalog
) -> Mapping[RowAt, Sequence[EndedName]]:
    """Of each row of now that names what its ERP does not have, or not any more: what."""
    found: dict[RowAt, list[EndedName]] = {}
    for connection in uow.connections.of_tenant(tenant_id):
        if connection.role is not ConnectionRole.ERP:
            continue
        for each in ended_in_use(uow, tenant_id, connection.id, today, catalog):
            for row in each.naming:
                at = (row.kind, row.key, row.valid_from)
                found.setdefault(at, []).append(EndedName(connection, each.key))
    return found


def _by_settings(
    uow: UnitOfWork,
    connection: Connection,
    gone: Collection[MasterKey],
    today: date,
    catalog: ConnectorCatalog,
) -> Mapping[MasterKey, Sequence[str]]:
    """Products are named by the connection, not by plans: by which product lines are invoiced. Where a row says
    what it maps, that one names them."""
    if map_of(uow.references.book(connection.tenant_id), connection.name, connection.vendor, today):
        return {}
    named: dict[MasterKey, list[str]] = {}
    for name, kind in sorted(catalog.named_by_maps(connection).items()):
        key = MasterKey(kind, "", str(connection.settings.get(name, "")))
        if key in gone:
            named.setdefault(key, []).append(f"the setting {name} of {connection.name}")
    return named


def _by_deals(
    uow: UnitOfWork, tenant_id: str, connection_id: str, gone: Sequence[GoneRow], absent: Sequence[MasterKey]
) -> Mapping[MasterKey, Sequence[NamingDeal]]:
    codes, keys = {key.code for key in absent}, {*absent, *(each.key for each in gone)}
    years = [each.row for each in gone if isinstance(each.row, FiscalYear)]
    codes |= {each.key.company if isinstance(each.row, FiscalYear) else each.key.code for each in gone}
    found: dict[MasterKey, list[NamingDeal]] = {}
    for each in uow.plans.open_at(tenant_id, connection_id, sorted(codes)) if codes else ():
        deal = NamingDeal(each.opportunity_id, each.name)
        for key in (keys_of(each.plan.content) & keys) | years_of(each.plan.content, years):
            found.setdefault(key, []).append(deal)
    return found


def keys_of(plan: PlanContent) -> set[MasterKey]:
    """What a plan names by code in its ERP."""
    wanted = references_of(plan)
    customers = {MasterKey(MasterKind.CUSTOMER, "", wanted.customer)} if wanted.customer else set()
    return customers | {
        MasterKey(MasterKind.COMPANY, "", wanted.company),
        MasterKey(MasterKind.TAX, wanted.company, wanted.tax),
        MasterKey(MasterKind.PAYMENT_TERMS, "", wanted.payment_terms),
        *(MasterKey(MasterKind.COST_CENTRE, each.company, each.code) for each in wanted.cost_centres),
    }


def years_of(plan: PlanContent, years: Sequence[FiscalYear]) -> set[MasterKey]:
    """Those fiscal years on whose days the plan has invoices."""
    wanted = references_of(plan)
    return {
        key_of(year)
        for year in years
        if year.company == wanted.company
        and any(year.starts_on <= day <= year.ends_on for day in wanted.invoice_days)
    }


def tell_ended_in_use(
    uow: UnitOfWork,
    publish: Publish,
    tenant_id: str,
    connection_id: str,
    today: date,
    *,
    catalog: ConnectorCatalog,
) -> None:
    """Open an item for each kind of which something ended in use, and close those of the others. One that a
    person dismissed stays closed until something else ends."""
    found = ended_in_use(uow, tenant_id, connection_id, today, catalog)
    for kind in MasterKind:
        subject = mirror_reference(connection_id, kind)
        of_kind = [each for each in found if each.key.kind is kind]
        if not of_kind:
            uow.exceptions.close_open(tenant_id, subject, RELAY, "Nothing names it any more, or it is back")
            continue
        item = NewException(
            tenant_id=tenant_id,
            code=CODE,
            message=told(of_kind),
            owner=CODES[CODE].owner,
            payload_reference=subject,
        )
        last = uow.exceptions.last(item)
        if last is not None and last.message == item.message and _is_known(last, of_kind):
            continue
        item_id = raise_item(uow, item)
        event = MasterDataEnded(
            opportunity_id=None,
            actor=RELAY,
            detail={"connection": connection_id, "kind": kind, "exception": str(item_id)},
            summary=item.message,
        )
        publish(uow, tenant_id, new_traceparent(), event)


def _is_known(last: ExceptionItem, ended: Sequence[EndedInUse]) -> bool:
    """Whether people see it, or dismissed it since all of this ended."""
    if last.status is ExceptionStatus.DISMISSED:
        closed_at = last.closed_at
        return closed_at is not None and all(not each.gone_at or each.gone_at <= closed_at for each in ended)
    return last.status is ExceptionStatus.OPEN


def told(ended: Sequence[EndedInUse]) -> str:
    kind = KINDS_IN_WORDS[ended[0].key.kind][1]
    more = f"; and {len(ended) - _MOST_TOLD} more" if len(ended) > _MOST_TOLD else ""
    return f"Of the ERP's {kind}, some in use are not there: {'; '.join(map(_one, ended[:_MOST_TOLD]))}{more}"


def _one(ended: EndedInUse) -> str:
    deals, rows = [each.name for each in ended.deals], ended.rows
    users = [f"open deals {_some(deals)}"] if deals else []
    users += [f"the configuration ({_some(rows)})"] if rows else []
    gone_at = ended.gone_at
    since = f"gone since {gone_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if gone_at else "never seen there"
    return f"{in_words(ended.key)}, {since}, named by {' and '.join(users)}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
