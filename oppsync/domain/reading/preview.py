"""What a deal, open or won, would become if it went through now: the answer of a dry run."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime, computed_field

from oppsync.domain.approval.tasks import RuleUse
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.plan import ROOT_PATH, Plan
from oppsync.domain.reading.plan_money import PlanMoney, money_of
from oppsync.domain.values.findings.finding import Finding, Severity, blocking
from oppsync.domain.values.model import Code, Frozen, Quantity, Text, changed
from oppsync.domain.values.money import Money

# Findings that stop a deal but leave its figures right: the plan is shown beside them.
LEAVE_A_PLAN = frozenset(
    {
        "ACCOUNT_UNKNOWN",
        "CURRENCY_NOT_ALLOWED",
        "CUSTOMER_CONTRADICTS",
        "LEGAL_ENTITY_NOT_APPROVED",
        "LEGAL_ENTITY_NOT_READY",
        "OWNER_EMAIL_MISSING",
        "WON_IN_THE_FUTURE",
    }
)


class Approver(Frozen):
    name: Text
    email: Code


class NeededApproval(Frozen):
    """One step that would have to approve, with the people who could or the rule that does. When too few could,
    there is a finding. `count`: how many of them; steps of one `order` are asked side by side."""

    role: Code
    name: Text
    count: int = 1
    order: int = 1
    candidates: tuple[Approver, ...]
    rule: RuleUse | None = None


class PlanPreview(Frozen):
    """`findings`: of every stage, those that block and those that warn. `plan` is None when the findings leave
    none. The same deal, won on `as_of` with the same reference data, gets a plan of the same `hash`.

    `as_of`: the day whose reference values were taken. For a won deal it is the day it was won; for an open
    one the day it is expected to be, or today at its entity where that day has passed or is not known.
    `waits_until`: when the close date of a won deal begins at its entity; the deal waits for that.
    `configuration`: whose rows these are; None where they are no installation's own.
    """

    system: Code
    record_id: Code
    source_version: Code
    name: Text
    is_won: bool
    as_of: date
    findings: tuple[Finding, ...]
    plan: Plan | None
    hash: Code | None
    approvals: tuple[NeededApproval, ...]
    waits_until: AwareDatetime | None = None
    configuration: ConfigurationUse | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_blocked(self) -> bool:
        return bool(blocking(self.findings))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def cost(self) -> Money | None:
        """The whole deal's cost; None while one of its costs is not known."""
        return self.plan.content.node(ROOT_PATH).cost if self.plan else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def margin_percent(self) -> Quantity | None:
        return self.plan.content.node(ROOT_PATH).margin_percent if self.plan else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def money(self) -> PlanMoney | None:
        """What the plan comes to, with the tax of each billing line."""
        return money_of(self.plan.content) if self.plan else None


def leaves_a_plan(found: Finding) -> bool:
    return found.severity is not Severity.BLOCKS or found.code in LEAVE_A_PLAN


def as_if_won(deal: Opportunity, today: date) -> Opportunity:
    """The deal with a day whose reference values it gets; a won deal keeps its own."""
    if deal.won_on is not None and (deal.is_won or deal.won_on >= today):
        return deal
    return changed(deal, won_on=today)
