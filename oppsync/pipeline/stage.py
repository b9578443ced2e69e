"""What a stage is, and the three ways it ends: Advance, Await, Park."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.tasks import RuleUse
from oppsync.domain.plan.approvals import Seat
from oppsync.domain.plan.baseline import Baseline
from oppsync.domain.plan.plan import Plan
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.reference.book import ReferenceBook
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.work.events import Event
from oppsync.domain.work.exceptions import Disposition
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import Lease, TrackedOpportunity
from oppsync.kernel.errors import TransientError
from oppsync.pipeline.effects import StageEffects
from oppsync.ports.clock import Clock
from oppsync.ports.seals import Seals
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory
from oppsync.ports.systems import Systems

Barred = Mapping[UUID, Collection[Refusal]]


@dataclass(frozen=True)
class Advance:
    """Go on to state `to`. `opportunity` carries the stage's results; its state is set by the shell.

    `open_tasks`: seat -> candidates to notify of the approval. `by_rule`: code of a seat -> the rule that
    approves. `void_tasks`: no approval so far counts any more. `fallen`: tasks whose decisions do not stand,
    and why; None where nobody is barred, but the task is asked again. `items`: findings that become exception
    items, one for each code, although the work goes on. `settled`: codes whose open items close, as their
    cause is gone. `barred`: who may not decide the plan, and why. `baseline` is stored, unless the deal has
    one. `inputs`: what the plan was made from; stored with it.
    """

    to: State
    opportunity: TrackedOpportunity
    plan: Plan | None = None
    inputs: PlanInputs | None = None
    open_tasks: Mapping[Seat, Sequence[UUID]] = field(default_factory=dict)
    by_rule: Mapping[str, RuleUse] = field(default_factory=dict)
    void_tasks: bool = False
    fallen: Mapping[UUID, Refusal | None] = field(default_factory=dict)
    items: Sequence[Finding] = ()
    settled: Collection[str] = ()
    barred: Barred = field(default_factory=dict)
    baseline: Baseline | None = None
    events: Sequence[Event] = ()


@dataclass(frozen=True)
class Wait:
    """For a moment that comes by itself: no failure, and nobody has to act. `reason` is for people."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class Await:
    """Nothing to do until a person acts. `items` become exception items beside that.

    `later`: a part of the work failed by this, and is tried again after a pause. `wait`: the work goes on
    then. `ask`: tasks that are put to these people. `barred`: as of `Advance`.
    """

    opportunity: TrackedOpportunity
    items: Sequence[Finding] = ()
    later: TransientError | None = None
    wait: Wait | None = None
    ask: Mapping[UUID, Sequence[UUID]] = field(default_factory=dict)
    barred: Barred = field(default_factory=dict)
    events: Sequence[Event] = ()


@dataclass(frozen=True)
class Park:
    """A person must fix something. The first finding gives the item its code and owner.

    `resume`: where a replay begins, when it is not the stage that parked. `void_tasks`: as of `Advance`.
    `expired`: tasks that nobody decided in time; with them all other open ones become void.
    """

    opportunity: TrackedOpportunity
    findings: Sequence[Finding]
    payload_reference: str
    events: Sequence[Event] = ()
    disposition: Disposition = Disposition.BUSINESS
    resume: State | None = None
    void_tasks: bool = False
    expired: Sequence[UUID] = ()


Outcome = Advance | Await | Park


@dataclass(frozen=True)
class Sources:
    """Where facts come from: the tenant's systems and reference data, read only."""

    tenant_id: str
    systems: Systems
    clock: Clock
    uow: UnitOfWorkFactory

    def book(self) -> ReferenceBook:
        with self.uow.reading() as uow:
            return uow.references.book(self.tenant_id)


@dataclass(frozen=True)
class StageContext:
    """Everything a stage may reach while no transaction is open. `just_read`: this worker read the record
    from the CRM under this lease. `made`: the deal's plan, made in this run and not stored yet."""

    opportunity: TrackedOpportunity
    lease: Lease
    systems: Systems
    clock: Clock
    uow: UnitOfWorkFactory
    effects: StageEffects
    seals: Seals
    base_url: str
    stage: str
    just_read: bool = False
    made: Plan | None = None

    @property
    def sources(self) -> Sources:
        return Sources(self.opportunity.tenant_id, self.systems, self.clock, self.uow)


class StageRun(Protocol):
    def __call__(self, context: StageContext) -> Outcome: ...
