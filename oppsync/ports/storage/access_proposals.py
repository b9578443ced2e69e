"""Storage of access that waits for a second administrator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from oppsync.domain.values.limits import NO_LIMITS, Granted, Limits
from oppsync.domain.values.roles import Role
from oppsync.domain.work.access_proposals import AccessChange, AccessProposal, AccessStatus


class NewAccessProposal(NamedTuple):
    change: AccessChange
    email: str
    name: str
    roles: frozenset[Role]
    proposed_by: UUID
    limits: Limits = NO_LIMITS


class AccessProposals(Protocol):
    def add(self, tenant_id: str, proposal: NewAccessProposal) -> UUID: ...

    def lock(self, tenant_id: str, proposal_id: UUID) -> AccessProposal:
        """Whoever else decides it waits until this unit of work is over. Raises NotFound."""

    def open(self, tenant_id: str) -> Sequence[AccessProposal]:
        """Those that wait for a decision, or were agreed to and are not done yet; oldest first."""

    def agreed(
        self, tenant_id: str, change: AccessChange, email: str, granted: Granted, proposed_by: UUID
    ) -> AccessProposal | None:
        """The proposal of this person to change exactly this, once another agreed to it."""

    def settle(self, tenant_id: str, proposal_id: UUID, *, is_done: bool) -> None:
        """One that was agreed to is done, or waits for a decision again. Nothing for any other."""

    def end(
        self, tenant_id: str, email: str, decided_by: UUID | None, comment: str
    ) -> Sequence[AccessProposal]:
        """Reject those for this address that are open or agreed to, and return them."""

    def decide(
        self, tenant_id: str, proposal_id: UUID, status: AccessStatus, decided_by: UUID, comment: str = ""
    ) -> None: ...
