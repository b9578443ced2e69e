"""Approval rules: the conditions under which a plan is approved without a person."""

from __future__ import annotations

from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.values.condition import Condition, Example
from oppsync.domain.values.model import Code, Frozen, Quantity, omitted_at
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import ApprovalRole, RoleCode


class ApprovalRule(Frozen):
    """Key: the rule's name. A plan that meets every condition is approved without a person
    by every step that one of `roles` may decide.

    `up_to` is the largest contract total, in its currency alone. Empty `legal_entities` or `billing_models`
    mean any. `known_customers_only`: the customer has an earlier deal whose projects became active. A plan
    whose margin is below `least_margin_percent`, or not known, is not covered; nor is one for which the
    `condition` does not hold or cannot be evaluated. `examples` show what the condition means.
    """

    up_to: Money
    roles: tuple[RoleCode, ...] = tuple(ApprovalRole)
    legal_entities: tuple[Code, ...] = ()
    billing_models: tuple[BillingModelCode, ...] = ()
    known_customers_only: bool = True
    least_margin_percent: Quantity | None = omitted_at(None)
    condition: Condition | None = omitted_at(None)
    examples: tuple[Example, ...] = omitted_at(())
