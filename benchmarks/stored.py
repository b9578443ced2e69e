"""`python -m benchmarks.stored`: the same burst on top of a growing number of finished opportunities.

Each has all rows that a deal leaves: plans, effects, audit, inbox and the others, except the calls to vendors.
A million of them take some 40 GB of disk.
"""

from __future__ import annotations

from benchmarks import burst, report, stock
from benchmarks.house import House

STORED_FROM = 10_000_000
_SHOWN = ("deals written back a second", "CPU ms, with Postgres and Redis", "CPU ms, postgres", "WAL bytes")


def main() -> None:
    parser = report.arguments("The burst with many opportunities already stored.")
    parser.add_argument("--stored", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--count", type=int, default=2_000, help="deals in each burst")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    options = parser.parse_args()
    machine, rows, so_far, first = report.machine(), list[dict[str, object]](), 0, 0
    with House(workers=options.workers) as house:
        burst.run(house, range(1))
        like = stock.one_opportunity(house)
        for stored in options.stored:
            stock.copy_opportunities(house, like, range(STORED_FROM + so_far, STORED_FROM + stored))
            so_far, first = stored, first + 1
            found = {row["what"]: row for row in burst.rows(house, options.count, first)}
            first += options.count + burst.WARM_UP
            rate = found[_SHOWN[0]]["all"]
            rows.append({"stored": stored, _SHOWN[0]: rate} | {f"{n}": found[n]["one"] for n in _SHOWN[1:]})
        filled = stock.tables(house)
    report.finish("stored", machine, rows, options.json, count=options.count, filled=filled)
    report.say("\nfilled at the end, with what the bursts left:\n")
    report.table(filled)


if __name__ == "__main__":
    main()
