"""The systems that a tenant has connected."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.plan.systems import ParentValues
from oppsync.domain.reference.book import ReferenceBook, ReferenceUse
from oppsync.ports.crm import Crm
from oppsync.ports.erp import Erp
from oppsync.ports.master_data import MasterData
from oppsync.ports.notifier import Notifier
from oppsync.ports.psa import Psa
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory


class MasterSource(NamedTuple):
    """`kinds`: what its connector claims."""

    kinds: Sequence[MasterKind]
    data: MasterData


class Systems(Protocol):
    """The adapters of connections. `crm` raises NotFound for a connection that does not exist.

    `erp` and `psa` choose a system for a deal that is not planned yet, and return its connection id and
    adapter. The choice is stored with the plan, and from then on `erp_at` and `psa_at` return its adapter.
    `book`: the rows whose routes count; None: those of now.
    """

    notifier: Notifier

    def read_through(self, uow: UnitOfWorkFactory, tenant_id: str) -> Systems:
        """The same systems for a run of this tenant, with connections and routes as `uow` reads them."""

    def calls_at_once(self, connection_id: str) -> int:
        """How many calls of one deal this connection stands side by side; one where that is not known."""

    def crm(self, connection_id: str) -> Crm: ...

    def erp(self, tenant_id: str, parent: ParentValues, book: ReferenceBook | None = None) -> tuple[str, Erp]:
        """By the routes of the day on which the deal was won. Raises Misconfigured when the tenant has none, or
        a route names one that is not connected."""

    def psa(
        self, tenant_id: str, parent: ParentValues, book: ReferenceBook | None = None
    ) -> tuple[str, Psa] | None:
        """As `erp`; None when none takes part."""

    def erp_at(self, connection_id: str) -> Erp:
        """Raises Misconfigured when it is no ERP, or is gone: a person has to mend that."""

    def master_data(self, connection_id: str) -> MasterSource | None:
        """None for an ERP whose connector gives none. Raises as `erp_at`."""

    def maps_of(
        self, tenant_id: str, connection_ids: Collection[str], book: ReferenceBook
    ) -> Sequence[ReferenceUse]:
        """Which rows of `book` say today what these map; none of those that go by their own settings."""

    def psa_at(self, connection_id: str) -> Psa:
        """As `erp_at`."""
