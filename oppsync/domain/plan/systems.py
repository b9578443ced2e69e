"""Which of the connected systems a deal goes to: chosen once, when it is planned, and kept with the plan."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.limits import Limit, watched_in_words
from oppsync.domain.values.model import Code, Frozen, omitted_at

# Where findings about where a deal goes stand.
SYSTEMS = "/systems"


class ParentValues(NamedTuple):
    """The values of a deal's parent project by which its systems are chosen. `day`: when it was won."""

    legal_entity: str | None = None
    region: str | None = None
    service_line: str | None = None
    day: date | None = None


class PlanSystems(Frozen):
    """The connections that a plan goes to; `psa` is None when no PSA takes part. `watched`: the plan's limits
    that this ERP only notes, so that people have to watch them."""

    erp: Code
    psa: Code | None = None
    watched: tuple[Limit, ...] = omitted_at(())

    @property
    def watched_in_words(self) -> str:
        return watched_in_words(self.watched)


def parent_values(record: Opportunity | None) -> ParentValues:
    """All None for a deal that was never read."""
    if record is None:
        return ParentValues()
    return ParentValues(record.contracting_entity, record.region, record.service_line, record.won_on)
