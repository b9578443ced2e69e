"""Two at once on one deal, in two threads and two transactions of a real Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, cast

from sqlalchemy import Engine, create_engine, text

from oppsync.domain.approval.tasks import Decision, TaskStatus
from oppsync.domain.values.roles import ApprovalRole
from oppsync.kernel.settings import Settings
from oppsync.ports.storage.unit_of_work import Bus, UnitOfWork, UnitOfWorkFactory
from oppsync.services.approvals.commands import DecideApproval
from oppsync.services.approvals.decide_approval import DecideApprovalHandler
from tests.harness.builders import TENANT
from tests.harness.waiting import HANG_SECONDS, until
from tests.stateful import checks
from tests.stateful.people import FIONA
from tests.stateful.process import SEALS
from tests.stateful.simulation import Simulation
from tests.stateful.worlds import World


class SlowUnitOfWork:
    """Stops where a decision asks for the plan: the deal is locked, and nothing is written yet."""

    def __init__(self, inner: UnitOfWork, reached: Event, goes_on: Event) -> None:
        self._inner = inner
        self._reached = reached
        self._goes_on = goes_on

    def __getattr__(self, name: str) -> Any:
        if name == "plans":
            self._reached.set()
            assert self._goes_on.wait(HANG_SECONDS)
        return getattr(self._inner, name)


def test_a_decision_and_a_change_told_meanwhile_take_turns_on_postgres(
    postgres: Callable[[], World], settings: Settings
) -> None:
    firm = Simulation(postgres())
    record_id = firm.win()
    firm.tell(record_id)
    firm.work()
    (task,) = (one for one in firm.tasks(record_id, TaskStatus.OPEN) if one.role == ApprovalRole.FINANCE)
    firm.reprice(record_id)
    reached, goes_on = Event(), Event()

    @contextmanager
    def slow() -> Iterator[UnitOfWork]:
        with firm.world.uow() as inner:
            yield cast(UnitOfWork, SlowUnitOfWork(inner, reached, goes_on))

    decide = DecideApprovalHandler(cast(UnitOfWorkFactory, slow), Bus().publish, SEALS)
    command = DecideApproval(TENANT, task.id, task.plan_hash, FIONA.id, Decision.APPROVE)
    watching = create_engine(settings.database_url.get_secret_value(), isolation_level="AUTOCOMMIT")
    with ThreadPoolExecutor(2) as pool:
        decision = pool.submit(decide, command)
        assert reached.wait(HANG_SECONDS)
        telling = pool.submit(firm.tell, record_id)
        _wait_until_it_waits(watching, telling)
        goes_on.set()
        assert decision.result().status is TaskStatus.APPROVED
        telling.result()
    watching.dispose()
    firm.settle()

    checks.at_the_end(firm)
    assert len(firm.tasks(record_id, TaskStatus.OPEN)) == 2


def _wait_until_it_waits(engine: Engine, telling: Future[None]) -> None:
    """Wait until it waits for the other's lock, or went past where it should have waited."""
    waits = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
    with engine.connect() as connection:
        until(lambda: telling.done() or connection.execute(waits).scalar_one(), "it waits")
