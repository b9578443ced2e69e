"""Commands of intake: accept a delivery, poll a CRM, take in deals won earlier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from oppsync.domain.values.actor import Asker
from oppsync.domain.work.backfill import BackfillPreview, BackfillStep, WonDeal
from oppsync.domain.work.intake import Delivery
from oppsync.kernel.bus import Command


@dataclass(frozen=True)
class Accepted:
    """`is_new` is False when this delivery was already in the inbox under the same event id."""

    event_id: UUID
    is_new: bool


@dataclass(frozen=True)
class AcceptDelivery(Command[Accepted]):
    """A verified delivery. Never raises for its content: an unreadable one is stored with an exception."""

    delivery: Delivery


@dataclass(frozen=True)
class PollCrm(Command[bool]):
    """Ask the CRM whose poll is due first for one page of changes, and take in those whose webhook never
    arrived. False when no poll is due. Raises StoreUnavailable; a CRM's failure is recorded, and tried again
    later."""


@dataclass(frozen=True)
class PreviewBackfill(Command[BackfillPreview]):
    """Deals won from the day `since` on, before the day `until`, in the CRM of `connection_id` or the only one.
    `ids`: only these records, in full or as the CRM's pages show their ids.

    Raises Forbidden; InvalidInput; and what the CRM's adapter raises.
    """

    tenant_id: str
    actor: Asker
    since: date
    until: date | None = None
    connection_id: str | None = None
    ids: Sequence[str] = ()


@dataclass(frozen=True)
class RunBackfill(Command[BackfillStep]):
    """Take in as many of these deals, a thousand at most, as there is room for; deals that are stored already
    stay as they are. To be repeated with the rest; repeating it with the same deals changes nothing. Raises
    Forbidden."""

    tenant_id: str
    actor: Asker
    connection_id: str
    deals: Sequence[WonDeal]
