"""Who has a part in a deal in the CRM answers no question about it and overrides nothing of its plan: their
word is not a second one."""

from __future__ import annotations

from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.values.actor import Asker, Program, person_behind
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import Forbidden
from oppsync.pipeline.duties import duties
from oppsync.ports.storage.unit_of_work import UnitOfWork


def check_not_own(uow: UnitOfWork, deal: TrackedOpportunity, asker: Asker) -> None:
    """Raises Forbidden for somebody who owns the deal, owned it before, or requested it."""
    if isinstance(asker, Program):
        return
    known = duties(uow, deal.tenant_id, deal.id, deal.record)
    if known.involved.owns(uow.people.get(deal.tenant_id, person_behind(asker))):
        raise Forbidden(
            "You own this opportunity, owned it before, or requested it; another person has to do this.",
            code=Refusal.OWN_OPPORTUNITY,
        )
