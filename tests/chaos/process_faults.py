"""Faults of processes: killed, paused, stopped, of another release, poisoned, dying at a chosen place."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from random import Random

from adapters.operations.supervisor import PROJECT
from tests.chaos.crashing import CRASH_AT, DIED_AT
from tests.chaos.fault import Fault, Injection, until
from tests.chaos.house import House
from tests.chaos.processes import Managed
from tests.chaos.store_faults import messages

PAUSE_SECONDS = 20.0
BOOT_SECONDS = 15.0
CRASH_SECONDS = 30.0
POISON_SECONDS = 90.0
OLD_SECONDS = 12.0
RECOVERY_SECONDS = 60.0  # a take-over that takes longer is counted as this

# The places where a process may die, and the kind of process that passes them.
PLACES = {
    "worker": (
        "lease.taken", "stage.begins", "stage.decided", "decision.held",
        "outcome.uncommitted", "outcome.committed", "lookup.answered", "mark.uncommitted", "mark.committed",
        "request.leaves", "request.answered", "send.answered", "answer.uncommitted", "answer.committed",
        "lease.renewed",
    ),
    "relay": (
        "relay.taken", "relay.sent", "relay.committed", "sweep.sent", "sweep.committed",
        "poll.taken", "poll.stored", "poll.moved",
    ),
    "web": ("delivery.uncommitted", "delivery.committed", "decision.uncommitted", "decision.committed"),
}  # fmt: skip
TIMES = (1, 3, 7)


def leases_of(house: House, pid: int) -> int:
    """How many opportunities this process works on now."""
    with house.servers.sql() as sql:
        query = "select count(*) from opportunities where lease_holder like %s and lease_until > now()"
        found = sql.execute(query, [f"%:{pid}:%"]).fetchone()
    return int(found[0]) if found else 0


def _busy(house: House, worker: Managed) -> int:
    try:
        return leases_of(house, worker.pid) if house.servers.postgres_is_up() else 0
    except (OSError, ProcessLookupError):
        return 0


def kill_web(house: House, chance: Random) -> Injection:
    web = chance.choice(house.processes.of("web"))
    seen = sum(person.broken for person in house.people) + house.crm.unheard
    web.signal(signal.SIGKILL)
    yield from until(lambda: bool(web.codes) and web.codes[-1] == -signal.SIGKILL, 5)

    def noticed() -> bool:
        return sum(person.broken for person in house.people) + house.crm.unheard > seen

    return int((yield from until(noticed, 5)))


def kill_worker(house: House, chance: Random) -> Injection:
    worker = chance.choice(house.processes.of("worker"))
    yield from until(lambda: _busy(house, worker) > 0, 8)
    try:
        pid = worker.pid
    except ProcessLookupError:
        return 0
    worker.signal(signal.SIGKILL)
    orphans = orphans_of(house, pid)
    yield 0.5
    left = leases_of(house, pid)
    yield from time_recovery(house, orphans)
    return left


def orphans_of(house: House, pid: int) -> dict[str, int]:
    """The deals this dead process held, with their lease's token, except those with an effect of unknown
    outcome."""
    query = """select o.id, o.lease_token from opportunities o where o.lease_holder like %s
        and not exists (select 1 from effects e where e.tenant_id = o.tenant_id and e.opportunity_id = o.id
            and e.state in ('sent', 'unknown'))"""
    with house.servers.sql() as sql:
        return {str(row[0]): row[1] for row in sql.execute(query, [f"%:{pid}:%"])}


def time_recovery(house: House, orphans: dict[str, int]) -> Generator[float, None, None]:
    """Record for each how long it took until another process took over."""
    began, waiting = time.monotonic(), dict(orphans)
    while waiting and time.monotonic() - began < RECOVERY_SECONDS:
        yield 0.1
        with house.servers.sql() as sql:
            found = sql.execute(
                "select id, lease_token from opportunities where id = any(%s::uuid[])", [list(waiting)]
            ).fetchall()
        for deal, token in found:
            if token > waiting[str(deal)]:
                del waiting[str(deal)]
                house.recoveries.append(time.monotonic() - began)
    house.recoveries += [RECOVERY_SECONDS] * len(waiting)


def kill_relay(house: House, chance: Random) -> Injection:
    relay = chance.choice(house.processes.of("relay"))
    ended = len(relay.codes)
    relay.signal(signal.SIGKILL)
    return int((yield from until(lambda: relay.codes[ended:] == [-signal.SIGKILL], 5)))


def kill_all(house: House, chance: Random) -> Injection:
    workers = house.processes.of("worker")
    yield from until(lambda: any(_busy(house, worker) for worker in workers), 8)
    pids = [worker.pid for worker in workers if worker.runs]
    for one in house.processes.all:
        one.signal(signal.SIGKILL)
    yield 0.5
    return sum(leases_of(house, pid) for pid in pids)


def pause_worker(house: House, chance: Random) -> Injection:
    """Pause a worker in the middle of its work for longer than its lease, then wake it: a zombie."""
    house.tryton.faults([{"delay_seconds": 0.5, "count": None}])
    worker = chance.choice(house.processes.of("worker"))
    is_busy = yield from until(lambda: _busy(house, worker) > 0, 10)
    if not is_busy:
        house.tryton.clear_faults()
        return 0
    before = worker.count_in_log("lease_lost")
    worker.signal(signal.SIGSTOP)
    house.tryton.clear_faults()
    yield PAUSE_SECONDS
    worker.signal(signal.SIGCONT)
    yield from until(lambda: worker.count_in_log("lease_lost") > before, 10)
    return worker.count_in_log("lease_lost") - before


def sigterm_storm(house: House, chance: Random) -> Injection:
    """End every process at once and each group twice, as a platform ends a dyno."""
    is_up = yield from until(lambda: all(one.is_up for one in house.processes.all), BOOT_SECONDS)
    if not is_up:  # a process that is still importing does not handle signals yet
        return 0
    ended = {one.name: len(one.codes) for one in house.processes.all}
    for _ in range(2):
        for one in house.processes.all:
            one.signal(signal.SIGTERM)
        yield 0.3
    yield from until(
        lambda: all(len(one.codes) > ended[one.name] for one in house.processes.all),
        house.processes.kill_after + 2,
    )
    codes = {one.name: one.codes[ended[one.name] :] for one in house.processes.all}
    house.rude += [
        f"{name} ended with {code}" for name, all_codes in codes.items() for code in all_codes if code
    ]
    return sum(1 for all_codes in codes.values() if all_codes == [0])


def old_and_new(house: House, chance: Random) -> Injection:
    """A deploy: a worker of the last release runs beside those of this one."""
    folder = Path(tempfile.mkdtemp(prefix="release-", dir=house.home))
    archive = subprocess.run(
        ["git", "archive", last_release() or "HEAD"], cwd=PROJECT, capture_output=True, check=True
    )
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    model = house.processes.of("worker")[0]
    old = Managed(
        "old.1",
        "python -m actors.worker",
        folder,
        model.env,
        house.home / "logs" / "old.1.log",
        model.kill_after,
    )
    house.processes.all.append(old)
    worked = yield from until(lambda: _busy(house, old) > 0, OLD_SECONDS)
    yield 3.0
    old.is_wanted = False
    old.signal(signal.SIGTERM)
    yield from until(lambda: not old.runs, 30)
    return int(worked)


def last_release() -> str | None:
    """The last tag; in a clone without tags, the last commit whose changelog begins with a release."""
    tag = _git("describe", "--tags", "--abbrev=0").strip()
    if tag:
        return tag
    for commit in _git("log", "--format=%H", "--", "CHANGELOG.md").split():
        headings = re.findall(r"^## (.*)$", _git("show", f"{commit}:CHANGELOG.md"), re.MULTILINE)
        if headings and headings[0] != "Unreleased":
            return commit
    return None


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False).stdout


def poison(house: House, chance: Random) -> Injection:
    """A deal that kills every worker that begins to work on it is parked after three deaths."""
    record_id = house.crm.win(poison=True)
    with house.poison.open("a") as file:
        file.write(f"{record_id}\n")
    house.crm.tell(record_id)

    def parked() -> bool:
        with house.servers.sql() as sql:
            query = """select count(*) from exception_items e join opportunities o on o.id = e.opportunity_id
                where o.source_id = %s and e.code = 'WORKER_CRASHED'"""
            found = sql.execute(query, [record_id]).fetchone()
        return bool(found and found[0])

    yield from until(parked, POISON_SECONDS)
    return house.processes.count_in_log(f"{DIED_AT} stage.begins poison {record_id}")


def die_at_a_place(house: House, chance: Random) -> Injection:
    kind = chance.choices(list(PLACES), [len(places) for places in PLACES.values()])[0]
    return (yield from die_at(house, kind, chance.choice(PLACES[kind]), chance.choice(TIMES), chance))


def die_at(house: House, kind: str, place: str, times: int, chance: Random) -> Injection:
    """Restart one process so that it dies when it reaches `place` for the n-th time."""
    victims = house.processes.of(kind)
    if not place.startswith(("sweep", "poll")):  # either relay may be the one that passes it
        victims = [chance.choice(victims)]

    def died() -> int:
        return sum(victim.count_in_log(f"{DIED_AT} {place}") for victim in victims)

    before = died()
    for victim in victims:
        victim.extra = {CRASH_AT: f"{place}:{times}"}
        victim.signal(signal.SIGKILL)
    if place == "lease.renewed":  # only a step that takes seconds renews its lease
        house.tryton.faults([{"delay_seconds": 0.8, "count": 60}])
    deadline = time.monotonic() + CRASH_SECONDS
    while died() == before and time.monotonic() < deadline:
        if kind == "worker":  # most of a worker's places are passed for new deals only
            house.crm.win()
        house.crm.edit()
        if place.startswith("sweep"):  # the sweep only passes here for a lost message
            yield from lose_messages(house)
        if place.startswith("poll"):
            house.poll_now()
        yield 1.0
    seen = died() > before
    if place == "lease.renewed":
        house.tryton.clear_faults()
    if kind == "web" or not seen:  # gunicorn restarts dying children again and again: put an ordinary one back
        for victim in victims:
            victim.signal(signal.SIGKILL)
    house.died_at[place] += int(seen)
    return int(seen)


def lose_messages(house: House) -> Generator[float, None, int]:
    """Empty Redis while the workers are paused for a moment; returns how many messages are lost."""
    workers = house.processes.of("worker")
    for worker in workers:
        worker.signal(signal.SIGSTOP)
    for _ in range(5):
        house.crm.edit()
    yield from until(lambda: messages(house) > 2, 3)
    lost = messages(house)
    with house.servers.redis() as client:
        client.flushall()
    for worker in workers:
        worker.signal(signal.SIGCONT)
    return lost


def flush(house: House, chance: Random) -> Injection:
    return (yield from lose_messages(house))


def every_place() -> list[Fault]:
    """Each chosen place, at each of its times."""

    def dying(kind: str, place: str, times: int) -> Fault:
        def inject(house: House, chance: Random) -> Injection:
            return (yield from die_at(house, kind, place, times, chance))

        also = {"tryton"} if place == "lease.renewed" else {"worker"} if kind == "relay" else set()
        uses = STORES | {kind} | also
        return Fault(f"death at {place}, time {times}", uses, "it died there", inject)

    return [
        dying(kind, place, times)
        for kind, places in PLACES.items()
        for place in places
        for times in ((1, 2) if place.startswith("sweep") else TIMES)
    ]


ALL = frozenset({"web", "worker", "relay"})
STORES = frozenset({"postgres", "redis"})  # not to be attacked while a fault waits for a process to act on them
PROCESS_FAULTS = (
    Fault("SIGKILL web", frozenset({"web"}), "a client got no answer", kill_web),
    Fault("SIGKILL worker", frozenset({"worker"}), "leases left behind", kill_worker),
    Fault("SIGKILL relay", frozenset({"relay"}), "it ended by SIGKILL", kill_relay),
    Fault("SIGKILL all", ALL, "leases left behind", kill_all),
    Fault(
        "worker paused for 20 s",
        STORES | {"worker", "tryton"},
        "its late write was refused",
        pause_worker,
    ),
    Fault("SIGTERM to all, twice", ALL, "processes that ended with 0", sigterm_storm),
    Fault("Redis FLUSHALL", STORES | {"worker"}, "messages gone", flush),
    Fault(
        "deploy, old beside new",
        frozenset({"worker"}),
        "the old one held a lease",
        old_and_new,
        lambda _: None if last_release() else "there is no release yet",
    ),
    Fault("poisoned deal", frozenset({"worker", "postgres"}), "workers it killed", poison),
    Fault("death at a named place", ALL | STORES | {"tryton"}, "it died there", die_at_a_place),
)
