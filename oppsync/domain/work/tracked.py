"""An opportunity as it is tracked: the record as last read, and how far it has come."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.since_approval import ChangeSinceApproval
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.validation.confirmations import Confirmation
from oppsync.domain.validation.erp_facts import ErpFacts
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.work.states import State, standing


class TrackedOpportunity(Frozen):
    """`version` grows with each recorded outcome and decision; `resume_state` is set while parked.

    `tries` counts transient outcomes of the current stage, `crashes` leases that ran out without an outcome.
    `reread_requested` > `reread_done`: the record changed in the CRM and has to be read again.
    `compensation_reason` is why a person gave the deal up after its approval. `warnings` are those of the last
    validation, `customer` is whom it found in the ERP. `approved_record` is the record as it was when the plan
    was approved, for as long as that approval counts; `changes_since_approval` are the fields that differ in
    the CRM since then. `waits_for`: why it waits for a moment that comes by itself, in words.
    `confirmations`: findings that people confirmed. `erp_facts`: what the ERP said when it was validated.
    """

    tenant_id: Code
    id: UUID
    connection_id: Code
    source_id: Code
    state: State
    resume_state: State | None = None
    version: int = 0
    tries: int = 0
    crashes: int = 0
    reread_requested: int = 0
    reread_done: int = 0
    record: Opportunity | None = None
    record_digest: Code | None = None
    approved_record: Opportunity | None = None
    changes_since_approval: tuple[ChangeSinceApproval, ...] = ()
    enrichment: Enrichment | None = None
    plan_hash: Code | None = None
    received_at: AwareDatetime
    activated_at: AwareDatetime | None = None
    compensation_reason: Text | None = None
    warnings: tuple[Finding, ...] = ()
    customer: ErpCustomer | None = None
    waits_for: Text | None = None
    confirmations: tuple[Confirmation, ...] = ()
    erp_facts: ErpFacts | None = None
    traceparent: Code

    @property
    def stands_at(self) -> State:
        """Its state; for a parked one the state that it resumes."""
        return standing(self.state, self.resume_state)

    @property
    def replaces(self) -> str | None:
        """The hash of the approved plan in whose place the deal is planned anew, until it is active."""
        return self.enrichment.replaces if self.enrichment else None

    @property
    def reread_due(self) -> bool:
        return self.reread_requested > self.reread_done


class Lease(Frozen):
    """The right to work one opportunity until the database's clock passes `until`; `token` only ever grows."""

    opportunity_id: UUID
    token: int
    until: AwareDatetime
