"""Which systems a deal would go to by the routes of some rows, without asking them anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.systems import SYSTEMS, PlanSystems
from oppsync.domain.reference.book import ReferenceBook, ReferenceUse
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.work.connections import ConnectionRole
from oppsync.kernel.errors import Misconfigured
from oppsync.pipeline.destination import Destination, choose
from oppsync.ports.storage.unit_of_work import UnitOfWork
from oppsync.ports.systems import Systems


class Goes(NamedTuple):
    """`destination` is None while no ERP is connected, and for a deal that `wrong` would stop."""

    destination: Destination | None = None
    wrong: tuple[Finding, ...] = ()

    @property
    def rows(self) -> tuple[ReferenceUse, ...]:
        return self.destination.rows if self.destination else ()


@dataclass(frozen=True)
class Destinations:
    """Those of one tenant. `names`: of all that is connected, by id."""

    systems: Systems
    tenant_id: str
    names: Mapping[str, str]
    has_erp: bool

    def of(self, record: Opportunity, book: ReferenceBook, crm: str | None = None) -> Goes:
        """A firm begins with its rules: while it has no ERP, none is missing."""
        if not self.has_erp:
            return Goes()
        try:
            return Goes(choose(self.systems, self.tenant_id, record, book, crm))
        except Misconfigured as error:
            return Goes(wrong=(finding(error.code, error.message, path=SYSTEMS),))

    def in_words(self, systems: PlanSystems | None) -> str:
        if systems is None:
            return ""
        return " and ".join(self.names.get(each, each) for each in (systems.erp, systems.psa) if each)


def destinations(systems: Systems, uow: UnitOfWork, tenant_id: str) -> Destinations:
    connected = uow.connections.of_tenant(tenant_id)
    return Destinations(
        systems,
        tenant_id,
        {each.id: each.name for each in connected},
        any(each.role is ConnectionRole.ERP for each in connected),
    )
