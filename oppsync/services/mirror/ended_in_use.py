"""What ended in an ERP while open deals or rows of the configuration still name it: one exception item a
kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.configuration.erp_names import used_by_rows
from oppsync.domain.configuration.files import FILES, key_in_words
from oppsync.domain.master_data.rows import KINDS_IN_WORDS, MasterKey, MasterKind, in_words
from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.plan.references import references_of
from oppsync.domain.values.actor import RELAY
from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import MasterDataEnded
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus, NewException
from oppsync.domain.work.payload_references import mirror_reference
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork

CODE = "MASTER_DATA_ENDED"
_NAMED = 5


class NamingDeal(NamedTuple):
    """An open deal whose plan names it."""

    id: UUID
    name: str


class EndedInUse(NamedTuple):
    """`rows`: those of the configuration that name it, in words."""

    key: MasterKey
    name: str
    gone_at: datetime
    deals: Sequence[NamingDeal]
    rows: Sequence[str]


def ended_in_use(uow: UnitOfWork, tenant_id: str, connection_id: str, today: date) -> Sequence[EndedInUse]:
    gone = {each.key: each for each in uow.mirror.gone(tenant_id, connection_id)}
    if not gone:
        return ()
    naming = _by_deals(uow, tenant_id, connection_id, gone)
    book = uow.references.book(tenant_id)
    rows = used_by_rows((row for row in book.rows if row.kind in FILES), gone, today)
    return [
        EndedInUse(
            key,
            each.row.name,
            each.gone_at,
            naming.get(key, ()),
            [f"{FILES[row.kind].name}: {key_in_words(row.kind, row.key)}" for row in rows.get(key, ())],
        )
        for key, each in sorted(gone.items())
        if key in naming or key in rows
    ]


def _by_deals(
    uow: UnitOfWork, tenant_id: str, connection_id: str, gone: Collection[MasterKey]
) -> Mapping[MasterKey, Sequence[NamingDeal]]:
    found: dict[MasterKey, list[NamingDeal]] = {}
    for each in uow.plans.open_at(tenant_id, connection_id, sorted({key.code for key in gone})):
        deal = NamingDeal(each.opportunity_id, each.name)
        for key in keys_of(each.plan.content) & set(gone):
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


def tell_ended_in_use(
    uow: UnitOfWork, publish: Publish, tenant_id: str, connection_id: str, today: date
) -> None:
    """Open an item for each kind of which something ended in use, and close those of the others. One that a
    person dismissed stays closed until something else ends."""
    found = ended_in_use(uow, tenant_id, connection_id, today)
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
        item_id = uow.exceptions.raise_item(item)
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
        return last.closed_at is not None and all(each.gone_at <= last.closed_at for each in ended)
    return last.status is ExceptionStatus.OPEN


def told(ended: Sequence[EndedInUse]) -> str:
    kind = KINDS_IN_WORDS[ended[0].key.kind][1]
    return f"Of the ERP's {kind}, some that are in use ended: {'; '.join(map(_one, ended))}"


def _one(ended: EndedInUse) -> str:
    deals, rows = [each.name for each in ended.deals], ended.rows
    users = [f"open deals {_some(deals)}"] if deals else []
    users += [f"the configuration ({_some(rows)})"] if rows else []
    since = f"gone since {ended.gone_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{in_words(ended.key)}, {since}, named by {' and '.join(users)}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
