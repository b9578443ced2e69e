"""What the core needs of a CRM."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from oppsync.domain.deal.opportunity import Opportunity, OpportunityRef
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.capabilities import CrmCapabilities
from oppsync.domain.plan.orders import WriteBack
from oppsync.domain.work.backfill import WonDeal
from oppsync.domain.work.observations import Observation
from oppsync.domain.work.polling import ChangePage, Deletions


class Crm(Protocol):
    """`quarantine`: client time-out plus the vendor's worst late commit plus its search lag. `poll_every`: the
    pause between two polls, `poll_overlap`: how long a change may take to become visible."""

    capabilities: CrmCapabilities
    quarantine: timedelta
    poll_every: timedelta
    poll_overlap: timedelta

    def ping(self) -> None:
        """The cheapest call that needs the connection's credentials; it changes nothing. Raises what calls
        raise."""

    def inspect(self) -> Sequence[Observation]:
        """Tell line by line what these credentials may do there, and what is missing. It changes nothing.
        Raises what calls raise."""

    def read_notification(self, body: bytes) -> Sequence[OpportunityRef]:
        """Pure. Raises UnreadableDelivery, which says what is wrong and where."""

    def record_id(self, written: str) -> str:
        """Pure. The id under which a record is known, of one as a person wrote it; what has not the form of an
        id stays as it is."""

    def field_at(self, place: str) -> FieldOfCrm:
        """Pure. What people there call the field that a place (JSON pointer) of the canonical opportunity comes
        from, and its choices; `field_words` where the CRM has no other name."""

    def read_opportunity(self, source_id: str) -> Opportunity:
        """The record as it is now. Raises RecordGone; UnreadableDelivery when it does not fit the shape."""

    def changed_opportunities(self, since: datetime, after_id: str | None) -> ChangePage:
        """One page of opportunities, won or not, that changed at `since` (the CRM's clock) or later. Where
        `after_id` is given, those that changed exactly at `since` are only ones with a later id. Changes made
        meanwhile come on a later page."""

    def deleted_opportunities(self, since: datetime, until: datetime) -> Deletions:
        """Those that were deleted from `since` on until about `until` (the CRM's clock), as far back as the CRM
        remembers; of one that was merged into another the one that is gone."""

    def won_opportunities(self, since: date, until: date | None) -> Sequence[WonDeal]:
        """Opportunities that were won from the day `since` on and before the day `until`, sorted by that
        day."""

    def find_write_back(self, source_id: str, wanted: WriteBack) -> ExternalRecord | None:
        """The write-back fields as they stand; None while they are empty."""

    def write_back(self, source_id: str, wanted: WriteBack) -> ExternalRecord: ...
