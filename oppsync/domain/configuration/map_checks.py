"""Whether what the configuration maps is something that the vendor's connector maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from oppsync.domain.configuration.faults import Fault
from oppsync.domain.configuration.records import PlacedRow
from oppsync.domain.policy.connection_map import ConnectionMap
from oppsync.domain.reference.book import ReferenceKind


class WrongMap(NamedTuple):
    """`at`: where it stands in the row."""

    at: tuple[object, ...]
    problem: str
    fix: str = ""


# By the vendor's own model; everything that is wrong with the settings.
MapJudge = Callable[[str, Mapping[str, Any]], Sequence[WrongMap]]


def wrong_maps(rows: Sequence[PlacedRow], judge: MapJudge) -> Iterator[Fault]:
    for each in rows:
        if each.row.kind is ReferenceKind.CONNECTION_MAP:
            row = ConnectionMap.model_validate(each.row.value)
            for wrong in judge(row.vendor, row.given):
                yield each.place.fault(*wrong)
