"""Measure the cost of a period: the difference between two readings of all counters."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks import processes
from benchmarks.house import House
from oppsync.domain.work.states import RESTING, State

WORKING = [state.value for state in State if state not in RESTING]
POLL_SECONDS = 0.1
STUCK_SECONDS = 120.0
# Commands of clients, without those that a script of ours runs inside Redis.
_SCRIPTS = ("evalsha", "eval")
STATEMENTS, BEGINS_AND_ENDS = "SQL statements", "of them BEGIN, COMMIT or ROLLBACK"
TRANSACTIONS, COMMITS = "transactions", "commits (transactions that wrote)"
_POSTGRES = (STATEMENTS, BEGINS_AND_ENDS, TRANSACTIONS, COMMITS, "WAL bytes")


@dataclass(frozen=True)
class Reading:
    """Counters that only grow: CPU in milliseconds by kind of process, the others in counts or bytes."""

    at: float
    cpu: Mapping[str, float]
    counts: Mapping[str, float]


def read(house: House) -> Reading:
    kinds = {**house.product, "postgres": [house.postgres_pid], "redis": [house.redis_pid]}
    cpu = {kind: processes.cpu_ms(pids) for kind, pids in kinds.items()}
    cpu["load generator"] = sum(os.times()[:2]) * 1000
    return Reading(time.perf_counter(), cpu, {**_postgres(house), **_redis(house), **_vendors(house)})


def _postgres(house: House) -> dict[str, float]:
    """A transaction gets a number when it first writes. A commit of one that did is a commit that waits for the
    disk."""
    query = """select statements.*, xact_commit, pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
               pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')
          from pg_stat_database,
               (select sum(calls), sum(calls) filter (where query ~* '^(begin|start|commit|rollback)')
                  from pg_stat_statements) statements
         where datname = current_database()"""
    with house.sql() as sql:
        figures = sql.execute(query).fetchone() or (0,) * len(_POSTGRES)
    return {name: float(figure or 0) for name, figure in zip(_POSTGRES, figures, strict=True)}


def _redis(house: House) -> dict[str, float]:
    client = house.redis()
    stats, commands = client.info("stats"), client.info("commandstats")
    scripts = sum(commands.get(f"cmdstat_{name}", {}).get("calls", 0) for name in _SCRIPTS)
    bytes_moved = stats["total_net_input_bytes"] + stats["total_net_output_bytes"]
    return {"Redis scripts": float(scripts), "Redis bytes": float(bytes_moved)}


def _vendors(house: House) -> dict[str, float]:
    calls = house.vendor_calls()
    return {"vendor calls": float(sum(calls.values()))}


def between(first: Reading, last: Reading, pieces: int) -> list[dict[str, object]]:
    """A row for each counter: in total, and per deal."""
    cpu = {kind: last.cpu[kind] - first.cpu.get(kind, 0.0) for kind in last.cpu}
    product = sum(cpu.get(kind, 0.0) for kind in ("web", "worker", "relay"))
    stores = cpu["postgres"] + cpu["redis"]
    rows = [(f"CPU ms, {kind}", cpu[kind]) for kind in cpu]
    rows += [("CPU ms, web + worker + relay", product), ("CPU ms, with Postgres and Redis", product + stores)]
    rows += [(name, last.counts[name] - first.counts[name]) for name in last.counts]
    return [{"what": what, "all": round(total, 1), "one": total / pieces} for what, total in rows]


def unfinished(house: House) -> int:
    """Opportunities that still wait for a stage or a person."""
    with house.sql() as sql:
        row = sql.execute("select count(*) from opportunities where state = any(%s)", [WORKING]).fetchone()
    return int(row[0]) if row else 0


def wait(house: House, left: int = 0) -> None:
    """Wait until no more than `left` are unfinished. Ends the benchmark when deals park or nothing moves."""
    before, moved = -1, time.monotonic()
    while (now := unfinished(house)) > left:
        if now != before:
            before, moved = now, time.monotonic()
        if (parked := _parked(house)) or time.monotonic() - moved > STUCK_SECONDS:
            raise SystemExit(f"{now} deals do not come through: {parked or 'nothing moves'}")
        time.sleep(POLL_SECONDS)
    if parked := _parked(house):
        raise SystemExit(f"Deals do not come through: {parked}")


def _parked(house: House) -> list[str]:
    """Why deals were parked: a benchmark that parks deals measures nothing."""
    with house.sql() as sql:
        found = sql.execute("select distinct code || ': ' || message from exception_items limit 5")
        return [row[0] for row in found]
