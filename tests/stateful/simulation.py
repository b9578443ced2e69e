"""A small firm in one thread: deals, people, workers that die or pause, messages that get lost, and one clock.

Everything that happens is an argument of a rule, so a failing example can be repeated exactly.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from oppsync.domain.approval.tasks import ApprovalTask, Decision, Person, TaskStatus
from oppsync.domain.effects.effects import LedgerRow
from oppsync.domain.plan.approvals import seats
from oppsync.domain.plan.plan import PlanContent, plan_hash
from oppsync.domain.values.model import changed
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus
from oppsync.domain.work.intake import Delivery
from oppsync.domain.work.states import State
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import RequestRefused, StoreUnavailable
from oppsync.pipeline.table import stage_for
from oppsync.services.approvals.commands import DecideApproval
from oppsync.services.changes.commands import PlanAnew
from oppsync.services.intake.commands import AcceptDelivery
from oppsync.services.queue.commands import Compensate, DismissException, ReplayException
from oppsync.services.work.commands import RunStage
from tests.harness import builders as make
from tests.harness.builders import TENANT
from tests.stateful import people
from tests.stateful.faults import Died, Trouble
from tests.stateful.meanwhile import MEANWHILE
from tests.stateful.memory import Row
from tests.stateful.process import Process
from tests.stateful.vendors import CrmRecord, Outside
from tests.stateful.worlds import World

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
CRM = "crm"
WORKERS = 3
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

LINES = (
    (make.time_line(),),
    (make.milestone_line(),),
    (make.time_line(), make.fixed_line(starts_on="2026-06-01", ends_on="2026-06-30")),
)


class Simulation:
    def __init__(self, world: World) -> None:
        self.world = world
        self.outside = Outside()
        self.bag: list[tuple[UUID, str]] = []
        self.away: set[str] = set()
        self.reads_garbage = False
        self.broken: list[str] = []
        self.reported: list[str] = []  # codes of dead letters, as reported
        self.accepted: set[str] = set()  # deals whose delivery we acknowledged
        self.untold: set[str] = set()  # deals that changed since their last notification
        self.given_up: set[str] = set()
        self.past_owners: dict[str, set[str]] = {}
        self.deliveries: list[Delivery] = []  # any of these may arrive again
        self.unanswered: list[Delivery] = []  # each will arrive again: the CRM got no 2xx for it
        self.crm_reads: list[str] = []
        self.last_sent: dict[UUID, datetime] = {}
        self._now = START
        self._later: list[tuple[datetime, int, Callable[[], object]]] = []
        self._numbers = itertools.count(1)
        self._depth = 0
        self.workers = [self._process("worker") for _ in range(WORKERS)]
        world.set_time(START)

    def _process(self, kind: str) -> Process:
        return Process(self, f"{kind}-{next(self._numbers)}")

    # Time.

    def now(self) -> datetime:
        return self._now

    def pass_time(self, duration: timedelta) -> None:
        """Vendors' late commits happen when they are due."""
        until = self._now + duration
        while self._later and self._later[0][0] <= until:
            self._now, _, carry_out = heapq.heappop(self._later)
            carry_out()
        self._now = until
        self.world.set_time(until)

    def later(self, delay: timedelta, carry_out: Callable[[], object]) -> None:
        heapq.heappush(self._later, (self._now + delay, next(self._numbers), carry_out))

    def wait_for_answer(self, process: Process, duration: timedelta) -> None:
        """The process lives and renews its leases; another that tries to work its deal finds it leased."""
        mine = [
            row.tracked.id
            for row in self.world.rows()
            if row.tracked.id == process.works_on
            and row.lease_holder == process.name
            and row.lease_until is not None
            and row.lease_until > self._now
        ]
        while duration > timedelta(0):
            step = min(duration, timedelta(seconds=3))
            self.pass_time(step)
            process.keeper.renew()
            duration -= step
        for row in map(self.row, mine):
            self._dispatch(self._process("worker"), row)
            if self.row(row.tracked.id).lease_holder != process.name:
                self.broken.append(f"{process.name} lives, but lost its lease")

    def meanwhile(self, actions: Sequence[str]) -> None:
        """What happens while a process is paused."""
        if self._depth:
            return
        self._depth += 1
        for action in actions:
            MEANWHILE[action](self)
        self._depth -= 1

    # The CRM.

    def win(self, lines: int = 0, owner: str = "sam@example.com", account: str = "CUST-1001") -> str:
        record_id = f"006O{len(self.outside.crm) + 1}"
        deal = make.opportunity(
            *LINES[lines],
            id=record_id,
            version="v1",
            modified_at=self._now,
            owner=make.owner(id=f"user {owner}", email=owner),
            account=make.account(code=account),
        )
        self.outside.crm[record_id] = CrmRecord([deal])
        self.untold.add(record_id)
        return record_id

    def change(self, record_id: str, **changes: Any) -> None:
        self.pass_time(timedelta(milliseconds=1))
        self.outside.crm[record_id].save(self._now, **changes)
        self.untold.add(record_id)

    def hand_over(self, record_id: str, email: str) -> None:
        """Read at once: nobody else decides or works meanwhile."""
        before = self.outside.crm[record_id].now.owner
        self.past_owners.setdefault(record_id, set()).add(before.email if before and before.email else "")
        self.change(record_id, owner=make.owner(id=f"user {email}", email=email))
        self.tell(record_id)

    def delete(self, record_id: str) -> None:
        """Gone from the CRM, until somebody restores it."""
        record = self.outside.crm[record_id]
        record.deleted = record.was_deleted = True
        self.untold.add(record_id)

    def restore(self, record_id: str) -> None:
        self.outside.crm[record_id].deleted = False
        self.change(record_id)

    def reprice(self, record_id: str) -> None:
        deal = self.outside.crm[record_id].now
        first = deal.lines[0]
        more = first.quantity + 1
        dearer = changed(first, quantity=more, net=first.net * more / first.quantity)
        total = sum((line.net for line in (dearer, *deal.lines[1:])), start=Decimal(0))
        self.change(record_id, lines=(dearer, *deal.lines[1:]), amount=total)

    def resell(self, record_id: str, lines: int) -> None:
        """Other lines are sold, so that the deal has other workstreams."""
        sold = LINES[lines]
        self.change(record_id, lines=sold, amount=sum((line.net for line in sold), start=Decimal(0)))

    def tell(self, *record_ids: str, troubles: Sequence[Trouble] = (), garbage: bool = False) -> None:
        body = b"garbage" * garbage + canonical_json.dumps(list(record_ids)).encode()
        delivery = Delivery(
            tenant_id=TENANT,
            connection_id=CRM,
            delivery_id=f"d{next(self._numbers)}",
            headers={},
            body=body,
            traceparent=TRACE,
        )
        self.deliveries.append(delivery)
        self.untold.difference_update(() if garbage else record_ids)
        self.deliver(delivery, troubles)

    def deliver(self, delivery: Delivery, troubles: Sequence[Trouble] = ()) -> None:
        """Deliver over the web: without an answer, or with 503, the CRM sends it again."""
        known, rows = delivery.delivery_id in self.world.delivered(), self.world.rows()
        try:
            accepted = self._process("web").dispatch(AcceptDelivery(delivery), troubles)
        except (Died, StoreUnavailable):
            self.unanswered.append(delivery)
            return
        if accepted.is_new is known:
            self.broken.append(f"a delivery known: {known} was called new: {accepted.is_new}")
        if known and self.world.rows() != rows:
            self.broken.append("a delivery that came again changed something")
        if delivery.delivery_id not in self.world.delivered():
            self.broken.append("a delivery was acknowledged and is not in the inbox")
        if not delivery.body.startswith(b"garbage"):
            named = set(canonical_json.loads(delivery.body))
            self.accepted |= named
            if accepted.is_new:
                self._expect_message(*(self.find(record_id).tracked.id for record_id in named))

    def redeliver_unanswered(self) -> None:
        waiting, self.unanswered = self.unanswered, []
        for delivery in waiting:
            self.deliver(delivery)

    def take_over_outside(self, other: Simulation) -> None:
        """Start with the outside systems of another firm's story, whose rows do not exist here."""
        self.pass_time(other.now() - self._now)
        self.outside = other.outside
        self.outside.mail.clear()
        self.workers = [self._process("worker") for _ in range(WORKERS)]

    # Messages.

    def send(self, opportunity_id: UUID, stage: str) -> None:
        self.bag.append((opportunity_id, stage))
        self.last_sent[opportunity_id] = self._now

    def relay(self) -> None:
        self.world.relay(self.send)

    def sweep(self) -> None:
        self.world.sweep(self.send)
        if again := self.world.sweep(self.send):
            self.broken.append(f"the sweeper storms: {again} sent twice at once")

    def _expect_message(self, *opportunity_ids: UUID) -> None:
        if missing := set(opportunity_ids) - self.world.waiting_messages():
            self.broken.append(f"no message for {missing} waits in the outbox")

    # Workers.

    def work(
        self, pick: int = 0, worker: int = 0, troubles: Sequence[Trouble] = (), *, keep: bool = False
    ) -> None:
        """A worker takes any message; without one, time passes until there is one."""
        self._fetch()
        if not self.bag:
            return
        message = self.bag[pick % len(self.bag)]
        if not keep:
            self.bag.remove(message)
        self.run(worker, *message, troubles=troubles)

    def work_on(self, record_id: str, *troubles: Trouble, worker: int = 0) -> None:
        """A worker gets a message about this deal, for the stage of its state."""
        tracked = self.find(record_id).tracked
        self.run(worker, tracked.id, stage_for(tracked.state).name, troubles)

    def work_with(self, trouble: Trouble) -> bool:
        """Work the first message; returns whether the trouble happened."""
        process = self.workers[0]
        self.run(0, *self.bag.pop(0), troubles=[trouble])
        return process.script.came

    def _fetch(self) -> None:
        self.relay()
        if not self.bag:
            self.sweep()
        if not self.bag and (next_at := self._next_due()):
            self.pass_time(max(next_at - self._now, timedelta(0)) + timedelta(milliseconds=1))
            self.sweep()

    def _next_due(self) -> datetime | None:
        times = [
            max(filter(None, (row.due_at, row.emit_at, row.lease_until)))
            for row in self.world.rows()
            if row.due_at
        ]
        return min(times, default=None)

    def run(self, worker: int, opportunity_id: UUID, stage: str, troubles: Sequence[Trouble] = ()) -> None:
        process = self.workers[worker % WORKERS]
        process.works_on = opportunity_id
        try:
            process.dispatch(RunStage(opportunity_id, stage), troubles)
        except Died:
            self.workers[worker % WORKERS] = self._process("worker")
        except StoreUnavailable:  # as the actor handles it
            return
        if process.stopping.is_set():
            self._expect_handed_on(opportunity_id)
            self.workers[worker % WORKERS] = self._process("worker")

    def _expect_handed_on(self, opportunity_id: UUID) -> None:
        row = self.row(opportunity_id)
        if row.due_at is not None and row.due_at <= self._now and row.lease_holder is None:
            self._expect_message(opportunity_id)

    def _dispatch(self, process: Process, row: Row) -> None:
        process.dispatch(RunStage(row.tracked.id, stage_for(row.tracked.state).name))

    # People.

    def decide(self, task: ApprovalTask, person: Person, decision: Decision, seen: str | None = None) -> None:
        """Decide; the decision must be refused exactly when the rule says so."""
        row, tasks = self.row(task.opportunity_id), self.world.tasks(task.opportunity_id)
        seen = seen or task.plan_hash
        owned = person.email in self.past_owners.get(row.tracked.source_id, ())
        refusal = "they owned it once" if owned else people.why_not(task, person, seen, row.tracked, tasks)
        comment = "" if decision is Decision.APPROVE else "too dear"
        command = DecideApproval(TENANT, task.id, seen, person.id, decision, comment)
        try:
            self._process("person").dispatch(command)
        except RequestRefused as refused:
            if refusal is None:
                self.broken.append(f"{person.name} could not decide: {refused.code}")
            return
        if refusal is not None:
            self.broken.append(f"{person.name} decided although {refusal}")
        if decision is not Decision.REQUEST_CHANGES:  # that parks the deal: sales has to do something
            self._expect_message(task.opportunity_id)

    def approve(self, record_id: str) -> None:
        """Whoever is asked now and may approves."""
        row = self.find(record_id).tracked
        for task in self.world.tasks(row.id):
            for person in people.PEOPLE:
                tasks = self.world.tasks(row.id)
                if people.why_not(task, person, task.plan_hash, self.row(row.id).tracked, tasks) is None:
                    self.decide(task, person, Decision.APPROVE)
                    break

    def replay(self, item: ExceptionItem) -> None:
        try:
            self._process("person").dispatch(ReplayException(TENANT, item.id, people.OLGA.id))
        except RequestRefused as refused:
            unreadable = item.opportunity_id is None and not self.reads_garbage
            if self._is_open(item) and not unreadable:
                self.broken.append(f"an open item cannot be replayed: {refused.code}")
            return
        if item.opportunity_id is not None:
            self._expect_message(item.opportunity_id)

    def dismiss(self, item: ExceptionItem) -> None:
        try:
            self._process("person").dispatch(DismissException(TENANT, item.id, people.OLGA.id, "settled"))
        except RequestRefused as refused:
            if self._is_open(item):
                self.broken.append(f"an open item cannot be dismissed: {refused.code}")

    def _is_open(self, item: ExceptionItem) -> bool:
        return item.id in {other.id for other in self.open_items()}

    def give_up(self, record_id: str) -> None:
        """A person gives up what stopped after its approval."""
        tracked = self.find(record_id).tracked
        approved = tracked.resume_state in (State.APPROVED, State.CREATED)
        exists = any(effect.may_exist for effect in self.effects(record_id))
        may = tracked.state is State.PARKED and (approved or exists)
        command = Compensate(TENANT, tracked.id, people.OLGA.id, "the customer is gone")
        try:
            self._process("person").dispatch(command)
        except RequestRefused as refused:
            if may:
                self.broken.append(f"{record_id} cannot be given up: {refused.code}")
            return
        if not may:
            self.broken.append(f"{record_id} is given up, though it was {tracked.state}")
        self.given_up.add(record_id)
        self._expect_message(tracked.id)

    def plan_anew(self, record_id: str) -> None:
        """A person has a deal that waits for approval, or is approved, planned anew."""
        tracked = self.find(record_id).tracked
        rejected = any(
            task.status is TaskStatus.REJECTED and task.plan_hash == tracked.plan_hash
            for task in self.world.tasks(tracked.id)
        )
        waits = tracked.stands_at in (State.PLANNED, State.AWAITING_APPROVAL) and not rejected
        may = waits or tracked.stands_at in (State.APPROVED, State.CREATED)
        command = PlanAnew(TENANT, tracked.id, people.OLGA.id, "the price was wrong")
        try:
            self._process("person").dispatch(command)
        except RequestRefused as refused:
            if may:
                self.broken.append(f"{record_id} cannot be planned anew: {refused.code}")
            return
        if not may:
            self.broken.append(f"{record_id} is planned anew, though it was {tracked.state}")
        self._expect_message(tracked.id)

    # What can be seen.

    def rows(self) -> Sequence[Row]:
        return self.world.rows()

    def row(self, opportunity_id: UUID) -> Row:
        return next(row for row in self.world.rows() if row.tracked.id == opportunity_id)

    def find(self, record_id: str) -> Row:
        return next(row for row in self.world.rows() if row.tracked.source_id == record_id)

    def open_items(self) -> list[ExceptionItem]:
        return [item for item in self.world.items() if item.status is ExceptionStatus.OPEN]

    def state(self, record_id: str) -> State:
        return self.find(record_id).tracked.state

    def effects(self, record_id: str) -> Sequence[LedgerRow]:
        return self.world.effects(self.find(record_id).tracked.id)

    def tasks(self, record_id: str, status: TaskStatus | None = None) -> list[ApprovalTask]:
        tasks = self.world.tasks(self.find(record_id).tracked.id)
        return [task for task in tasks if status in (None, task.status)]

    def open_items_of(self, record_id: str) -> list[ExceptionItem]:
        opportunity_id = self.find(record_id).tracked.id
        return [item for item in self.open_items() if item.opportunity_id == opportunity_id]

    def sees_creation(self, plan: PlanContent) -> None:
        """Before a write of `plan` outside: another person must have approved this very plan for each seat of
        it."""
        row, digest = self.find(plan.record_id), plan_hash(plan)
        approved = {
            task.role: task.decided_by
            for task in self.world.tasks(row.tracked.id)
            if task.plan_hash == digest and task.status is TaskStatus.APPROVED
        }
        needed = [seat.code for seat in seats(plan.required)]
        if not approved.keys() >= set(needed) or len(set(approved.values())) < len(needed):
            self.broken.append(f"{plan.record_id} is created without {needed} of plan {digest[:8]}")

    # The end of all troubles.

    def settle(self, rounds: int = 60) -> None:
        """All troubles end, and time passes until nothing is due."""
        self.away.clear()
        self.redeliver_unanswered()
        for turn in range(rounds):
            self._fetch()
            if not self.bag:
                return
            while self.bag:
                self.run(turn, *self.bag.pop(0))
        self.broken.append("it does not settle: something is always due")
