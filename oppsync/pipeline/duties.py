"""Separation of duties, asked whenever somebody relies on it: who has a part in a deal, who may decide about
its plan, and which decisions do not stand any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.approval.deciding import barred, bars_for_good, deciding_roles, may_decide
from oppsync.domain.approval.involved import (
    Involved,
    involved,
    unmatched_owners,
    with_absences,
)
from oppsync.domain.approval.refusals import REFUSAL_REASONS, Refusal
from oppsync.domain.approval.tasks import ApprovalTask, Person, TaskStatus
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.parties import Party, parties_of
from oppsync.domain.deal.place import place_of
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval, seat_of
from oppsync.domain.plan.plan import Plan, short_hash
from oppsync.domain.plan.tampering import PlanTampered
from oppsync.domain.values.actor import person_actor, stage_actor
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import ApprovalVoided
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import NotFound
from oppsync.pipeline.stage import Advance, StageContext
from oppsync.ports.storage.unit_of_work import UnitOfWork

# By the code of the step that they may decide.
Candidates = Mapping[str, Sequence[Person]]


class Duties(NamedTuple):
    """Everybody there ever was, what binds some of them to a deal, and all the deal's tasks."""

    people: Sequence[Person]
    involved: Involved
    tasks: Sequence[ApprovalTask] = ()

    def able(
        self,
        others: Sequence[ApprovalTask] = (),
        required: Iterable[RequiredApproval] = DEFAULT_APPROVALS,
    ) -> Candidates:
        """Who may decide for each step, by name; `others`: the live tasks of the same plan."""
        return {
            step.step: [each for each in self.people if may_decide(each, step, self.involved, others) is None]
            for step in required
        }

    def candidates(
        self,
        others: Sequence[ApprovalTask] = (),
        required: Iterable[RequiredApproval] = DEFAULT_APPROVALS,
    ) -> Candidates:
        """Whom to ask: those of them who can sign in and are not away."""
        return {step: self.present(people) for step, people in self.eligible(others, required).items()}

    def eligible(
        self,
        others: Sequence[ApprovalTask] = (),
        required: Iterable[RequiredApproval] = DEFAULT_APPROVALS,
    ) -> Candidates:
        """Those of them who can sign in, also who is away: they come back."""
        able = self.able(others, required)
        return {step: [each for each in people if each.can_sign_in] for step, people in able.items()}

    def present(self, people: Sequence[Person]) -> Sequence[Person]:
        """Those who are not out of office; all of them, where nobody else is left."""
        return [each for each in people if not self.involved.is_away(each)] or people

    def with_changers(self, actors: Collection[str]) -> Duties:
        """With who changed the configuration, of a plan that is not stored."""
        people = tuple(each for each in self.people if person_actor(each.email) in actors)
        return self._replace(involved=changed(self.involved, changers=people))

    def of_plan(self, plan_hash: str | None) -> list[ApprovalTask]:
        """The live tasks of one plan."""
        return [
            task for task in self.tasks if task.plan_hash == plan_hash and task.status is not TaskStatus.VOID
        ]

    def decided(self, plan_hash: str | None) -> set[str]:
        """The seats for which a person approved the plan."""
        approved = [task for task in self.of_plan(plan_hash) if task.status is TaskStatus.APPROVED]
        return {task.role for task in approved if task.rule is None}

    def barred(self) -> Mapping[UUID, Collection[Refusal]]:
        """Who decides nothing of the plan, whatever becomes of it, and why."""
        part = self.involved.for_good()
        found = {each.id: bars_for_good(each, part) for each in self.people}
        return {person: reasons for person, reasons in found.items() if reasons}

    def why_not(
        self, required: Iterable[RequiredApproval], others: Sequence[ApprovalTask] = ()
    ) -> Mapping[str, Sequence[str]]:
        """For each step, those who would decide it if nothing barred them, and what does, in words."""
        return {
            step.step: [
                f"{each.name} {REFUSAL_REASONS[refusal]}"
                for each in self.people
                if deciding_roles(each, step)
                and (refusal := may_decide(each, step, self.involved, others)) is not None
            ]
            for step in required
        }

    def unmatched_owners(self) -> Sequence[Party]:
        return unmatched_owners(self.involved.parties, self.people)

    def name_of(self, person_id: UUID) -> str:
        return next((each.name for each in self.people if each.id == person_id), "Somebody")


class Fallen(NamedTuple):
    """A task that is to be decided anew: `because` its decision does not stand any more, or, where that is
    None, since nobody who was asked may decide it any more."""

    task: ApprovalTask
    because: Refusal | None


def duties(
    uow: UnitOfWork,
    tenant_id: str,
    opportunity_id: UUID | None,
    record: Opportunity | None,
    plan_hash: str | None = None,
    *,
    made: Plan | None = None,
) -> Duties:
    """`opportunity_id` None: of a deal that is not known here. `record`: as it was read last. `plan_hash`: the
    plan that is decided, without which nobody counts as who changed the configuration that it uses, nor as
    kept as barred from it; `made`: the plan itself, while it is not stored."""
    if opportunity_id is None:
        people = uow.people.everyone(tenant_id)
        part = Involved(parties=parties_of(record), place=place_of(record))
        return Duties(people, with_absences(part, people, uow.absences.all(tenant_id)))
    facts, named = uow.approvals.deciding(tenant_id, opportunity_id, plan_hash), parties_of(record)
    # A reading that is not stored yet may name users of whom other deals know further addresses.
    seen = uow.parties.under_each_address(tenant_id, opportunity_id, named) if made else ()
    part = involved(
        (*facts.parties, *seen, *named),
        facts.overrides,
        facts.tasks,
        facts.people,
        facts.shapers,
        changers=_changers(uow, tenant_id, opportunity_id, plan_hash, made),
        place=place_of(record),
        absences=facts.absences,
        kept=facts.kept,
    )
    return Duties(facts.people, part, facts.tasks)


def _changers(
    uow: UnitOfWork, tenant_id: str, opportunity_id: UUID, plan_hash: str | None, made: Plan | None
) -> Collection[str]:
    if made is not None:
        up_to = made.configuration.number if made.configuration else None
        return uow.plans.changers_of_rows(tenant_id, made.provenance.reference, up_to)
    return uow.plans.changers(tenant_id, opportunity_id, plan_hash) if plan_hash else ()


def required_of(
    uow: UnitOfWork, tenant_id: str, opportunity_id: UUID, plan_hash: str | None
) -> Sequence[RequiredApproval]:
    """Who has to approve a plan. Of one that is gone, or was changed in the database: finance and delivery; its
    stage parks the deal before anything comes of it."""
    try:
        return uow.plans.get(tenant_id, opportunity_id, plan_hash or "").content.required
    except (NotFound, PlanTampered):
        return DEFAULT_APPROVALS


def fallen(
    tasks: Sequence[ApprovalTask], known: Duties, required: Sequence[RequiredApproval] = DEFAULT_APPROVALS
) -> list[Fallen]:
    """Find the live tasks of one plan that are to be decided anew. A rule's approval stands, and after a
    rejection nothing is relied on."""
    if any(task.status is TaskStatus.REJECTED for task in tasks):
        return []
    approved = [task for task in tasks if task.status is TaskStatus.APPROVED]
    standing: list[ApprovalTask] = []
    found: list[Fallen] = []
    by_id = {person.id: person for person in known.people}
    for task in sorted(approved, key=lambda task: (task.decided_at or task.opened_at, task.id)):
        person = by_id.get(task.decided_by) if task.decided_by else None
        because = barred(person, known.involved.when(task.decided_at), standing) if person else None
        if because is None:
            standing.append(task)
        else:
            found.append(Fallen(task, because))
    # Whoever was asked and has to set a new password since then decides afterwards.
    able = known.able(standing, required)
    for task in tasks:
        step = seat_of(task.role, required).asks.step
        asked = {person.id for person in known.present(able.get(step, ()))}.intersection(task.candidates)
        if task.status is TaskStatus.OPEN and not asked:
            found.append(Fallen(task, None))
    return found


def duties_of(context: StageContext, opportunity: TrackedOpportunity) -> Duties:
    """As they are now; `opportunity`: with the last reading of its record."""
    tenant_id, made = opportunity.tenant_id, context.made
    with context.uow.reading() as uow:
        return duties(uow, tenant_id, opportunity.id, opportunity.record, opportunity.plan_hash, made=made)


def reconsider(
    context: StageContext,
    opportunity: TrackedOpportunity,
    known: Duties,
    required: Sequence[RequiredApproval],
) -> Advance | None:
    """Back to where a plan is put before people, when an approval does not stand any more or nobody who was
    asked may decide; None otherwise."""
    down = fallen(known.of_plan(opportunity.plan_hash), known, required)
    if not down:
        return None
    return Advance(
        State.PLANNED,
        opportunity,
        fallen={each.task.id: each.because for each in down},
        events=[_voided(context, opportunity, each, known) for each in down],
    )


def _voided(
    context: StageContext, opportunity: TrackedOpportunity, down: Fallen, known: Duties
) -> ApprovalVoided:
    task, because = down
    detail = {"task": str(task.id), "role": task.role, "plan": task.plan_hash}
    if because is None or task.decided_by is None:
        words = f"None of the people notified may decide for {task.seat.words} any more, so others are asked"
    else:
        who = known.name_of(task.decided_by)
        detail |= {"person": str(task.decided_by), "because": because.value}
        words = (
            f"{who}'s approval of plan {short_hash(task.plan_hash)} for {task.seat.words} does not stand any "
            f"more: {who} {REFUSAL_REASONS[because]}. It is asked anew"
        )
    return ApprovalVoided(
        opportunity_id=opportunity.id, actor=stage_actor(context.stage), detail=detail, summary=words
    )
