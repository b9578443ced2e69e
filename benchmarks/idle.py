"""`python -m benchmarks.idle`: the product's use of resources per second while there is nothing to do."""

from __future__ import annotations

import time

from benchmarks import burst, measure, report
from benchmarks.house import House

# After the last deal Postgres still runs its own maintenance.
SETTLE_SECONDS = 15.0


def main() -> None:
    parser = report.arguments("A product that has nothing to do.")
    parser.add_argument("--seconds", type=int, default=60, help="how long to watch")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    options = parser.parse_args()
    machine = report.machine()
    with House(workers=options.workers) as house:
        burst.run(house, range(burst.WARM_UP))
        time.sleep(SETTLE_SECONDS)
        before = measure.read(house)
        time.sleep(options.seconds)
        found = measure.between(before, measure.read(house), options.seconds)
    rows = [{"what": row["what"], "all": row["all"], "a second": row["one"]} for row in found]
    report.finish("idle", machine, rows, options.json, seconds=options.seconds, workers=options.workers)


if __name__ == "__main__":
    main()
