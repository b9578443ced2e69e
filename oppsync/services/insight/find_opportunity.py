"""Find the opportunity that a person names by its id here, or by its record's id in a CRM."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from oppsync.domain.approval.who_may import Action
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel.errors import Misconfigured, NotFound
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.insight.commands import FindOpportunity


@dataclass(frozen=True)
class FindOpportunityHandler:
    uow: UnitOfWorkFactory
    systems: Systems

    def __call__(self, command: FindOpportunity) -> UUID:
        with self.uow.reading() as uow:
            admit(uow, command.tenant_id, command.actor, Action.READ)
            connections = uow.connections.of_tenant(command.tenant_id)
        try:
            return UUID(command.named)
        except ValueError:
            crms = [each for each in connections if each.role is ConnectionRole.CRM]
        # Both as the CRM knows it and as it is written.
        ids = {(crm.id, each) for crm in crms for each in (self._record_id(crm, command.named), command.named)}
        with self.uow.reading() as uow:
            found = [uow.opportunities.find(command.tenant_id, crm, each) for crm, each in sorted(ids)]
        known = [each for each in found if each is not None]
        if len(known) > 1:
            several = ", ".join(map(str, known))
            raise NotFound(f"Several opportunities have the record {command.named}: name one of {several}.")
        if not known:
            raise NotFound(f"There is no opportunity {command.named}.")
        return known[0]

    def _record_id(self, crm: Connection, written: str) -> str:
        """Return the id in full, or as it is written while the connection does not work: what is known here
        can be shown."""
        try:
            return self.systems.crm(crm.id).record_id(written)
        except Misconfigured:
            return written
