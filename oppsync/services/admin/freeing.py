"""Who was barred from plans because the CRM knew them by the wrong name is free when that is corrected."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from oppsync.domain.approval.involved import is_same
from oppsync.domain.approval.refusals import REFUSAL_REASONS, Refusal
from oppsync.domain.approval.tasks import Person
from oppsync.domain.plan.plan import short_hash
from oppsync.domain.work.events import ApproverFreed
from oppsync.pipeline.duties import Duties, duties
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork

# By deal and plan.
Known = Mapping[tuple[UUID, str], Duties]


def barred_by(uow: UnitOfWork, tenant_id: str, person: Person) -> Known:
    """What bars from the plans that the person, who is the same as them, or who stands in for one of these is
    kept as barred from. Their deals stay locked."""
    same = {each.id for each in uow.people.everyone(tenant_id) if is_same(each, person)}
    delegates = {each.delegate_id for each in uow.absences.all(tenant_id).rows if each.person_id in same}
    people = same | {each for each in delegates if each is not None}
    return _known(uow, tenant_id, uow.approvals.plans_barred_from(tenant_id, people))


def free(uow: UnitOfWork, publish: Publish, tenant_id: str, actor: str, before: Known) -> None:
    """Free whom something barred `before` that does not bar them any more. What was kept for another reason
    stays."""
    after = _known(uow, tenant_id, list(before))
    for (opportunity_id, plan_hash), known in before.items():
        kept = uow.approvals.deciding(tenant_id, opportunity_id, plan_hash).kept
        still = after[opportunity_id, plan_hash].barred()
        freed = {
            person: gone
            for person, reasons in known.barred().items()
            if (gone := {*reasons}.intersection(kept.get(person, ())) - {*still.get(person, ())})
        }
        deal = uow.opportunities.lock(tenant_id, opportunity_id)
        for person, gone in freed.items():
            event = ApproverFreed(
                opportunity_id=opportunity_id,
                actor=actor,
                detail={"person": str(person), "plan": plan_hash, "reasons": sorted(gone)},
                summary=_in_words(known.name_of(person), plan_hash, gone),
            )
            publish(uow, tenant_id, deal.traceparent, event)
        uow.approvals.free(tenant_id, opportunity_id, plan_hash, freed)


def _known(uow: UnitOfWork, tenant_id: str, of: Sequence[tuple[UUID, str]]) -> Known:
    deals = {each: uow.opportunities.lock(tenant_id, each) for each in dict.fromkeys(deal for deal, _ in of)}
    return {
        (deal, plan_hash): duties(uow, tenant_id, deal, deals[deal].record, plan_hash) for deal, plan_hash in of
    }


def _in_words(name: str, plan_hash: str, gone: Collection[Refusal]) -> str:
    why = " or ".join(REFUSAL_REASONS[each] for each in sorted(gone))
    return (
        f"{name} may decide plan {short_hash(plan_hash)} as far as this goes: that {name} {why} was a mistake "
        "in how the CRM knows people, which was corrected"
    )
