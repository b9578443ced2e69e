"""Whether a deal is within the limits of the role by which somebody works on it."""

from __future__ import annotations

from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.who_may import RIGHTS, Action, is_within, limits_in_words, outside_in_words
from oppsync.domain.deal.place import place_of
from oppsync.domain.values.actor import Asker, Program, person_behind
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import Forbidden
from oppsync.ports.storage.unit_of_work import UnitOfWork


def check_reach(
    uow: UnitOfWork, tenant_id: str, deal: TrackedOpportunity | None, asker: Asker, action: Action
) -> None:
    """Raises Forbidden (code OUTSIDE_LIMITS) where the role that gives the right counts for other entities or
    regions. `deal` None: it is about the whole firm, such as a delivery that cannot be read."""
    if isinstance(asker, Program):
        return
    person = uow.people.get(tenant_id, person_behind(asker))
    place = place_of(deal.record) if deal else None
    if is_within(person, action, place):
        return
    roles = RIGHTS[action].roles
    why = (
        outside_in_words(person, roles, place)
        if deal
        else f"You are {limits_in_words(person, roles)}; this is about no single deal."
    )
    raise Forbidden(why, code=Refusal.OUTSIDE_LIMITS)
