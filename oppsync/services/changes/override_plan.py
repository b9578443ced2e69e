"""A person overrides one field of one workstream before the plan is approved: the plan is made anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action, check, name_of
from oppsync.domain.plan.overrides import NewOverride, PlanOverride, in_force
from oppsync.domain.planning.apply_overrides import apply
from oppsync.domain.planning.split import split
from oppsync.domain.values.actor import person_behind, scopes_of
from oppsync.domain.values.findings.finding import blocking
from oppsync.domain.values.model import require
from oppsync.domain.work.events import ApprovalVoided, PlanOverridden
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.kernel.text_input import comment, words
from oppsync.pipeline.approve import weigh_decisions
from oppsync.pipeline.duties import required_of
from oppsync.pipeline.stage import Await
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.changes.commands import OverridePlan
from oppsync.services.queue.own_deal import check_not_own
from oppsync.services.queue.reach import check_reach
from oppsync.services.queue.resume import resume

# States in which a deal may have its workstreams and nobody has approved them yet. `validated` is one of them:
# a deal may be parked there with a margin that an override made too thin, and another override corrects it.
_OVERRIDABLE = frozenset({State.VALIDATED, State.ENRICHED, State.PLANNED, State.AWAITING_APPROVAL})

LONGEST = 200  # of a workstream's key and of a value
NO_VALUE = (
    "The value is empty: give a value, or take the override back (null in the API, --take-back on the "
    "command line)."
)


@dataclass(frozen=True)
class OverridePlanHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: OverridePlan) -> PlanOverride:
        with self.uow() as uow:
            person = uow.people.get(command.tenant_id, person_behind(command.actor))
            check(person, Action.OVERRIDE_PLAN, scopes_of(command.actor))
            new = _new(command)
            # Locked: a decision and an override take turns.
            before = uow.opportunities.lock(command.tenant_id, command.opportunity_id)
            check_reach(uow, before.tenant_id, before, person.id, Action.OVERRIDE_PLAN)
            check_not_own(uow, before, person.id)
            _check_undecided(uow, before)
            earlier = uow.overrides.of(before.tenant_id, before.id)
            override = uow.overrides.add(before.tenant_id, before.id, person, new)
            _check_fits(uow, before, earlier, override)
            self._make_anew(uow, before, override, person)
            crash_point("override.uncommitted", before.source_id)
            uow.commit()
            crash_point("override.committed", before.source_id)
        return override

    def _make_anew(
        self, uow: UnitOfWork, before: TrackedOpportunity, override: PlanOverride, person: Person
    ) -> None:
        actor = name_of(person)
        what = f"{override.field.replace('_', ' ')} of {override.workstream}"
        change = f"set to {override.value}" if override.value is not None else "override taken back"
        event = PlanOverridden(
            opportunity_id=before.id,
            actor=actor,
            before={"plan": before.plan_hash},
            after={"workstream": override.workstream, "field": override.field.value, "value": override.value},
            detail={"override": str(override.id), "reason": override.reason},
            summary=f"{person.name}: {what} {change}: {override.reason}",
        )
        self.publish(uow, before.tenant_id, before.traceparent, event, *_void(uow, before, actor))
        uow.exceptions.close_open(before.tenant_id, before.id, actor, f"Overridden: {override.reason}")
        detail = {"override": str(override.id)}
        resume(
            uow,
            self.publish,
            before,
            State.RECEIVED,
            actor=actor,
            after_what="after an override",
            detail=detail,
        )


def _void(uow: UnitOfWork, before: TrackedOpportunity, actor: str) -> Sequence[ApprovalVoided]:
    """Whatever the new plan's hash: who approved did so before this override."""
    count = uow.approvals.void(before.tenant_id, before.id, None)
    if count == 0:
        return []
    return [
        ApprovalVoided(
            opportunity_id=before.id,
            actor=actor,
            detail={"tasks": count, "plan": before.plan_hash},
            summary=f"{count} approval tasks no longer count: the plan was overridden",
        )
    ]


def _new(command: OverridePlan) -> NewOverride:
    reason = comment(
        command.reason, "reason", required="Give a reason for this override; approvers will see it."
    )
    workstream = words(
        command.workstream, "workstream", empty="The workstream is empty: give its key.", longest=LONGEST
    )
    value = command.value
    if value is not None:
        value = words(value, "value", empty=NO_VALUE, longest=LONGEST)
    return NewOverride(workstream=workstream, field=command.field, value=value, reason=reason)


def _check_undecided(uow: UnitOfWork, opportunity: TrackedOpportunity) -> None:
    """Raises Conflict unless there are workstreams, and no decision about them."""
    stands_at = opportunity.stands_at
    if stands_at not in _OVERRIDABLE or not _is_enriched(opportunity):
        raise Conflict(
            f"A plan can be changed only between planning and approval; this deal is {stands_at}.",
            code="NOT_OVERRIDABLE",
        )
    tasks = uow.approvals.of(opportunity.tenant_id, opportunity.id)
    required = required_of(uow, opportunity.tenant_id, opportunity.id, opportunity.plan_hash)
    weighed = weigh_decisions(opportunity, tasks, required)
    if stands_at is State.AWAITING_APPROVAL and not isinstance(weighed, Await):
        raise Conflict("This plan was decided already.", code="ALREADY_DECIDED")


def _is_enriched(opportunity: TrackedOpportunity) -> bool:
    """Whether its enrichment covers all lines of the record as last read."""
    record, enrichment = opportunity.record, opportunity.enrichment
    if record is None or enrichment is None:
        return False
    return {line.id for line in record.lines} <= {line.line_id for line in enrichment.lines}


def _check_fits(
    uow: UnitOfWork, opportunity: TrackedOpportunity, earlier: Sequence[PlanOverride], override: PlanOverride
) -> None:
    """Raises InvalidInput for a workstream that does not exist, or a value that does not fit."""
    record = require(opportunity.record, "the record")
    enrichment = require(opportunity.enrichment, "the enrichment")
    workstreams = split(record, enrichment)
    keys = [workstream.key for workstream in workstreams]
    if override.workstream not in keys:
        raise InvalidInput(
            f"There is no workstream {override.workstream}: this deal has {', '.join(keys)}.",
            field="workstream",
        )
    named = {(each.workstream, each.field) for each in in_force(earlier)}
    if override.value is None and (override.workstream, override.field) not in named:
        raise InvalidInput("This field has no override to take back.", field="value")
    book = uow.references.book(opportunity.tenant_id)
    won_on = require(record.won_on, "the close date")
    result = apply(workstreams, [*earlier, override], book, won_on)
    path = f"/overrides/{override.workstream}/"
    wrong = [found.message for found in blocking(result.findings) if found.path.startswith(path)]
    if override.value is not None and wrong:
        raise InvalidInput(f"{wrong[0]}.", field="value", code="OVERRIDE_NOT_POSSIBLE")
