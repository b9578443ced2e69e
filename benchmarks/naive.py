"""`python -m benchmarks.naive --count 500 --delay 50`: the product and a chain that promises nothing, in turn.

Both get the same signed webhooks, vendors, servers and worker processes, and the chain at least as many calls
in flight as the product had. All CPU of both is counted, with Postgres and Redis. The machine's pace swings:
what can be compared between hours is the ratio.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from math import ceil
from typing import Any

from sqlalchemy import make_url

from adapters.runtime.connection_budget import worker_threads
from benchmarks import burst, measure, naive_web, report
from benchmarks.exchanges import most_at_once
from benchmarks.house import House
from benchmarks.vendors import record_id
from web import gunicorn as web

RATE, AT_ONCE = "deals written back a second", "most calls in flight"
# Of a deal.
CPU = [
    "CPU ms, with Postgres and Redis",
    *(f"CPU ms, {of}" for of in ("web", "worker", "relay", "postgres", "redis")),
]
COUNTS = [measure.COMMITS, "vendor calls"]
NAIVE_FROM = 20_000_000
_TABLE = "create table if not exists naive_done (record text primary key, project text not null)"
_COUNT = "select count(*) from naive_done where record = any(%s)"


Side = dict[str, float]


def measured(house: House, count: int, first: int, wait: burst.Wait = burst.all_written_back) -> Side:
    """What one burst showed of whoever stands between load and vendors."""
    pace, since = report.pace(), time.monotonic()
    rows: dict[str, dict[str, Any]] = {str(row["what"]): row for row in burst.rows(house, count, first, wait)}
    of_a_deal = {what: float(rows[what]["one"]) for what in (*CPU, *COUNTS) if what in rows}
    at_once = most_at_once(house.exchanges(since))
    return {RATE: float(rows[RATE]["all"]), **of_a_deal, AT_ONCE: at_once, "pace before": pace}


def chain(house: House, count: int, first: int, workers: int, threads: int) -> Side:
    """The chain in the place of the product, which was stopped."""
    with house.sql() as sql:
        sql.execute(_TABLE)
    url = make_url(house.addresses.database_url).set(drivername="postgresql").render_as_string(False)
    settings = {
        "NAIVE_VENDORS": house.vendors_url,
        "NAIVE_DATABASE": url,
        naive_web.SECRET: house.webhook_secret,
    }
    serve = f"gunicorn --no-control-socket --workers {web.workers} --threads {web.threads}"
    commands = {
        "web": f"{serve} 'benchmarks.naive_web:from_environment()'",
        "worker": f"{sys.executable} -m dramatiq benchmarks.naive_chain -p {workers} -t {threads}",
    }
    house.start_instead(commands, settings)
    side = measured(house, count, NAIVE_FROM + first, _wait)
    house.stop_product()
    return side


def _wait(house: House, numbers: range) -> None:
    records, before, moved = [record_id(number) for number in numbers], -1, time.monotonic()
    while (now := _done(house, records)) < len(records):
        if now != before:
            before, moved = now, time.monotonic()
        if time.monotonic() - moved > measure.STUCK_SECONDS:
            raise SystemExit(f"The chain lost {len(records) - now} deals:\n{house.log_end('worker')}")
        time.sleep(measure.POLL_SECONDS)


def _done(house: House, records: list[str]) -> int:
    with house.sql() as sql:
        row = sql.execute(_COUNT, [records]).fetchone()
    return int(row[0]) if row else 0


def in_turn(house: House, rounds: int, count: int, workers: int) -> list[tuple[Side, Side]]:
    found = []
    for number in range(rounds):
        first = number * (count + burst.WARM_UP)
        if number:
            house.start_product()
        ours = measured(house, count, first)
        house.stop_product()
        # Without a delay the vendors answer one call after the other, and their log shows nothing of this.
        threads = max(worker_threads(os.environ), ceil(ours[AT_ONCE] / workers))
        found.append((ours, chain(house, count, first, workers, threads)))
    return found


def rows(found: list[tuple[Side, Side]]) -> list[dict[str, object]]:
    """A row for each figure: the median of the rounds, and that of their ratios, product / naive chain."""
    return [
        {
            "what": what,
            "oppsync": statistics.median(one[what] for one, _ in found),
            "naive chain": statistics.median(other.get(what, 0.0) for _, other in found),
            "ratio": _ratio([(one[what], other.get(what, 0.0)) for one, other in found]),
        }
        for what in found[0][0]
    ]


def _ratio(found: list[tuple[float, float]]) -> float | str:
    return statistics.median(one / other for one, other in found) if all(other for _, other in found) else ""


def main() -> None:
    parser = report.arguments("The naive chain of Dramatiq actors and the product, in turn.")
    parser.add_argument("--count", type=int, default=500, help="deals in each burst")
    parser.add_argument("--rounds", type=int, default=3, help="bursts of each")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of each")
    report.delay_argument(parser, 0.0)
    options = parser.parse_args()
    machine = report.machine()
    with House(workers=options.workers, delay_ms=options.delay) as house:
        found = in_turn(house, options.rounds, options.count, options.workers)
    each = [{"oppsync": one, "naive chain": other} for one, other in found]
    settings = {"count": options.count, "delay_ms": options.delay, "workers": options.workers}
    report.finish("naive chain", machine, rows(found), options.json, rounds=each, **settings)


if __name__ == "__main__":
    main()
