"""`python -m benchmarks.rate`: how close to the ERP's published limit deals won at once are worked.

The ERP counts its calls by its own clock: no window, wherever it begins, may have more than the limit.
"""

from __future__ import annotations

import asyncio
import bisect
import statistics
import time
from collections.abc import Sequence

from adapters.connectors.traffic.limits import Limits
from benchmarks import measure, report
from benchmarks.house import House
from benchmarks.webhooks import Sender
from sandbox.firm.install import ERP_CONNECTION

WARM_UP = 5


def busiest(moments: Sequence[float], seconds: float) -> int:
    """The most calls in any window of so many seconds, wherever it begins."""
    return max(
        (bisect.bisect_left(moments, began + seconds) - place for place, began in enumerate(moments)), default=0
    )


def per_second(moments: Sequence[float]) -> list[int]:
    counts = [0] * (int(moments[-1] - moments[0]) + 1)
    for moment in moments:
        counts[int(moment - moments[0])] += 1
    return counts


def run(house: House, numbers: range) -> float:
    """Seconds until all deals are written back."""
    sender = Sender(house.port, house.webhook_path, house.webhook_secret)
    began = time.perf_counter()
    asyncio.run(sender.all_at_once(numbers))
    measure.wait(house)
    return time.perf_counter() - began


def rows(limits: Limits, deals: int, seconds: float, moments: Sequence[float]) -> list[dict[str, object]]:
    counts, allowed = per_second(moments), (limits.requests or 0) / limits.per_seconds
    rate = len(moments) / (moments[-1] - moments[0])
    return [
        {"what": f"the limit: calls in {limits.per_seconds:g} s", "figure": limits.requests},
        {"what": f"most calls in any {limits.per_seconds:g} s", "figure": busiest(moments, limits.per_seconds)},
        {"what": "the limit: calls a second", "figure": allowed},
        {"what": "calls a second, all the time", "figure": rate},
        {"what": "calls a second, median second", "figure": statistics.median(counts)},
        {"what": "calls a second, busiest", "figure": max(counts)},
        {"what": "per cent of the limit used", "figure": 100 * rate / allowed},
        {"what": "calls for a deal", "figure": len(moments) / deals},
        {"what": "seconds until all were written back", "figure": seconds},
    ]


def main() -> None:
    parser = report.arguments("Deals won at once against the ERP's published limit.")
    parser.add_argument("--deals", type=int, default=500)
    parser.add_argument("--requests", type=int, default=100, help="calls the ERP allows in each window")
    parser.add_argument("--per-seconds", type=float, default=1.0, help="the window")
    parser.add_argument("--burst", type=int, help="calls of them at once; a fifth unless set")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    options = parser.parse_args()
    limits = Limits(requests=options.requests, per_seconds=options.per_seconds, burst=options.burst)
    machine = report.machine()
    with House(workers=options.workers) as house:
        run(house, range(WARM_UP))
        before = len(house.erp_moments())
        house.limit(ERP_CONNECTION, limits.model_dump())
        seconds = run(house, range(WARM_UP, WARM_UP + options.deals))
        moments = house.erp_moments()[before:]
    found = rows(limits, options.deals, seconds, moments)
    name = f"{options.deals} deals at once under a limit"
    report.finish(name, machine, found, options.json, calls_in_each_second=per_second(moments))


if __name__ == "__main__":
    main()
