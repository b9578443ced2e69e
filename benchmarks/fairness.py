"""`python -m benchmarks.fairness`: how long one deal of a quiet connection waits during a flood of another.

The flood is put into the outbox as if its webhooks had come at once. The deal arrives while the flood is being
worked; an earlier deal, while nothing else was to be done, is the comparison.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks import report
from benchmarks.house import House
from benchmarks.vendors import record_id
from sandbox.firm.install import CRM_CONNECTION

QUIET = "quiet-crm"
UNDER_WAY = 20
POLL_SECONDS = 0.05
LONGEST_SECONDS = 600.0
_ARRIVE = """
with deals as (
    insert into opportunities
           (tenant_id, id, connection_id, source_id, state, due_at, emit_at, traceparent)
    select 'default', gen_random_uuid(), %(connection)s, source_id, 'received', now(),
           now() + interval '10 seconds',
           '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      from unnest(%(ids)s::text[]) source_id
    returning tenant_id, id, connection_id, traceparent
)
insert into outbox (tenant_id, id, opportunity_id, stage, traceparent, connection_id)
select tenant_id, gen_random_uuid(), id, 'validate', traceparent, connection_id from deals
"""
_ACTIVE = "select count(*) from opportunities where connection_id = %s and state = 'active'"


def arrive(house: House, connection: str, numbers: Sequence[int]) -> None:
    with house.sql() as sql:
        sql.execute(_ARRIVE, {"connection": connection, "ids": [record_id(number) for number in numbers]})


def active(house: House, connection: str) -> int:
    with house.sql() as sql:
        row = sql.execute(_ACTIVE, [connection]).fetchone()
    return int(row[0]) if row else 0


def wait(house: House, connection: str, count: int) -> float:
    """Wait until so many deals of the connection are written back; return the seconds."""
    began = time.perf_counter()
    while active(house, connection) < count:
        if time.perf_counter() - began > LONGEST_SECONDS:
            raise SystemExit(f"{connection}: not {count} deals written back in {LONGEST_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - began


def run(house: House, flood: int) -> list[dict[str, object]]:
    arrive(house, QUIET, [0])  # warms up
    wait(house, QUIET, 1)
    arrive(house, QUIET, [1])
    alone = wait(house, QUIET, 2)
    arrive(house, CRM_CONNECTION, range(2, flood + 2))
    began = time.perf_counter()
    wait(house, CRM_CONNECTION, UNDER_WAY)
    before = active(house, CRM_CONNECTION)
    arrive(house, QUIET, [flood + 2])
    beside = wait(house, QUIET, 3)
    seconds, after = time.perf_counter() - began, active(house, CRM_CONNECTION)
    rate = after / seconds
    return [
        {"what": "deals of the flood", "figure": flood},
        {"what": "of them written back before the deal came", "figure": before},
        {"what": "of them written back while it was worked", "figure": after - before},
        {"what": "seconds it took, alone", "figure": alone},
        {"what": "seconds it took, beside the flood", "figure": beside},
        {"what": "deals of the flood written back a second", "figure": rate},
        {"what": "seconds it would wait behind all of the flood (reckoned)", "figure": (flood - before) / rate},
    ]


def main() -> None:
    parser = report.arguments("A flood of one connection beside one deal of another.")
    parser.add_argument("--flood", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    options = parser.parse_args()
    machine = report.machine()
    with House(workers=options.workers) as house:
        house.double(CRM_CONNECTION, QUIET)
        found = run(house, options.flood)
    report.finish(f"one deal beside a flood of {options.flood}", machine, found, options.json)


if __name__ == "__main__":
    main()
