"""The rules by which Hypothesis drives the simulation, in any world."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from oppsync.domain.approval.tasks import Decision
from oppsync.domain.values.model import changed
from oppsync.pipeline.table import stage_for
from tests.stateful import checks
from tests.stateful.faults import AT, Kind, Point, Trouble
from tests.stateful.meanwhile import MEANWHILE
from tests.stateful.memory import Row
from tests.stateful.people import PEOPLE
from tests.stateful.simulation import LINES, WORKERS, Simulation
from tests.stateful.worlds import World

MOST_DEALS = 4
_picks = st.integers(0, 11)
_meanwhile = st.lists(st.sampled_from(sorted(MEANWHILE)), min_size=1, max_size=3).map(tuple)
_at_a_write = [kind for kind, point in AT.items() if point is Point.WRITE]
_trouble = st.one_of(
    st.builds(Trouble, st.sampled_from(_at_a_write), st.integers(0, 5), _meanwhile),
    st.builds(Trouble, st.sampled_from(Kind), st.integers(0, 20), _meanwhile),
)
_troubles = st.lists(_trouble, min_size=1, max_size=3).map(tuple)
_web_troubles = st.lists(
    st.builds(
        Trouble,
        st.sampled_from(
            [Kind.KILLED_BEFORE_COMMIT, Kind.KILLED_AFTER_COMMIT, Kind.STORE_AWAY, Kind.COMMIT_ANSWER_LOST]
        ),
    ),
    max_size=1,
).map(tuple)


def _an_old_message_comes(simulation: Simulation, pick: int) -> None:
    rows, stages = simulation.world.rows(), ("validate", "approve", "create_projects", "write_back")
    if rows:
        simulation.run(0, rows[pick % len(rows)].tracked.id, stages[pick % len(stages)])


def _garbage_is_told(simulation: Simulation, pick: int) -> None:
    if not any(item.delivery_id for item in simulation.world.items()):
        simulation.tell(next(iter(simulation.outside.crm)), garbage=True)


def _a_delivery_comes_again(simulation: Simulation, pick: int) -> None:
    simulation.deliver(simulation.deliveries[pick % len(simulation.deliveries)])


def _a_vendor_goes_or_comes(simulation: Simulation, pick: int) -> None:
    simulation.away ^= {("crm", "erp", "psa", "mail")[pick % 4]}


def _messages_are_sent(simulation: Simulation, pick: int) -> None:
    simulation.relay()
    simulation.sweep()


NOISE: dict[str, Callable[[Simulation, int], None]] = {
    "a delivery comes again": _a_delivery_comes_again,
    "a vendor goes or comes": _a_vendor_goes_or_comes,
    "an old message comes": _an_old_message_comes,
    "garbage is told": _garbage_is_told,
    "messages are sent": _messages_are_sent,
    "Redis is flushed": lambda simulation, pick: simulation.bag.clear(),
}


def profile(examples: int, steps: int) -> settings:
    """Fixed examples by default; OPPSYNC_STATEFUL=<n> runs n times as many, new ones each time."""
    more = int(os.environ.get("OPPSYNC_STATEFUL", "0"))
    quick = os.environ.get("OPPSYNC_STATEFUL_QUICK") == "1"
    return settings(
        max_examples=examples * (more or 1),
        stateful_step_count=steps,
        derandomize=not more,
        database=None,
        deadline=None,
        phases=[Phase.generate] if quick else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def machine_in(make_world: Callable[[], World]) -> type[RuleBasedStateMachine]:
    """The machine, with a new world for each example."""

    class Machine(FirmMachine):
        def __init__(self) -> None:
            super().__init__(make_world())

    return Machine


class FirmMachine(RuleBasedStateMachine):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.simulation = Simulation(world)

    def _record(self, pick: int) -> str:
        records = list(self.simulation.outside.crm)
        return records[pick % len(records)]

    def _row(self, pick: int) -> Row | None:
        rows = self.simulation.world.rows()
        return rows[pick % len(rows)] if rows else None

    @initialize(lines=st.integers(0, len(LINES) - 1), together=st.sampled_from([1, 8]))
    def first_deal(self, lines: int, together: int) -> None:
        self.simulation.outside.erp.together = together
        self.simulation.tell(self.simulation.win(lines))

    @precondition(lambda self: len(self.simulation.outside.crm) < MOST_DEALS)
    @rule(
        lines=st.integers(0, len(LINES) - 1),
        owner=st.sampled_from(["sam@example.com", "fiona@example.com", "zoe@example.com"]),
        account=st.sampled_from(["CUST-1001", "CUST-1001", "CUST-404"]),
        troubles=_web_troubles,
    )
    def a_deal_is_won(self, lines: int, owner: str, account: str, troubles: tuple[Trouble, ...]) -> None:
        self.simulation.tell(self.simulation.win(lines, owner, account), troubles=troubles)

    @precondition(lambda self: len(self.simulation.outside.crm) < MOST_DEALS)
    @rule(lines=st.integers(0, len(LINES) - 1), worker=st.integers(0, WORKERS - 1), troubles=_troubles)
    def a_deal_is_pushed_through(self, lines: int, worker: int, troubles: tuple[Trouble, ...]) -> None:
        """Won, worked, approved; the troubles come during its creation."""
        simulation = self.simulation
        record_id = simulation.win(lines)
        simulation.tell(record_id)
        simulation.run(worker, simulation.find(record_id).tracked.id, "validate")
        simulation.approve(record_id)
        simulation.run(worker, simulation.find(record_id).tracked.id, "approve", troubles)

    @rule(pick=_picks, what=st.sampled_from(["price", "name", "lost", "won", "account"]), told=st.booleans())
    def a_deal_changes(self, pick: int, what: str, told: bool) -> None:
        record_id, simulation = self._record(pick), self.simulation
        record = simulation.outside.crm[record_id].now
        match what:
            case "price":
                simulation.reprice(record_id)
            case "name":
                simulation.change(record_id, name=f"{record.name} again"[-60:])
            case "lost" | "won":
                simulation.change(record_id, is_won=what == "won")
            case "account" if record.account:
                repaired = changed(record.account, code="CUST-1001")
                simulation.change(record_id, account=repaired)
        if told:
            simulation.tell(record_id)

    @rule(pick=_picks, told=st.booleans())
    def a_deal_is_deleted_or_restored(self, pick: int, told: bool) -> None:
        record_id, simulation = self._record(pick), self.simulation
        (simulation.restore if simulation.outside.crm[record_id].deleted else simulation.delete)(record_id)
        if told:
            simulation.tell(record_id)

    @rule(picks=st.lists(_picks, min_size=1, max_size=2), troubles=_web_troubles)
    def the_crm_tells(self, picks: list[int], troubles: tuple[Trouble, ...]) -> None:
        self.simulation.tell(*{self._record(pick) for pick in sorted(picks)}, troubles=troubles)

    @rule(pick=_picks, worker=st.integers(0, WORKERS - 1), keep=st.booleans())
    def a_worker_works(self, pick: int, worker: int, keep: bool) -> None:
        self.simulation.work(pick, worker, keep=keep)

    @rule(pick=_picks, worker=st.integers(0, WORKERS - 1), troubles=_troubles)
    def a_worker_has_troubles(self, pick: int, worker: int, troubles: tuple[Trouble, ...]) -> None:
        self.simulation.work(pick, worker, troubles)

    @rule(pick=_picks, worker=st.integers(0, WORKERS - 1), troubles=_troubles)
    def a_deal_is_worked_with_troubles(self, pick: int, worker: int, troubles: tuple[Trouble, ...]) -> None:
        if row := self._row(pick):
            self.simulation.run(worker, row.tracked.id, stage_for(row.tracked.state).name, troubles)

    @rule(pick=_picks, troubles=_troubles)
    def a_deal_is_approved_and_worked_on(self, pick: int, troubles: tuple[Trouble, ...]) -> None:
        if row := self._row(pick):
            self.simulation.approve(row.tracked.source_id)
            self.simulation.run(0, row.tracked.id, stage_for(row.tracked.state).name, troubles)

    @rule(
        pick=_picks,
        person=st.sampled_from(PEOPLE),
        decision=st.sampled_from(Decision),
        stale=st.booleans(),
    )
    def somebody_decides(self, pick: int, person: object, decision: Decision, stale: bool) -> None:
        simulation = self.simulation
        tasks = [task for row in simulation.world.rows() for task in simulation.world.tasks(row.tracked.id)]
        if tasks:
            task = tasks[-1 - pick % len(tasks)]
            seen = tasks[0].plan_hash if stale else task.plan_hash
            simulation.decide(task, next(one for one in PEOPLE if one is person), decision, seen)

    @rule(pick=_picks, dismissed=st.booleans())
    def somebody_works_the_queue(self, pick: int, dismissed: bool) -> None:
        if items := list(self.simulation.world.items()):
            item = items[-1 - pick % len(items)]
            (self.simulation.dismiss if dismissed else self.simulation.replay)(item)

    @rule(pick=_picks, troubles=_troubles)
    def somebody_gives_up(self, pick: int, troubles: tuple[Trouble, ...]) -> None:
        if row := self._row(pick):
            self.simulation.give_up(row.tracked.source_id)
            self.simulation.work_on(row.tracked.source_id, *troubles)

    @rule(pick=_picks, what=st.sampled_from(["price", "lines", "nothing"]), troubles=_troubles)
    def somebody_plans_anew(self, pick: int, what: str, troubles: tuple[Trouble, ...]) -> None:
        """An approved deal, after its price or its lines were corrected in the CRM; the troubles come while the
        new plan is applied."""
        row, simulation = self._row(pick), self.simulation
        if row is None:
            return
        record_id = row.tracked.source_id
        if what == "price":
            simulation.reprice(record_id)
        elif what == "lines":
            simulation.resell(record_id, pick % len(LINES))
        simulation.plan_anew(record_id)
        simulation.work_on(record_id)
        simulation.approve(record_id)
        simulation.work_on(record_id, *troubles)

    @rule(seconds=st.sampled_from([1, 3, 11, 20, 60, 600]))
    def time_passes(self, seconds: int) -> None:
        self.simulation.pass_time(timedelta(seconds=seconds))

    @rule(what=st.sampled_from(sorted(NOISE)), pick=_picks)
    def something_else_happens(self, what: str, pick: int) -> None:
        NOISE[what](self.simulation, pick)

    @invariant()
    def always(self) -> None:
        checks.always(self.simulation)

    def teardown(self) -> None:
        checks.finish(self.simulation)
