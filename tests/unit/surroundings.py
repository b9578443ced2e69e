"""What the deciding stages ask: a CRM with one record, an ERP, reference data and a clock."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.plan.references import ErpReferences, MissingReference
from oppsync.domain.plan.systems import ParentValues, PlanSystems
from oppsync.domain.reference.book import ReferenceBook, ReferenceRow, ReferenceUse
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import RecordGone
from oppsync.pipeline.stage import Advance, Outcome, Park, StageContext
from tests.harness import builders as make


class UnitsOfWork:
    def __init__(self, world: Surroundings) -> None:
        self._world = world

    @contextmanager
    def __call__(self) -> Iterator[Surroundings]:
        self._world.in_transaction = True
        yield self._world
        self._world.in_transaction = False

    reading = __call__


class Surroundings:
    """A CRM with one record, an ERP, reference data and a clock; records the questions, in order."""

    def __init__(
        self,
        record: Opportunity | None,
        *,
        now: datetime = make.NOW,
        customers: str = "CUST-1001",
        has_project: bool = False,
        candidates: tuple[ErpCustomer, ...] = (),
    ) -> None:
        self.candidates = list(candidates)
        self.missing: list[MissingReference] = []
        self.linked: list[ReferenceRow] = []
        self.record = record
        self._now = now
        self._customers = customers
        self.asked: list[str] = []
        self.in_transaction = False
        self.capabilities = ErpCapabilities(line_kinds=frozenset(LineKind))
        self.opportunities = self
        self.references = self
        self.overrides = self
        self.configurations = self
        self.ledger = self
        self.plans = self
        self.has_project = has_project
        self.systems = self
        self.uow = UnitsOfWork(self)

    def systems_of(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> PlanSystems:
        return PlanSystems(erp="erp")

    def number_of(self, tenant_id: str, fingerprint: str) -> None:
        assert tenant_id == "default"

    def crm(self, connection_id: str) -> Surroundings:
        assert connection_id == "sf-demo"
        return self

    def erp(
        self, tenant_id: str, parent: ParentValues, book: ReferenceBook | None = None
    ) -> tuple[str, Surroundings]:
        assert tenant_id == "default"
        return "erp", self

    def psa(self, tenant_id: str, parent: ParentValues, book: ReferenceBook | None = None) -> None:
        assert tenant_id == "default"

    def field_at(self, place: str) -> FieldOfCrm:
        return field_words(place)

    def read_opportunity(self, source_id: str) -> Opportunity:
        self._outside(f"read {source_id}")
        if self.record is None:
            raise RecordGone(f"there is no {source_id}")
        return self.record

    def customers_of_code(self, code: str) -> list[ErpCustomer]:
        self._outside(f"customer {code}")
        return [make.GLOBEX] if code == self._customers == make.GLOBEX.code else []

    def find_customers(self, name: str, tax_id: str | None) -> list[ErpCustomer]:
        self._outside(f"customers like {name}")
        return self.candidates

    def missing_for(self, erp_company: str) -> list[str]:
        self._outside(f"company {erp_company}")
        return []

    def has_payment_terms(self, code: str) -> bool:
        return code == "NET30"

    def payment_terms(self) -> Sequence[str]:
        self._outside("payment terms")
        return ["NET30"]

    def books_open_until(self, erp_company: str, wanted: date | None = None) -> date | None:
        return None

    def comparable(self, tenant_id: str, record: Opportunity, but: UUID | None) -> Collection[OtherDeal]:
        assert self.in_transaction
        return ()

    def maps_of(
        self, tenant_id: str, connection_ids: Collection[str], book: ReferenceBook
    ) -> Sequence[ReferenceUse]:
        return ()

    def erp_at(self, connection_id: str) -> Surroundings:
        assert connection_id == "erp"
        return self

    def missing_references(
        self, wanted: ErpReferences, *, heard_within: timedelta | None = None
    ) -> Sequence[MissingReference]:
        self._outside(f"what {wanted.company} lacks")
        return self.missing

    def existing_keys(self, keys: Sequence[str]) -> Collection[str]:
        self._outside(f"node {keys[0]}")
        return keys if self.has_project else ()

    def get(self, tenant_id: str, key: str) -> None:
        assert self.in_transaction

    def of(self, tenant_id: str, opportunity_id: UUID) -> list[PlanOverride]:
        assert self.in_transaction
        return []

    def book(self, tenant_id: str) -> ReferenceBook:
        assert self.in_transaction
        return make.book(*self.linked)

    def put(self, tenant_id: str, row: ReferenceRow) -> None:
        assert self.in_transaction
        self.linked.append(row)

    def commit(self) -> None:
        assert self.in_transaction

    def now(self) -> datetime:
        return self._now

    def _outside(self, what: str) -> None:
        assert not self.in_transaction, "a vendor was called inside a transaction"
        self.asked.append(what)

    def context(self, opportunity: TrackedOpportunity) -> StageContext:
        lease: Any = SimpleNamespace()
        return StageContext(
            opportunity=opportunity,
            lease=lease,
            systems=cast(Any, self),
            clock=self,
            uow=cast(Any, self.uow),
            effects=cast(Any, None),
            seals=cast(Any, None),
            base_url="http://localhost",
            stage="any",
        )


def advanced(outcome: Outcome, to: State) -> Advance:
    assert isinstance(outcome, Advance), outcome
    assert outcome.to is to
    return outcome


def parked(outcome: Outcome) -> Park:
    assert isinstance(outcome, Park), outcome
    return outcome


def warned_of(opportunity: TrackedOpportunity) -> list[tuple[str, str]]:
    assert opportunity.enrichment is not None
    return [(found.code, found.value) for found in opportunity.enrichment.warnings]
