"""Storage of opportunities: their state, their leases and when they are due."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from oppsync.domain.deal.opportunity import Opportunity, OpportunityRef
from oppsync.domain.deal.parties import Party
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.work.replays import Selection
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import Lease, TrackedOpportunity


@dataclass(frozen=True)
class Due:
    """When the next stage is due: after a while (zero: now), or only when somebody acts (`after` None).

    `keep_lease`: the same worker goes straight on. `sent`: an outbox row brings the message, so the sweeper
    waits.
    """

    after: timedelta | None
    keep_lease: bool = False
    sent: bool = False


STRAIGHT_ON = Due(timedelta(0), keep_lease=True)
HANDED_ON = Due(timedelta(0), sent=True)
ON_ACTION = Due(None)


class Opportunities(Protocol):
    def receive(
        self, tenant_id: str, connection_id: str, ref: OpportunityRef, traceparent: str
    ) -> tuple[UUID, bool]:
        """Insert the opportunity in `received`, due now; a known one gets a re-read requested instead.
        Returns its id and whether it is new."""

    def last_seen(
        self, tenant_id: str, connection_id: str, source_ids: Collection[str]
    ) -> Mapping[str, datetime | None]:
        """By source id, for each known record: the CRM's time of the latest change that was reported or
        read."""

    def get(self, tenant_id: str, opportunity_id: UUID) -> TrackedOpportunity:
        """Raises NotFound."""

    def find(self, tenant_id: str, connection_id: str, source_id: str) -> UUID | None:
        """The id under which a CRM's record is stored here; None when it is not."""

    def matching(self, tenant_id: str, selection: Selection, states: Collection[State]) -> Sequence[UUID]:
        """Ids of a selection, oldest first, one more than its limit when there are more. `states`, where given,
        are those of its stage: a deal is in one of them, or parked with one of them to resume."""

    def comparable(self, tenant_id: str, record: Opportunity, but: UUID | None) -> Sequence[OtherDeal]:
        """Won deals, other than `but`, that may have the record's purchase order, or its amount and currency,
        the latest ones. Deals that came to nothing are left out."""

    def newest(
        self, tenant_id: str, standing_at: Collection[State], limit: int
    ) -> tuple[Sequence[TrackedOpportunity], int]:
        """The newest won deals that stand at one of these and were read, newest first; and how many there are
        in all. Raises NewerRelease."""

    def knows_customer(self, tenant_id: str, code: str, by: datetime | None = None) -> bool:
        """Whether a deal of this customer (its code in the ERP) ever became active, or had by a moment."""

    def count_at_work(self, tenant_id: str) -> int:
        """How many deals are due, now or after a pause; those that wait for a person, or for
        their day, do not count."""

    def recheck(self, tenant_id: str, connection_id: str, limit: int) -> Sequence[tuple[UUID, str]]:
        """Ask for a re-read of parked deals of a connection that are due for one, those first that waited
        longest, `limit` at most. Returns their ids and traceparents. The longer a deal is parked, the less
        often it is due: between a quarter of an hour and six hours apart."""

    def without_projects(self, tenant_id: str) -> Sequence[UUID]:
        """Ids of deals without a parent project in the ledger that are not being created, oldest first."""

    def lock(self, tenant_id: str, opportunity_id: UUID) -> TrackedOpportunity:
        """As `get`, with the row locked until the transaction ends."""

    def look_again(self, tenant_id: str) -> None:
        """Have the deals that wait for approval looked at again now: whom to ask, and when, may have
        changed."""

    def is_leased(self, tenant_id: str, opportunity_id: UUID) -> bool:
        """Whether a worker works on it now; of a row that is locked in this transaction."""

    def take_lease(self, opportunity_id: UUID, holder: str) -> tuple[TrackedOpportunity, Lease] | None:
        """None while another holds it, or when nothing is due. Counts a crash when the last lease ran out."""

    def renew_lease(self, lease: Lease) -> bool:
        """False when the lease was lost."""

    def change(self, before: TrackedOpportunity, after: TrackedOpportunity, due: Due) -> None:
        """Record a change a person made (decision, replay) on a row locked in this transaction."""


class Parties(Protocol):
    """Who ever owned or requested an opportunity: append only, whatever later readings say."""

    def keep(self, opportunity: TrackedOpportunity, parties: Iterable[Party]) -> None: ...

    def of(self, tenant_id: str, opportunity_id: UUID) -> Sequence[Party]:
        """A row for each address that was ever seen of a user, also with other deals."""

    def under_each_address(
        self, tenant_id: str, opportunity_id: UUID, named: Collection[Party]
    ) -> Sequence[Party]:
        """As `of`, of parties that a reading names which is not kept yet."""
