"""`python -m benchmarks.backlog`: drain a long queue while new deals are still acknowledged and worked."""

from __future__ import annotations

import asyncio
import time

from benchmarks import measure, report, stock
from benchmarks.house import House
from benchmarks.vendors import record_id
from benchmarks.webhooks import Sender

NEW_ONES_FROM = 50_000_000


def main() -> None:
    parser = report.arguments("A backlog of received opportunities, and new ones on top of it.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to watch")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    options = parser.parse_args()
    machine = report.machine()
    with House(workers=0) as house:
        sender = Sender(house.port, house.webhook_path, house.webhook_secret)
        asyncio.run(sender.all_at_once(range(1)))
        stock.copy_opportunities(house, stock.one_opportunity(house), range(1, options.count))
        for number in range(options.workers):
            house.start_worker(number)
        before, began = measure.unfinished(house), time.perf_counter()
        new = range(NEW_ONES_FROM, NEW_ONES_FROM + int(options.seconds))
        answers = asyncio.run(sender.at_rate(new, 1.0))
        drained = (before + len(new) - measure.unfinished(house)) / (time.perf_counter() - began)
        waited = sorted(_worked_within(house, list(new)))
    half = waited[len(waited) // 2] if waited else float("nan")
    rows: list[dict[str, object]] = [
        {"what": "backlog", "figure": options.count},
        {"what": "deals written back a second", "figure": drained},
        {"what": "acknowledged p99 ms", "figure": answers.percentile(99)},
        {"what": "new deals written back meanwhile", "figure": f"{len(waited)} of {len(new)}"},
        {"what": "seconds until written back, p50 of those", "figure": half},
    ]
    report.finish("backlog", machine, rows, options.json, workers=options.workers)


def _worked_within(house: House, numbers: list[int]) -> list[float]:
    query = """select extract(epoch from activated_at - received_at)::float from opportunities
        where source_id = any(%s) and activated_at is not null"""
    with house.sql() as sql:
        return [row[0] for row in sql.execute(query, [[record_id(number) for number in numbers]])]


if __name__ == "__main__":
    main()
