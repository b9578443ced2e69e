"""`python -m benchmarks.plan_size`: what a plan costs by its number of lines, in seconds of CPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from benchmarks import report
from oppsync.domain.enrichment.enrich import enrich
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.planning.overridden_dates import DateFacts
from oppsync.domain.planning.workstreams import make_workstreams
from oppsync.pipeline.split_workstreams import plan_of
from sandbox.contracts import deals

Made = TypeVar("Made")
AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
DATES = DateFacts(today=AT.date(), books_open_until=None, confirmations=())


def main() -> None:
    parser = report.arguments("A plan of many lines, from the deal as read to its hash.")
    parser.add_argument("--lines", type=int, nargs="+", default=[50, 100, 200, 400, 1000])
    options = parser.parse_args()
    machine = report.machine()
    measure(10)  # what is only worked out once
    report.finish("plan_size", machine, [measure(count) for count in options.lines], options.json)


def measure(count: int) -> dict[str, object]:
    book = deals.book()
    deal = deals.opportunity(*(deals.fixed_line(id=f"00k{number:04d}") for number in range(count)))
    enrichment, enriching = timed(lambda: enrich(deal, book))
    if not isinstance(enrichment, Enrichment):
        raise SystemExit(f"the deal cannot be enriched: {enrichment[0].message}")
    workstreams, splitting = timed(lambda: make_workstreams(deal, enrichment, (), book, DATES))
    plan, planning = timed(lambda: plan_of(deal, enrichment, workstreams, AT))
    _, hashing = timed(lambda: plan.hash)
    total = enriching + splitting + planning + hashing
    return {
        "lines": count,
        "enrich": enriching,
        "split": splitting,
        "plan": planning,
        "hash": hashing,
        "all": total,
    }


def timed(work: Callable[[], Made]) -> tuple[Made, float]:
    began = time.process_time()
    made = work()
    return made, time.process_time() - began


if __name__ == "__main__":
    main()
