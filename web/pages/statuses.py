"""Statuses as people see them: one word, one tone, one icon, and who acts next."""

from __future__ import annotations

from typing import NamedTuple

from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.billing.table import BILLING_MODELS as TABLE
from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.effects.effects import EffectState
from oppsync.domain.reading.readings import OpportunityDetail, OpportunitySummary
from oppsync.domain.reference.billing_policy import RevenueMethod
from oppsync.domain.revenue.table import RECOGNITIONS
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.exceptions import Disposition, ExceptionItem, ExceptionStatus
from oppsync.domain.work.states import RESTING, State


class Shown(NamedTuple):
    word: str
    tone: str
    icon: str
    explains: str = ""


STATES: dict[State, Shown] = {
    State.RECEIVED: Shown("Queued", "neutral", "ring", "Next: it is read from the CRM and validated."),
    State.VALIDATED: Shown("Running", "info", "arrow", "Validated. Next: it is enriched from reference data."),
    State.ENRICHED: Shown("Running", "info", "arrow", "Enriched. Next: its plan is made."),
    State.PLANNED: Shown("Running", "info", "arrow", "Planned. Next: approvals are asked for."),
    State.AWAITING_APPROVAL: Shown(
        "Waiting", "wait", "hourglass", "The people whom its plan needs decide on it."
    ),
    State.APPROVED: Shown("Running", "info", "arrow", "Approved. Next: projects and billing are created."),
    State.CREATED: Shown(
        "Running", "info", "arrow", "Created. Next: the projects are written back to the CRM and the PSA."
    ),
    State.ACTIVE: Shown("Active", "good", "ringed-tick", "Its projects exist, and the CRM knows them."),
    State.REFUSED: Shown("Running", "info", "arrow", "Rejected. Next: the reason is sent to the CRM."),
    State.REJECTED: Shown(
        "Rejected", "neutral", "barred", "The plan was rejected, and the CRM has the reason."
    ),
    State.PARKED: Shown("Parked", "bad", "triangle", "A person has to act: see the exception."),
    State.WITHDRAWN: Shown(
        "Withdrawn", "neutral", "dash", "The deal is no longer won, or was given up. Won again, it resumes."
    ),
    State.COMPENSATING: Shown(
        "Running",
        "info",
        "arrow",
        "Given up. Next: what was created is closed, and the reason is sent to the CRM.",
    ),
}
# Where the state's own name says something else to people.
_STATE_NAMES: dict[State, str] = {State.REFUSED: "rejection pending"}
TASKS: dict[TaskStatus, Shown] = {
    TaskStatus.OPEN: Shown("Waiting", "wait", "hourglass"),
    TaskStatus.APPROVED: Shown("Approved", "good", "tick"),
    TaskStatus.REJECTED: Shown("Rejected", "neutral", "barred"),
    TaskStatus.VOID: Shown("Superseded", "neutral", "chevrons"),
}
EFFECTS: dict[EffectState, Shown] = {
    EffectState.INTENDED: Shown("Queued", "neutral", "ring"),
    EffectState.SENT: Shown("Running", "info", "arrow"),
    EffectState.CONFIRMED: Shown("Confirmed", "good", "tick"),
    EffectState.REJECTED: Shown("Failed", "bad", "triangle"),
    EffectState.UNKNOWN: Shown("Unknown", "wait", "hourglass"),
    EffectState.CANCELLED: Shown("Closed", "neutral", "barred"),
}
_WAITING = Shown("Waiting", "wait", "hourglass", "It goes on by itself; nobody has to act.")
_RETRYING = Shown("Retrying", "info", "loop", "An outside system did not answer; it is tried again by itself.")
_DEAD_LETTER = Shown("Dead-letter", "bad", "octagon")
_EXCEPTIONS: dict[ExceptionStatus, Shown] = {
    ExceptionStatus.OPEN: Shown("Open", "bad", "dot"),
    ExceptionStatus.REPLAYED: Shown("Replayed", "good", "flag"),
    ExceptionStatus.DISMISSED: Shown("Dismissed", "neutral", "dash"),
}
EFFECT_KINDS: dict[EffectKind, str] = {
    EffectKind.PARENT: "Project",
    EffectKind.CHILD: "Child project",
    EffectKind.TASK: "Task",
    EffectKind.BILLING_LINE: "Billing line",
    EffectKind.CRM_WRITE_BACK: "CRM write-back",
    EffectKind.PSA_PROJECT: "PSA project",
    EffectKind.PSA_WRITE_BACK: "PSA write-back",
    EffectKind.STAFFING: "Staffing request",
    EffectKind.NOTIFICATION: "Notification",
    EffectKind.CANCELLATION: "Closing of",
    EffectKind.CUSTOMER: "Customer",
}
BILLING_MODELS: dict[BillingModelCode, str] = {model.code: model.title for model in TABLE.values()}
REVENUE_METHODS: dict[RevenueMethod, str] = {method: each.title for method, each in RECOGNITIONS.items()}


def state_name(state: State) -> str:
    return _STATE_NAMES.get(state, state.replace("_", " "))


def of_opportunity(opportunity: OpportunitySummary) -> Shown:
    retries = isinstance(opportunity, OpportunityDetail) and opportunity.tries > 0
    if retries and opportunity.state not in RESTING:
        return _RETRYING
    if opportunity.waits_for is not None and opportunity.state not in (*RESTING, State.AWAITING_APPROVAL):
        return _WAITING
    return STATES[opportunity.state]


def of_exception(item: ExceptionItem) -> Shown:
    if item.status is ExceptionStatus.OPEN and item.disposition is Disposition.DEAD_LETTER:
        return _DEAD_LETTER
    return _EXCEPTIONS[item.status]
