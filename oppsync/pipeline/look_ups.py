"""Look up which keys of a plan exist in its ERP: its projects and tasks together, and its billing lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from oppsync.domain.plan.plan import PlanContent
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.calls import LookUp
from oppsync.pipeline.outside_keys import KIND_OF, key_of
from oppsync.ports.erp import Erp


def look_ups(opportunity: TrackedOpportunity, plan: PlanContent, erp: Erp) -> tuple[LookUp, LookUp]:
    """Neither waits for the other."""
    nodes = [key_of(opportunity, KIND_OF[node.kind], node.path) for node in plan.nodes]
    lines = [key_of(opportunity, EffectKind.BILLING_LINE, line.path) for _, line in plan.billing_lines()]
    return LookUp(nodes, erp.existing_keys), LookUp(lines, partial(existing_lines, opportunity, [plan], erp))


def existing_lines(
    opportunity: TrackedOpportunity, plans: Sequence[PlanContent], erp: Erp, keys: Sequence[str]
) -> Collection[str]:
    """`plans`: also earlier ones, which may give a line another form."""
    existing = set[str]()
    for plan in plans:
        all_of_it = {
            key_of(opportunity, EffectKind.BILLING_LINE, line.path): line for _, line in plan.billing_lines()
        }
        if wanted := {key: line for key, line in all_of_it.items() if key in keys}:
            existing |= set(erp.existing_lines(plan, wanted))
    return existing
