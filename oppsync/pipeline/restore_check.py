"""After a restored backup: does a deal have projects in the ERP that the restored ledger does not know?"""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.effects.effects import EffectState
from oppsync.domain.plan.plan import ROOT_PATH, Plan
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.destination import erp_of
from oppsync.pipeline.effects import StageEffects
from oppsync.pipeline.look_ups import look_ups
from oppsync.pipeline.outside_keys import key_of
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory
from oppsync.ports.systems import Systems

APPROVAL_LOST = finding("APPROVAL_LOST", "The ERP has its project, but no approval of it is recorded")
LOST_BUT_CREATED = finding(
    "LOST_AFTER_APPROVAL", "The deal is no longer won, but its projects exist", path="/stage"
)

LOST_WHILE_PLANNED_ANEW = finding(
    "LOST_WHILE_PLANNED_ANEW",
    "The deal is no longer won, and projects of its approved plan exist",
    path="/stage",
)


@dataclass(frozen=True)
class MadeNow:
    """A plan of this run that is not stored yet. All its keys are looked up at once, and what is absent need
    not be looked up again if the deal goes on to its projects."""

    plan: Plan
    effects: StageEffects


def has_project_without_ledger_row(
    uow_factory: UnitOfWorkFactory,
    systems: Systems,
    opportunity: TrackedOpportunity,
    made: MadeNow | None = None,
) -> bool:
    """Whether the ERP has this deal's parent project although the ledger knows of none. `made`: its plan, while
    that is not stored."""
    key = key_of(opportunity, EffectKind.PARENT, ROOT_PATH)
    with uow_factory.reading() as uow:
        row = uow.ledger.get(opportunity.tenant_id, key)
        if row is not None and row.state not in (EffectState.INTENDED, EffectState.REJECTED):
            return False
    return _has_project(uow_factory, systems, opportunity, made)


def erp_answers(uow_factory: UnitOfWorkFactory, systems: Systems, opportunity: TrackedOpportunity) -> bool:
    """True; raises what a system that is away raises."""
    _has_project(uow_factory, systems, opportunity)
    return True


def _has_project(
    uow_factory: UnitOfWorkFactory,
    systems: Systems,
    opportunity: TrackedOpportunity,
    made: MadeNow | None = None,
) -> bool:
    chosen = made.plan.systems if made else None
    if chosen is None and opportunity.plan_hash is not None:
        with uow_factory.reading() as uow:
            chosen = uow.plans.systems_of(opportunity.tenant_id, opportunity.id, opportunity.plan_hash)
    _, erp = erp_of(systems, opportunity, chosen)
    root = key_of(opportunity, EffectKind.PARENT, ROOT_PATH)
    if made is not None:
        made.effects.prefetch_missing(*look_ups(opportunity, made.plan.content, erp))
        if made.effects.is_absent(root):
            return False
    return bool(erp.existing_keys([root]))
