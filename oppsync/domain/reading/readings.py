"""The read side: what pages, API and command line show. Shapes only; the store fills them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, Field, computed_field

from oppsync.domain.approval.involved import NOBODY_INVOLVED, Involved
from oppsync.domain.approval.tasks import ApprovalTask, TaskStatus
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.parties import Party
from oppsync.domain.deal.since_approval import ChangeSinceApproval
from oppsync.domain.plan.approvals import RequiredApproval, seat_of, seats
from oppsync.domain.plan.plan import Plan
from oppsync.domain.reading.plan_money import PlanMoney, money_of
from oppsync.domain.validation.confirmations import Confirmation
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.limits import NO_LIMITS, Limits
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.values.roles import Role
from oppsync.domain.values.scopes import Scope
from oppsync.domain.work.intake import Source
from oppsync.domain.work.states import State, standing

Row = TypeVar("Row")


class Page(Frozen, Generic[Row]):
    """Some rows in a stable order; `next_cursor` is None on the last page."""

    rows: tuple[Row, ...]
    next_cursor: Code | None = None


class OpportunitySummary(Frozen):
    """Name, account and amount are None until the record was first read. `since`: when it entered this
    state. `amount` is the approved one from the approval on; `changed_since_approval`: the CRM has other values
    by now. `waits_for`: why it waits for a moment that comes by itself, such as the beginning of its close
    date."""

    id: UUID
    connection_id: Code
    source_id: Code
    state: State
    resume_state: State | None = None
    since: AwareDatetime
    received_at: AwareDatetime
    name: Text | None = None
    account: Text | None = None
    amount: Decimal | None = None
    currency: Code | None = None
    project_number: Text | None = None
    project_url: Text | None = None
    activated_at: AwareDatetime | None = None
    changed_since_approval: bool = False
    waits_for: Text | None = None

    @property
    def stands_at(self) -> State:
        """Its state; for a parked one the state that it resumes."""
        return standing(self.state, self.resume_state)


class OpportunityDetail(OpportunitySummary):
    """`warnings`: findings that do not stop it. `changes_since_approval`: what the CRM says otherwise than the
    record that was approved (`approved_record`), field by field. `replaces`: the hash of the approved plan in
    whose place it is planned anew. `confirmations`: findings that people confirmed, with their reasons."""

    record: Opportunity | None = None
    approved_record: Opportunity | None = Field(default=None, exclude=True, repr=False)
    plan_hash: Code | None = None
    replaces: Code | None = None
    plan_number: int | None = None
    reread_due: bool = False
    next_at: AwareDatetime | None = None
    tries: int = 0
    warnings: tuple[Finding, ...] = ()
    changes_since_approval: tuple[ChangeSinceApproval, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()


class TimelineEntry(Frozen):
    """One audit entry. `actor` and `type` are the event's."""

    id: UUID
    at: AwareDatetime
    type: Code
    actor: Code
    summary: Text
    before: dict[str, Any]
    after: dict[str, Any]
    detail: dict[str, Any]
    correlation_id: Code


class PlanReading(Frozen):
    """A stored plan, its number among the opportunity's plans, and whether it is the current one.
    `configuration_now`: the version that holds now, where another one made the plan: its rows may give another
    plan, once the deal is planned anew."""

    number: int
    hash: Code
    is_current: bool
    plan: Plan
    configuration_now: ConfigurationUse | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def money(self) -> PlanMoney:
        """What the plan comes to, with the tax of each billing line."""
        return money_of(self.plan.content)


class ApprovalNote(Frozen):
    """What somebody said about a plan of the deal without deciding it: a comment, or the changes that an
    approver asked for (`asks_for_changes`). `by`: an actor."""

    at: AwareDatetime
    by: Code
    plan: Code
    text: Text
    asks_for_changes: bool = False


class ApprovalSummary(Frozen):
    """One task with what the inbox shows of its deal. `amount` is the plan's total."""

    task: ApprovalTask
    opportunity_name: Text
    account: Text
    amount: Decimal
    currency: Code
    plan_number: int
    owner_email: Text | None = None


class BarredApprover(Frozen):
    """Somebody who may not decide a plan, and why: a code of `domain.approval.refusals.Refusal`."""

    person_id: UUID
    name: Text
    reason: Code
    noted_at: AwareDatetime


class ApprovalDetail(ApprovalSummary):
    """One task with the plan it is about, the other tasks on the same plan, and names of people.

    `current_hash` is the hash of the opportunity's current plan; when it differs the task is void. `warnings`
    are the current ones. `editors` overrode something of the plan, so they may not decide; `may_decide` are the
    people who may decide this task now. `unmatched_owners`: past and present owners in the CRM who match no
    person here. `notes`: on all plans of the deal, oldest first. `barred`: who may not decide this plan, as was
    kept when it was put before people. `configuration_now`: as of a `PlanReading`.
    """

    opportunity_state: State
    current_hash: Code | None
    plan: Plan
    others: tuple[ApprovalTask, ...]
    people: dict[UUID, Text]
    reread_due: bool
    warnings: tuple[Finding, ...] = ()
    editors: frozenset[UUID] = frozenset()
    may_decide: tuple[UUID, ...] = ()
    unmatched_owners: tuple[Party, ...] = ()
    notes: tuple[ApprovalNote, ...] = ()
    barred: tuple[BarredApprover, ...] = ()
    configuration_now: ConfigurationUse | None = None
    involved: Involved = Field(default=NOBODY_INVOLVED, exclude=True)

    @property
    def step(self) -> RequiredApproval:
        """What the plan needs here."""
        return seat_of(self.task.role, self.plan.content.required).asks

    @property
    def is_complete(self) -> bool:
        """Whether everybody whom the plan needs has approved it."""
        approved = {task.role for task in (self.task, *self.others) if task.status is TaskStatus.APPROVED}
        return approved.issuperset(seat.code for seat in seats(self.plan.content.required))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def money(self) -> PlanMoney:
        """What the plan comes to, with the tax of each billing line."""
        return money_of(self.plan.content)


class DeliveryStatus(Frozen):
    """Where a delivery's opportunities are now; `findings` when it could not be read.

    `source`: a webhook, or a poll or backfill of ours; `late_seconds`: from the change to the poll that found
    it.
    """

    event_id: UUID
    delivery_id: Code
    connection_id: Code
    received_at: AwareDatetime
    source: Source = Source.WEBHOOK
    late_seconds: int | None = None
    opportunities: tuple[OpportunitySummary, ...]
    exception_id: UUID | None = None
    problem: Text | None = None


class ReceivedDelivery(Frozen):
    """A delivery of a connection whose signature was right, or that a poll found. `records`: how many it
    named; `signature`: `valid`, or `none` where oppsync asked for it."""

    event_id: UUID
    delivery_id: Code
    received_at: AwareDatetime
    source: Source
    records: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def signature(self) -> Literal["valid", "none"]:
        return "valid" if self.source is Source.WEBHOOK else "none"


class PollStatus(Frozen):
    """How far a CRM connection is polled, and what polls found since it is connected.

    `covered_until` (the CRM's clock): all earlier changes are stored. `polled_at`: when a poll last finished.
    `error`, `tries`: why the last one failed, and how often in a row. `deals`: found by polls before any
    webhook arrived; `changes` of known deals likewise, our own write-backs among them. `last_late_seconds`,
    `most_late_seconds`: from the change to the poll.
    """

    connection_id: Code
    covered_until: AwareDatetime | None = None
    polled_at: AwareDatetime | None = None
    due_at: AwareDatetime
    tries: int = 0
    error: Text | None = None
    deals: int = 0
    changes: int = 0
    last_late_seconds: int | None = None
    most_late_seconds: int | None = None


class TokenSummary(Frozen):
    """An API token, without its secret. `scopes` None: from before scopes, so it may do all that its person
    may; then it has no end (`expires_at`) either. `last_used_at` is right to the hour."""

    name: Code
    email: Code
    created_at: AwareDatetime
    scopes: tuple[Scope, ...] | None = None
    expires_at: AwareDatetime | None = None
    last_used_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None


class SessionSummary(Frozen):
    """A session that is open. `address` and `user_agent`: from where and with which browser it began; empty of
    one that a release before them began. `is_this`: the one that asks."""

    id: UUID
    address: str
    user_agent: str
    created_at: AwareDatetime
    last_seen: AwareDatetime
    is_this: bool


class PersonSummary(Frozen):
    """`link_until`: until when a one-time link waits to be used. `sessions`: how many are open; `last_seen`:
    when one of them was last used. `second_factor`: whether a code is asked for at signing in. `limits`: of
    roles that count for some entities and regions only. `has_password`: whether one is set."""

    id: UUID
    email: Code
    name: Text
    roles: tuple[Role, ...]
    limits: Limits = NO_LIMITS
    is_active: bool
    link_until: AwareDatetime | None = None
    sessions: int = 0
    last_seen: AwareDatetime | None = None
    second_factor: bool = False
    has_password: bool = True


class OpenCounts(Frozen):
    """For the navigation: open tasks that this person may decide, open exception items."""

    approvals: int
    exceptions: int
