"""Which deals a list shows. Each figure of the dashboard names by it the deals that it is made of."""

from __future__ import annotations

from datetime import date

from oppsync.domain.values.model import Code, Frozen
from oppsync.domain.work.states import ENDED, State

# Won, not active, and on its way there. What was rejected, or is being given up, is not.
UNDER_WAY = frozenset(State) - ENDED - {State.REFUSED, State.COMPENSATING}


class DealFilter(Frozen):
    """All of what is named has to hold. `won_to` is the last day. `cause`: the code of the exception for which
    a deal is parked. `planned`: it has a plan, and is active or under way. `revenue_in`: a month, `2026-06`,
    for which its current plan has revenue."""

    under_way: bool = False
    planned: bool = False
    entity: Code | None = None
    currency: Code | None = None
    won_from: date | None = None
    won_to: date | None = None
    cause: Code | None = None
    revenue_in: Code | None = None
