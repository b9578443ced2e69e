"""Where a deal is made, as far as its record says."""

from __future__ import annotations

from collections.abc import Iterable

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.values.limits import Place


def place_of(record: Opportunity | None) -> Place | None:
    if record is None:
        return None
    return made_in(record.contracting_entity, record.region, (line.delivery_region for line in record.lines))


def made_in(entity: str | None, region: str | None, delivered_in: Iterable[str | None]) -> Place:
    """`delivered_in`: the regions that lines name for themselves."""
    regions = dict.fromkeys(each for each in (region, *delivered_in) if each is not None)
    return Place(entity=entity, regions=tuple(regions))
