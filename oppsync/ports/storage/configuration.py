"""Storage of the configuration's versions and proposals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from oppsync.domain.configuration.versions import ConfigurationVersion, Proposal, ProposalStatus
from oppsync.domain.reading.backtest import Backtest
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow


class NewVersion(NamedTuple):
    fingerprint: str
    firm: str
    rows: Sequence[ReferenceRow]
    made_by: str
    approved_by: str | None = None
    note: str = ""
    reverts_to: int | None = None
    alone: bool = False


class NewProposal(NamedTuple):
    against: str
    fingerprint: str
    firm: str
    rows: Sequence[ReferenceRow]
    proposed_by: UUID
    note: str = ""
    reverts_to: int | None = None


class RowChange(NamedTuple):
    """`fields`: the values of the row that were changed; None for one that was added."""

    kind: ReferenceKind
    key: str
    valid_from: date
    fields: Sequence[str] | None = None


class Configurations(Protocol):
    def lock(self, tenant_id: str) -> None:
        """Whoever else changes the configuration waits until this unit of work is over."""

    def rows(self, tenant_id: str) -> Sequence[ReferenceRow]:
        """The governed rows as they are, whoever wrote them. Raises NewerRelease."""

    def firm(self, tenant_id: str, number: int | None = None) -> str:
        """The name in the files of that version, or of the latest one; of none yet, the installation's. Raises
        NotFound."""

    def live_since(self, tenant_id: str) -> datetime | None:
        """When the firm went live."""

    def versions(self, tenant_id: str) -> Sequence[ConfigurationVersion]:
        """Newest first."""

    def latest(self, tenant_id: str) -> ConfigurationVersion | None: ...

    def number_of(self, tenant_id: str, fingerprint: str) -> int | None:
        """The latest version with these rows."""

    def rows_of(self, tenant_id: str, number: int) -> Sequence[ReferenceRow]:
        """Raises NotFound, NewerRelease."""

    def of_key(
        self, tenant_id: str, kind: ReferenceKind, key: str
    ) -> Sequence[tuple[ConfigurationVersion, Sequence[ReferenceRow]]]:
        """Each version with its rows of one key, oldest first. Raises NewerRelease."""

    def add(self, tenant_id: str, version: NewVersion) -> int:
        """Returns its number. Only under the lock."""

    def keep_changes(self, tenant_id: str, number: int, rows: Iterable[RowChange]) -> None:
        """Keep which rows a version changed, by their counters of edits as they are now. One that it does not
        have any more is left out."""

    def carry_changes(self, tenant_id: str, kind: ReferenceKind, key: str, new_key: str) -> None:
        """What was kept of rows of this key is of those of the new key too, in whose place they are."""

    def propose(self, tenant_id: str, proposal: NewProposal) -> UUID: ...

    def proposal(self, tenant_id: str, proposal_id: UUID) -> Proposal:
        """Raises NotFound."""

    def proposed_rows(self, tenant_id: str, proposal_id: UUID) -> Sequence[ReferenceRow]:
        """Raises NotFound, NewerRelease."""

    def open_proposals(self, tenant_id: str) -> Sequence[Proposal]:
        """Oldest first."""

    def keep_backtest(self, tenant_id: str, backtest: Backtest) -> None:
        """In place of an earlier one of the same rows: whichever proposal or version has them."""

    def backtest_of(self, tenant_id: str, fingerprint: str) -> Backtest | None:
        """The latest backtest of these rows. Raises NewerRelease."""

    def decide(
        self, tenant_id: str, proposal_id: UUID, status: ProposalStatus, decided_by: UUID, comment: str
    ) -> None: ...
