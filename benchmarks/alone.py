"""`python -m benchmarks.alone --delay 100`: one deal in a product that has nothing else to do, several times.

Each deal has a slot of time to itself. Then as many slots pass without a deal: what relay and idle workers ask
by the clock, and what this benchmark asks, is counted there and subtracted.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks import burst, measure, report, statements
from benchmarks.exchanges import Exchange, by_method, round_trips, timeline
from benchmarks.house import House
from benchmarks.idle import SETTLE_SECONDS
from benchmarks.vendors import record_id
from benchmarks.webhooks import Sender

# Postgres publishes what a connection counted up to ten seconds after it last asked something.
COUNTED_SECONDS = 11.0
# Of measure's: not the load generator, and not the vendors, whose calls are told one by one.
_LEFT_OUT = ("load generator", "vendors", "vendor calls")
_WRITTEN_BACK = "select extract(epoch from state_since)::float from opportunities where source_id = %s"


class Alone(NamedTuple):
    """`since`: when its webhook was sent, by the vendors' clock; `seconds`: until the deal became active."""

    since: float
    seconds: float
    calls: Sequence[Exchange]


def slot(house: House, number: int, seconds: float, *, send: bool) -> Alone:
    """Let a slot pass, with the webhook of this deal at its beginning or without one. Either way it asks the
    same of Postgres."""
    began, since = time.time(), time.monotonic()
    if send:
        sender = Sender(house.port, house.webhook_path, house.webhook_secret)
        asyncio.run(sender.all_at_once([number], connections=1))
    time.sleep(max(0.0, since + seconds - time.monotonic()))
    measure.wait(house)
    with house.sql() as sql:
        row = sql.execute(_WRITTEN_BACK, [record_id(number)]).fetchone()
    taken = (row[0] if row else 0.0) - began
    return Alone(since, taken, [call for call in house.exchanges(since) if call.began <= since + taken])


class Period(NamedTuple):
    """`counted`: of all counters, what came to each slot; `asked`: each statement, how often in all."""

    deals: list[Alone]
    counted: dict[str, float]
    asked: Counter[str]


def period(house: House, numbers: range, seconds: float, *, send: bool) -> Period:
    """A slot for each number."""
    asked, before = statements.read(house), measure.read(house)
    deals = [slot(house, number, seconds, send=send) for number in numbers]
    time.sleep(COUNTED_SECONDS)
    rows = measure.between(before, measure.read(house), len(numbers))
    counted = {str(row["what"]): float(str(row["one"])) for row in rows}
    return Period(deals, counted, statements.read(house) - asked)


def rows(worked: Period, idle: Period) -> list[dict[str, object]]:
    """Medians of what was seen of each deal by itself, means of what was counted for all of them."""
    deals = worked.deals
    by_itself = [
        _spread("seconds until written back", [deal.seconds for deal in deals]),
        _spread("round trips to vendors, one after the other", [round_trips(deal.calls) for deal in deals]),
        _spread("vendor calls", [len(deal.calls) for deal in deals]),
    ]
    counts = [by_method(deal.calls) for deal in deals]
    for name in sorted(set().union(*counts)):
        by_itself.append(_spread(f"vendor calls, {name}", [count[name] for count in counts]))
    return by_itself + [
        _mean(what, worked.counted[what], idle.counted[what]) for what in worked.counted if _tells(what)
    ]


def _tells(what: str) -> bool:
    return not what.endswith(_LEFT_OUT)


def _calls_of_one(deals: Sequence[Alone]) -> list[dict[str, object]]:
    """Of the deal that took the median time."""
    one = sorted(deals, key=lambda deal: deal.seconds)[len(deals) // 2]
    return timeline(one.calls, one.since)


def _spread(what: str, figures: Sequence[float]) -> dict[str, object]:
    median = statistics.median(figures)
    return {"what": what, "a deal": median, "least": min(figures), "most": max(figures), "idle": ""}


def _mean(what: str, worked: float, idle: float) -> dict[str, object]:
    return {"what": what, "a deal": round(worked - idle, 1), "least": "", "most": "", "idle": round(idle, 1)}


def main() -> None:
    parser = report.arguments("One deal alone, several times.")
    parser.add_argument("--times", type=int, default=7, help="deals, one after the other")
    parser.add_argument("--slot", type=float, default=4.0, help="seconds for each of them")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--statements", action="store_true", help="also list what Postgres is asked for a deal")
    report.delay_argument(parser, 100.0)
    options = parser.parse_args()
    if options.delay <= 0:
        parser.error("without a delay the vendors answer one call after the other, whatever the product sends")
    machine, numbers = report.machine(), range(burst.WARM_UP, burst.WARM_UP + options.times)
    with House(workers=options.workers, delay_ms=options.delay) as house:
        burst.run(house, range(burst.WARM_UP))
        time.sleep(SETTLE_SECONDS)
        worked = period(house, numbers, options.slot, send=True)
        idle = period(house, numbers, options.slot, send=False)
    asked = statements.rows(worked.asked, idle.asked, options.times)
    settings = {"times": options.times, "delay_ms": options.delay, "workers": options.workers}
    calls = _calls_of_one(worked.deals)
    found = rows(worked, idle)
    report.finish("one deal alone", machine, found, options.json, calls=calls, statements=asked, **settings)
    for listed in (calls, asked) if options.statements else (calls,):
        report.say("")
        report.table(listed)


if __name__ == "__main__":
    main()
