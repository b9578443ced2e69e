"""`python -m benchmarks.scale`: the burst with one worker process, then with two, and so on."""

from __future__ import annotations

from benchmarks import burst, report
from benchmarks.house import House

_RATE, _CPU = "deals written back a second", "CPU ms, with Postgres and Redis"


def main() -> None:
    parser = report.arguments("The burst with more and more worker processes.")
    parser.add_argument("--most", type=int, default=4, help="worker processes at the end")
    parser.add_argument("--count", type=int, default=500, help="deals in each burst")
    options = parser.parse_args()
    machine, rows, first = report.machine(), list[dict[str, object]](), 0
    with House(workers=0) as house:
        for workers in range(1, options.most + 1):
            house.start_worker(workers)
            found = {row["what"]: row for row in burst.rows(house, options.count, first)}
            first += options.count + burst.WARM_UP
            rows.append({"workers": workers, _RATE: found[_RATE]["all"], f"{_CPU}, each": found[_CPU]["one"]})
    report.finish("scale", machine, rows, options.json, count=options.count)


if __name__ == "__main__":
    main()
