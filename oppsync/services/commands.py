"""What can be asked of the application. Web, actors and command line dispatch these; one handler each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from oppsync.bus import Command
from oppsync.domain.approvals import ApprovalTask, Decision, PersonRole
from oppsync.domain.backfill import BackfillPreview, BackfillStep, WonDeal
from oppsync.domain.intake import Delivery
from oppsync.domain.opportunity import Opportunity
from oppsync.domain.overrides import OverrideField, PlanOverride
from oppsync.domain.preview import PlanPreview
from oppsync.domain.reference import ReferenceRow
from oppsync.domain.replays import Previewed, ReplayOf, ReplayPreview, ReplayReport, Selection


@dataclass(frozen=True)
class Accepted:
    """`is_new` is False when this delivery was already in the inbox under the same event id."""

    event_id: UUID
    is_new: bool


@dataclass(frozen=True)
class AcceptDelivery(Command[Accepted]):
    """A verified delivery. Never raises for its content: an unreadable one is stored with an exception."""

    delivery: Delivery


@dataclass(frozen=True)
class RunStage(Command[None]):
    """Work the opportunity from `stage` on, if that is where it stands and it is due."""

    opportunity_id: UUID
    stage: str


@dataclass(frozen=True)
class PollCrm(Command[bool]):
    """Ask the CRM whose poll is due first for one page of what changed, and take in what nothing told us of.
    False when no poll is due. Raises StoreUnavailable; a CRM's failure is recorded, and tried again later."""


@dataclass(frozen=True)
class PreviewBackfill(Command[BackfillPreview]):
    """Deals won from the day `since` on, before the day `until`, in the CRM of `connection_id` or the only one.
    Raises InvalidInput; and what the CRM's adapter raises."""

    tenant_id: str
    since: date
    until: date | None = None
    connection_id: str | None = None


@dataclass(frozen=True)
class RunBackfill(Command[BackfillStep]):
    """Take in as many of these deals, a thousand at most, as there is room for; those that are known stay as
    they are. To be repeated with the rest; repeating it with the same ones changes nothing."""

    tenant_id: str
    connection_id: str
    deals: Sequence[WonDeal]


@dataclass(frozen=True)
class DecideApproval(Command[ApprovalTask]):
    """Raises NotFound; Forbidden (codes of `domain.approvals.Refusal`); Conflict
    (codes PLAN_CHANGED, ALREADY_DECIDED, REREAD_DUE); InvalidInput for a rejection without a comment."""

    tenant_id: str
    task_id: UUID
    plan_hash: str
    person_id: UUID
    decision: Decision
    comment: str = ""


@dataclass(frozen=True)
class OverridePlan(Command[PlanOverride]):
    """Say one field of one workstream otherwise, or take back what was said (`value` None). The plan is made
    anew, and waits for approval anew. Raises NotFound; Forbidden (code MAY_NOT_OVERRIDE); Conflict (codes
    NOT_OVERRIDABLE, ALREADY_DECIDED); InvalidInput, which names the field, for what does not fit."""

    tenant_id: str
    opportunity_id: UUID
    person_id: UUID
    workstream: str
    field: OverrideField
    value: str | None
    reason: str


@dataclass(frozen=True)
class ReplayException(Command[None]):
    """Work it again from the stage it stopped at. Raises NotFound; Conflict (code ALREADY_CLOSED)."""

    tenant_id: str
    item_id: UUID
    actor: str


@dataclass(frozen=True)
class PreviewReplay(Command[ReplayPreview]):
    """What a replay would do of each. Raises InvalidInput for an empty selection or an unknown stage."""

    tenant_id: str
    selection: Selection
    from_stage: str | None = None


@dataclass(frozen=True)
class RunReplay(Command[ReplayReport]):
    """Replay what a preview showed; what changed since, or would not run now, is skipped and told.
    Raises InvalidInput for an unknown stage."""

    tenant_id: str
    actor: str
    of: ReplayOf
    items: Sequence[Previewed]
    from_stage: str | None = None


@dataclass(frozen=True)
class PreviewPlan(Command[PlanPreview]):
    """What a deal would become. `of`: the deal itself, the id of a stored one, or its record's id in the CRM;
    the last two are read from the CRM anew. Raises NotFound, and what the adapters of CRM and ERP raise."""

    tenant_id: str
    of: Opportunity | UUID | str


@dataclass(frozen=True)
class DismissException(Command[None]):
    """Close without replay. Raises NotFound; Conflict (ALREADY_CLOSED); InvalidInput without a reason."""

    tenant_id: str
    item_id: UUID
    actor: str
    reason: str


@dataclass(frozen=True)
class LinkCustomer(Command[None]):
    """Say which customer of the ERP this item's account is; the deal is replayed. Raises NotFound; Conflict
    (codes ALREADY_CLOSED, NO_CUSTOMER_ASKED); InvalidInput for a customer that the ERP does not have."""

    tenant_id: str
    item_id: UUID
    actor: str
    customer: str


@dataclass(frozen=True)
class Compensate(Command[None]):
    """Give a parked deal up: what was created of it is closed, in reverse order, and the CRM told why.
    Raises NotFound; Conflict (code NOT_COMPENSABLE); InvalidInput without a reason."""

    tenant_id: str
    opportunity_id: UUID
    actor: str
    reason: str


@dataclass(frozen=True)
class ReconcileRestore(Command[Sequence[UUID]]):
    """After a restored backup: raise APPROVAL_LOST for deals whose projects exist unknown to us, or
    LOST_AFTER_APPROVAL where the deal is withdrawn here. Returns which deals.

    Raises what the ERP's adapter raises; may be repeated.
    """

    tenant_id: str
    actor: str


@dataclass(frozen=True)
class SetApprovalRule(Command[None]):
    """Set a rule from a day on, or until one: a row of kind `approval_rule`. Raises InvalidInput when it would
    overlap another row of its name."""

    tenant_id: str
    row: ReferenceRow
    actor: str


@dataclass(frozen=True)
class CreatePerson(Command[UUID]):
    """Raises Conflict when the e-mail is taken; InvalidInput for a weak password or a malformed e-mail."""

    tenant_id: str
    email: str
    name: str
    password: str
    roles: frozenset[PersonRole]


@dataclass(frozen=True)
class CreateToken(Command[str]):
    """An API token acting as a person. Returns the secret, which is shown once.
    Raises NotFound for the person; Conflict when the name is taken."""

    tenant_id: str
    name: str
    email: str


@dataclass(frozen=True)
class SignIn(Command[str]):
    """Returns a session's secret for the cookie. Raises Forbidden (code SIGN_IN_REFUSED)."""

    tenant_id: str
    email: str
    password: str


@dataclass(frozen=True)
class SignOut(Command[None]):
    session_secret: str
