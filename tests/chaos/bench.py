"""One run: feed, attack, wait until everything rests, then check the books. Everything that starts processes is
here, on the main thread."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.services.reconcile.commands import ReconcileRestore
from tests.chaos import books, invariants
from tests.chaos.fault import Fault, Injection
from tests.chaos.house import House
from tests.chaos.process_faults import PROCESS_FAULTS
from tests.chaos.store_faults import STORE_FAULTS
from tests.chaos.vendor_faults import VENDOR_FAULTS
from tests.harness.builders import TENANT
from tests.harness.waiting import HANG_SECONDS
from tests.integration.standin_calls import call

FAULTS: tuple[Fault, ...] = (*PROCESS_FAULTS, *STORE_FAULTS, *VENDOR_FAULTS)
RESTORE = "backup restored"
AT_ONCE = 3  # faults under way at the same time
TICK_SECONDS = 0.05
EDIT_EVERY_SECONDS = 1.5
UNFINISHED = """select (select count(*) from outbox) + (select count(*) from opportunities
    where due_at is not null or lease_holder is not null
    or state not in ('active', 'rejected', 'withdrawn', 'parked')) + (select count(*) from crm_watermarks
    where tries > 0 or lease_until > now() or page_from is not null or polled_at is null or polled_at < %s)"""
Say = Callable[[str], None]


@dataclass
class Report:
    """What one run did and observed. `traces`: fault -> how often it left a trace; `tried`: how often it was
    tried."""

    seed: str
    tried: Counter[str] = field(default_factory=Counter)
    traces: Counter[str] = field(default_factory=Counter)
    impossible: dict[str, str] = field(default_factory=dict)
    fates: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    died_at: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    attack_seconds: float = 0.0
    settle_seconds: float = 0.0
    things: int = 0


@dataclass
class _Going:
    fault: Fault
    injection: Injection
    due: float = 0.0


class Bench:
    def __init__(self, home: Path, disk: Path, seed: str, *, deals: int, kill_after: float, say: Say) -> None:
        self.house = House(home, disk, seed, kill_after)
        self.report = Report(seed)
        self._deals, self._say = deals, say
        self._chance = Random(f"monkey {seed}")  # noqa: S311 - to be repeated
        self._edit_at = 0.0
        self._backup_made = False

    def run(self, faults: Sequence[Fault], *, restore: bool) -> Report:
        """Run each of the faults once, in an order that the seed decides; with `restore` an old backup comes
        back last."""
        try:
            self.house.start()
            self._wait_until_ready()
            self.house.crm.start()
            for person in self.house.people:
                person.start()
            began = time.monotonic()
            self._attack(self._possible(faults), restore)
            self.report.attack_seconds = time.monotonic() - began
            self.house.operator.stop()
            self._settle()
            self._judge()
        finally:
            killed = self.house.stop()
        within = f"within {self.house.processes.kill_after:.0f} s of SIGTERM" if killed else ""
        self.report.breaches += [f"{name} did not end {within}" for name in killed]
        return self.report

    def _possible(self, faults: Sequence[Fault]) -> list[Fault]:
        possible = []
        for fault in faults:
            why = fault.why_not(self.house)
            if why:
                self.report.impossible[fault.name] = why
            else:
                possible.append(fault)
        self._chance.shuffle(possible)
        return possible

    def _attack(self, waiting: list[Fault], restore: bool) -> None:
        going: list[_Going] = []
        all_faults = max(1, len(waiting))
        while waiting or going or len(self.house.crm.records) < self._deals:
            self._tick(edits=True)
            done = 1 - len(waiting) / all_faults
            self._feed(done)
            if restore and not self._backup_made and done > 1 / 3 and self.house.servers.postgres_is_up():
                self._back_up()
            going = [one for one in going if self._goes_on(one)]
            fault = self._next(waiting, going)
            if fault is not None:
                waiting.remove(fault)
                self._say(f"{fault.name} ...")
                self.report.tried[fault.name] += 1
                going.append(_Going(fault, fault.inject(self.house, self._chance)))
        if restore:
            self._restore()

    def _next(self, waiting: list[Fault], going: list[_Going]) -> Fault | None:
        if len(going) >= AT_ONCE or len(self.house.crm.records) < min(5, self._deals):
            return None
        used = frozenset[str]().union(*(one.fault.uses for one in going))
        return next((fault for fault in waiting if not fault.uses & used), None)

    def _goes_on(self, one: _Going) -> bool:
        if time.monotonic() < one.due:
            return True
        try:
            one.due = time.monotonic() + next(one.injection)
        except psycopg.OperationalError:  # it queried while another fault had Postgres down
            return False
        except StopIteration as end:
            self.report.traces[one.fault.name] += end.value
            return False
        return True

    def _tick(self, *, edits: bool) -> None:
        self.house.processes.tick()
        now = time.monotonic()
        if edits and self.house.crm.records and now >= self._edit_at:
            self.house.crm.edit()
            self._edit_at = now + EDIT_EVERY_SECONDS
        time.sleep(TICK_SECONDS)

    def _feed(self, done: float) -> None:
        """Deals arrive during the whole attack, a few of them at its beginning."""
        wanted = min(self._deals, 5 + int(self._deals * done))
        if len(self.house.crm.records) < wanted:
            self.house.crm.win()

    def _back_up(self) -> None:
        try:
            self.house.servers.back_up()
        except OSError:
            return
        self._backup_made = True
        self._say("backup made")

    def _restore(self) -> None:
        """Restore the old backup into Postgres while the product stands still, then follow the runbook: the CRM
        sends everything again, and the external records are reconciled."""
        self._say(f"{RESTORE} ...")
        self.report.tried[RESTORE] += 1
        stopped = [one for one in self.house.processes.all if one.is_wanted]
        for one in stopped:
            one.is_wanted = False
            one.signal(signal.SIGTERM)
        self._wait(lambda: not any(one.runs for one in stopped), self.house.processes.kill_after + 2)
        before = self._confirmed()
        self.house.servers.crash_postgres()
        self.house.servers.restore()
        self.house.servers.start_postgres()
        self.house.application.close()
        self.report.traces[RESTORE] += before - self._confirmed()
        for one in stopped:
            one.is_wanted = True
        self.house.crm.tell_all_again()
        self._wait(lambda: not self.house.crm.waiting, HANG_SECONDS)
        self.house.application.dispatch(ReconcileRestore(TENANT, COMMAND_LINE))

    def _confirmed(self) -> int:
        with self.house.servers.sql() as sql:
            found = sql.execute("select count(*) from effects where state = 'confirmed'").fetchone()
        return int(found[0]) if found else 0

    def _wait_until_ready(self) -> None:
        def ready() -> bool:
            try:
                return call(self.house.web, "GET", "/health/ready", timeout=2).status == 200
            except OSError:
                return False

        if not self._wait(ready, HANG_SECONDS):
            raise RuntimeError("the product did not start: read the logs of the run")

    def _wait(self, is_so: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not is_so():
            self._tick(edits=False)
            if time.monotonic() > deadline:
                return False
        return True

    def _settle(self) -> None:
        """Wait until everything is delivered, sent and finished; a run that never rests is judged as it is."""
        began = time.monotonic()
        with self.house.servers.sql() as sql:
            now = sql.execute("select now()").fetchone()
        # Polled once more after the last change, and the result worked; then nobody polls any more.
        for _ in range(2):
            self._wait(partial(self._rests, now), HANG_SECONDS)
            self.house.end_polls()
        self.report.settle_seconds = time.monotonic() - began

    def _rests(self, polled_since: tuple[Any, ...] | None) -> bool:
        if self.house.crm.waiting:
            return False
        with self.house.servers.sql() as sql:
            return sql.execute(UNFINISHED, polled_since).fetchone() == (0,)

    def _judge(self) -> None:
        house, report = self.house, self.report
        found = books.read(house)
        report.breaches = invariants.breaches(found, house.crm) + house.rude
        if report.breaches:
            found.keep(house.home / "evidence.json")
        report.fates = invariants.fates(found)
        report.things = sum(map(len, found.things.values()))
        report.died_at = house.died_at
        report.recoveries = house.recoveries
        report.sent = Counter(
            {
                "deals": len(house.crm.records),
                "deliveries": len(house.crm.acknowledged),
                "sent again": house.crm.sent_again,
                "never sent": len(house.crm.dropped),
                "out of order": house.crm.reordered,
                "edited meanwhile": house.crm.edited,
                "decisions": sum(approver.done for approver in house.approvers),
                "replays": house.operator.done,
            }
        )
