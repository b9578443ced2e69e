"""Access that waits for a second administrator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, update
from uuid_utils.compat import uuid7

from adapters.postgres.clock import clock
from adapters.postgres.rows import from_granted, pick, to_granted
from adapters.postgres.session import Session
from adapters.postgres.tables import access_proposals
from oppsync.domain.values.limits import Granted
from oppsync.domain.work.access_proposals import AccessChange, AccessProposal, AccessStatus
from oppsync.kernel.errors import NotFound
from oppsync.ports.storage.access_proposals import NewAccessProposal

_columns = access_proposals.c
_UNDECIDED = (AccessStatus.OPEN, AccessStatus.AGREED)


class PostgresAccessProposals:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, tenant_id: str, proposal: NewAccessProposal) -> UUID:
        proposal_id = uuid7()
        granted = from_granted(Granted(proposal.roles, proposal.limits))
        values = {
            "change": proposal.change,
            "name": proposal.name,
            "proposed_by": proposal.proposed_by,
            "email": proposal.email.lower(),
            "proposed_at": clock(),
            **granted,
        }
        self._session.execute(insert(access_proposals).values(tenant_id=tenant_id, id=proposal_id, **values))
        return proposal_id

    def lock(self, tenant_id: str, proposal_id: UUID) -> AccessProposal:
        query = select(access_proposals).where(*_is(tenant_id, proposal_id)).with_for_update()
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such proposal.")
        return _proposal(row)

    def open(self, tenant_id: str) -> Sequence[AccessProposal]:
        query = (
            select(access_proposals)
            .where(_columns.tenant_id == tenant_id, _columns.status.in_(_UNDECIDED))
            .order_by(_columns.proposed_at, _columns.id)
        )
        return [_proposal(row) for row in self._session.execute(query).mappings()]

    def agreed(
        self, tenant_id: str, change: AccessChange, email: str, granted: Granted, proposed_by: UUID
    ) -> AccessProposal | None:
        query = (
            select(access_proposals)
            .where(
                _columns.tenant_id == tenant_id,
                _columns.change == change,
                _columns.email == email.lower(),
                _columns.proposed_by == proposed_by,
                _columns.status == AccessStatus.AGREED,
            )
            .order_by(_columns.id)
            .with_for_update()
        )
        found = [_proposal(row) for row in self._session.execute(query).mappings()]
        return next((each for each in found if each.granted == granted), None)

    def settle(self, tenant_id: str, proposal_id: UUID, *, is_done: bool) -> None:
        values: dict[str, Any] = {"status": AccessStatus.DONE}
        if not is_done:
            values = {"status": AccessStatus.OPEN, "decided_by": None, "decided_at": None, "comment": ""}
        which = update(access_proposals).where(*_is(tenant_id, proposal_id))
        self._session.execute(which.where(_columns.status == AccessStatus.AGREED).values(**values))

    def end(
        self, tenant_id: str, email: str, decided_by: UUID | None, comment: str
    ) -> Sequence[AccessProposal]:
        ended = (
            update(access_proposals)
            .where(
                _columns.tenant_id == tenant_id,
                _columns.email == email.lower(),
                _columns.status.in_(_UNDECIDED),
            )
            .values(status=AccessStatus.REJECTED, decided_by=decided_by, decided_at=clock(), comment=comment)
            .returning(access_proposals)
        )
        return [_proposal(row) for row in self._session.execute(ended).mappings()]

    def decide(
        self, tenant_id: str, proposal_id: UUID, status: AccessStatus, decided_by: UUID, comment: str = ""
    ) -> None:
        self._session.execute(
            update(access_proposals)
            .where(*_is(tenant_id, proposal_id))
            .values(status=status, decided_by=decided_by, decided_at=clock(), comment=comment)
        )


def _proposal(row: RowMapping) -> AccessProposal:
    values = pick(row, AccessProposal)
    values |= to_granted(row)._asdict()
    return AccessProposal.model_validate(values)


def _is(tenant_id: str, proposal_id: UUID) -> tuple[Any, ...]:
    return (_columns.tenant_id == tenant_id, _columns.id == proposal_id)
