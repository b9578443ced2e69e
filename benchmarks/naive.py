"""`python -m benchmarks.naive`: compare a naive chain with the product, one after the other on the same
servers."""

from __future__ import annotations

import subprocess
import sys
import time

from sqlalchemy import make_url

from benchmarks import burst, measure, processes, report
from benchmarks.house import House

NAIVE_FROM = 20_000_000
_RATE, _CPU = "deals written back a second", "CPU ms, with Postgres and Redis"
_SEND = "import sys; from benchmarks.naive_chain import send_all; send_all(*map(int, sys.argv[1:]))"


def chain(house: House, count: int, workers: int) -> dict[str, object]:
    url = make_url(house.addresses.database_url).set(drivername="postgresql").render_as_string(False)
    environment = house.environment() | {"NAIVE_VENDORS": house.vendors_url, "NAIVE_DATABASE": url}
    with house.sql() as sql:
        sql.execute("create table if not exists naive_done (number integer primary key, project text not null)")
    command = [sys.executable, "-m", "dramatiq", "benchmarks.naive_chain", "-p", str(workers), "-t", "4"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as running:
        try:
            before, began = measure.read(house), time.perf_counter()
            sending = [sys.executable, "-c", _SEND, str(NAIVE_FROM), str(NAIVE_FROM + count)]
            subprocess.run(sending, env=environment, check=True)
            while _done(house) < count:
                time.sleep(0.1)
            seconds, after = time.perf_counter() - began, measure.read(house)
            own = processes.cpu_ms([running.pid])
        finally:
            running.terminate()
    stores = sum(after.cpu[kind] - before.cpu[kind] for kind in ("postgres", "redis"))
    return {"what": "naive chain", _RATE: count / seconds, f"{_CPU}, each": (own + stores) / count}


def _done(house: House) -> int:
    with house.sql() as sql:
        row = sql.execute("select count(*) from naive_done").fetchone()
    return int(row[0]) if row else 0


def main() -> None:
    parser = report.arguments("The naive chain of Dramatiq actors beside the product.")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2, help="worker processes of each")
    options = parser.parse_args()
    machine = report.machine()
    with House(workers=options.workers) as house:
        found = {row["what"]: row for row in burst.rows(house, options.count)}
        ours: dict[str, object] = {
            "what": "oppsync",
            _RATE: found[_RATE]["all"],
            f"{_CPU}, each": found[_CPU]["one"],
        }
        rows = [ours, chain(house, options.count, options.workers)]
    report.finish("naive chain", machine, rows, options.json, count=options.count)


if __name__ == "__main__":
    main()
