"""`python -m benchmarks.burst`: time from many wins at once until all are written back, and the cost per
deal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from benchmarks import measure, processes, report
from benchmarks.house import House
from benchmarks.webhooks import Sender

WARM_UP = 20
# Returns when the deals of these numbers are written back.
Wait = Callable[[House, range], None]


def all_written_back(house: House, _numbers: range) -> None:
    measure.wait(house)


def run(house: House, numbers: range, wait: Wait = all_written_back) -> tuple[float, float]:
    """Seconds until all webhooks were acknowledged, and until every deal was written back."""
    sender = Sender(house.port, house.webhook_path, house.webhook_secret)
    began = time.perf_counter()
    answers = asyncio.run(sender.all_at_once(numbers))
    acknowledged = time.perf_counter() - began
    if set(answers.statuses) - {202}:
        raise SystemExit(f"not accepted: {answers.statuses}")
    wait(house, numbers)
    return acknowledged, time.perf_counter() - began


def rows(house: House, count: int, first: int = 0, wait: Wait = all_written_back) -> list[dict[str, object]]:
    """Warm up, run the burst, and return its table."""
    run(house, range(first, first + WARM_UP), wait)
    before = measure.read(house)
    acknowledged, seconds = run(house, range(first + WARM_UP, first + WARM_UP + count), wait)
    after = measure.read(house)
    timing: list[dict[str, object]] = [
        {"what": "deals written back a second", "all": round(count / seconds, 1), "one": ""},
        {"what": "seconds until acknowledged", "all": round(acknowledged, 2), "one": acknowledged / count},
        {"what": "seconds until written back", "all": round(seconds, 2), "one": seconds / count},
    ]
    memory: list[dict[str, object]] = [
        {"what": f"PSS MB, {kind} ({len(pids)})", "all": round(processes.pss_mb(pids), 1), "one": ""}
        for kind, pids in house.product.items()
    ]
    return [*timing, *measure.between(before, after, count), *memory]


def main() -> None:
    parser = report.arguments("Deals won at once until all are written back.")
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    report.delay_argument(parser, 0.0)
    options = parser.parse_args()
    machine = report.machine()
    with House(workers=options.workers, delay_ms=options.delay) as house:
        found = rows(house, options.count)
    name, workers = f"burst of {options.count}", options.workers
    report.finish(name, machine, found, options.json, workers=workers, delay_ms=options.delay)


if __name__ == "__main__":
    main()
