"""One process of ours: its handlers, its borders, and the troubles that happen there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from adapters.identity.seals import HmacSeals
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.opportunity import Opportunity, OpportunityRef
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.capabilities import CrmCapabilities, ErpCapabilities, PsaCapabilities
from oppsync.domain.plan.orders import LineOrder, Message, NodeOrder, PsaOrder, StaffingOrder, WriteBack
from oppsync.domain.plan.plan import BillingLine, PlanContent
from oppsync.domain.plan.references import ErpReferences, MissingReference
from oppsync.domain.plan.systems import ParentValues
from oppsync.domain.reference.book import ReferenceBook, ReferenceUse
from oppsync.domain.work.events import Event
from oppsync.domain.work.tracked import Lease
from oppsync.kernel import canonical_json
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import (
    AmbiguousAnswer,
    HeldBack,
    NeverLands,
    RateLimited,
    RecordGone,
    StoreUnavailable,
    UnreadableDelivery,
    VendorRejected,
    VendorUnavailable,
)
from oppsync.kernel.side_by_side import Batch
from oppsync.ports.clock import Clock
from oppsync.ports.crm import Crm
from oppsync.ports.erp import CameOfIt, Erp
from oppsync.ports.notifier import Notifier
from oppsync.ports.psa import Psa
from oppsync.ports.storage.unit_of_work import Bus, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.approvals.commands import DecideApproval
from oppsync.services.approvals.decide_approval import DecideApprovalHandler
from oppsync.services.changes.commands import PlanAnew
from oppsync.services.changes.plan_anew import PlanAnewHandler
from oppsync.services.intake.accept_delivery import AcceptDeliveryHandler
from oppsync.services.intake.commands import AcceptDelivery
from oppsync.services.queue.commands import Compensate, DismissException, ReplayException
from oppsync.services.queue.compensate import CompensateHandler
from oppsync.services.queue.exception_queue import DismissExceptionHandler, ReplayExceptionHandler
from oppsync.services.work.commands import RunStage
from oppsync.services.work.lease_keeper import LeaseKeeper
from oppsync.services.work.run_stage import RunStageHandler
from tests.stateful.faults import LATE_COMMIT, PATIENCE, QUARANTINE, Died, Kind, Point, Script, Trouble
from tests.stateful.vendors import (
    CrmRecord,
    content_of,
    line_content,
    line_was,
    node_content,
    psa_content,
    staffing_content,
)

if TYPE_CHECKING:
    from tests.stateful.simulation import Simulation

Answer = TypeVar("Answer")
SEALS = HmacSeals(["a secret of these histories that no database knows"])
ASKED_PAUSE = timedelta(seconds=30)
# Longer than a lease: without its renewal another worker would take over.
SLOW = timedelta(seconds=25)
# A whole way from webhook to write-back needs a tenth of them.
MOST_UNITS_OF_WORK = 1_000


class EndlessError(BaseException):
    """Not a class of errors that our handlers treat as a failure of a stage."""


class InjectedBug(RuntimeError):
    """An unexpected error of an adapter."""


class Process:
    """Made anew under a new name after each death or shutdown; keeps nothing of the one before."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        self.name = name
        self.script = Script()
        self._begun = 0
        self.works_on: UUID | None = None
        self.stopping = threading.Event()
        self.simulation = simulation
        self.keeper = StillKeeper(Units(self._plain_uow))
        self.uow = Units(self._watched_uow)
        self._bus = Bus()
        self._bus.subscribe(_audit)
        systems = cast(Systems, ConnectedVendors(self))
        publish = self._bus.publish
        run_stage = RunStageHandler(
            uow=self.uow,
            publish=publish,
            systems=systems,
            clock=cast(Clock, simulation),
            reporter=self,
            keeper=self.keeper,
            seals=SEALS,
            side_by_side=one_after_the_other,
            stopping=self.stopping,
            holder=name,
            base_url="https://oppsync.example",
        )
        self._bus.register(RunStage, run_stage)
        self._bus.register(AcceptDelivery, AcceptDeliveryHandler(self.uow, publish, systems))
        self._bus.register(DecideApproval, DecideApprovalHandler(self.uow, publish, SEALS))
        self._bus.register(ReplayException, ReplayExceptionHandler(self.uow, publish, systems))
        self._bus.register(DismissException, DismissExceptionHandler(self.uow, publish))
        self._bus.register(PlanAnew, PlanAnewHandler(self.uow, publish))
        self._bus.register(Compensate, CompensateHandler(self.uow, publish))

    def dispatch(self, command: Command[Answer], troubles: Sequence[Trouble] = ()) -> Answer:
        self.script = Script(troubles)
        self._begun = 0
        return self._bus.dispatch(command)

    @contextmanager
    def _watched_uow(self) -> Iterator[UnitOfWork]:
        self._begun += 1
        if self._begun > MOST_UNITS_OF_WORK:
            raise EndlessError(f"{self.name} goes round and round")
        self._meet(Point.BEGIN)
        with self._plain_uow() as inner:
            yield cast(UnitOfWork, WatchedUnitOfWork(inner, self._meet))
        self._meet(Point.ENDED)

    @contextmanager
    def _plain_uow(self) -> Iterator[UnitOfWork]:
        self.simulation.world.acting(self.name)
        with self.simulation.world.uow() as inner:
            yield inner

    def _meet(self, point: Point) -> None:
        trouble = self.script.at(point)
        match trouble.kind if trouble else None:
            case Kind.KILLED_BEFORE_COMMIT | Kind.KILLED_AFTER_COMMIT:
                raise Died
            case Kind.STORE_AWAY | Kind.STORE_AWAY_AT_COMMIT | Kind.COMMIT_ANSWER_LOST:
                raise StoreUnavailable("injected")
            case Kind.PAUSED if trouble:
                self.simulation.meanwhile(trouble.meanwhile)

    def call(self, vendor: str) -> None:
        trouble = self.script.at(Point.CALL)
        match trouble.kind if trouble else None:
            case Kind.KILLED_BEFORE_CALL:
                raise Died
            case Kind.VENDOR_AWAY:
                raise VendorUnavailable(f"{vendor} is away")
            case Kind.LIMITED:
                raise RateLimited(f"{vendor} is busy", retry_after=ASKED_PAUSE)
            case Kind.HELD_BACK:
                raise HeldBack(f"{vendor} is not called yet", retry_after=ASKED_PAUSE)
            case Kind.BUG:
                raise InjectedBug(vendor)
        if vendor in self.simulation.away:
            raise VendorUnavailable(f"{vendor} is away")

    def write(self, vendor: str, carry_out: Callable[[], Answer]) -> Answer:
        self.call(vendor)
        trouble = self.script.at(Point.WRITE)
        kind = trouble.kind if trouble else None
        if kind is Kind.REJECTED:
            raise VendorRejected(f"{vendor} refuses")
        if kind is Kind.LATE:
            self.simulation.later(PATIENCE + LATE_COMMIT, carry_out)
        elif kind is not Kind.LOST_BEFORE:
            answer = carry_out()
        if kind in (Kind.LATE, Kind.LOST_BEFORE, Kind.LOST_AFTER):
            self.simulation.wait_for_answer(self, PATIENCE)
            raise AmbiguousAnswer(f"{vendor} did not answer")
        if kind is Kind.KILLED_AFTER_WRITE:
            raise Died
        if kind is Kind.PAUSED_AFTER_WRITE and trouble:
            self.simulation.meanwhile(trouble.meanwhile)
        elif kind is Kind.SLOW:
            self.simulation.wait_for_answer(self, SLOW)
        elif kind is Kind.STOPPED:
            self.stopping.set()
        return answer

    def dead_letter(self, opportunity_id: UUID, code: str, message: str, error: Exception | None) -> None:
        self.simulation.reported.append(code)
        if error is not None and not isinstance(error, InjectedBug | NeverLands):
            self.simulation.broken.append(f"bug: {error!r}")

    def parked(self, opportunity_id: UUID, stage: str, codes: Sequence[str]) -> None:
        """Told by the deal's state."""

    def deferred(self, opportunity_id: UUID, stage: str, code: str, tries: int, seconds: float) -> None:
        """Told by the deal's due time."""

    def lease_lost(self, opportunity_id: UUID, token: int) -> None:
        """A worker that lost its lease: nothing of its run was recorded."""


def one_after_the_other(calls: Sequence[Callable[[], Answer]]) -> Iterator[Batch[Answer]]:
    """The answers come together, so that a death before they are committed loses all of them, and the last
    first."""
    yield [(place, _tried(call)) for place, call in enumerate(calls)][::-1]


def _tried(call: Callable[[], Answer]) -> Answer | Exception:
    try:
        return call()
    except Exception as error:
        return error


def _audit(uow: UnitOfWork, tenant_id: str, traceparent: str, event: Event) -> None:
    uow.audit.append(tenant_id, event, traceparent)


class WatchedUnitOfWork:
    def __init__(self, inner: UnitOfWork, meet: Callable[[Point], None]) -> None:
        self._inner = inner
        self._meet = meet

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def commit(self) -> None:
        self._meet(Point.COMMIT)
        self._inner.commit()
        self._meet(Point.COMMITTED)


class Units:
    """Implements `UnitOfWorkFactory`: reads have the same borders as writes."""

    def __init__(self, begin: Callable[[], AbstractContextManager[UnitOfWork]]) -> None:
        self._begin = begin

    def __call__(self) -> AbstractContextManager[UnitOfWork]:
        return self._begin()

    reading = __call__


class StillKeeper(LeaseKeeper):
    """A lease keeper without a thread: it renews when the simulation's time passes."""

    @contextmanager
    def keep(self, lease: Lease) -> Iterator[None]:
        self._thread = threading.current_thread()
        with super().keep(lease):
            yield

    def renew(self) -> None:
        self._renew(list(self._held))


class ConnectedVendors:
    """The `Systems` of one process. It implements every port itself, and the port in use tells the vendor."""

    quarantine = QUARANTINE

    def __init__(self, process: Process) -> None:
        self._process = process
        self._outside = process.simulation.outside
        self.notifier = cast(Notifier, Mailbox(process))

    def crm(self, connection_id: str) -> Crm:
        return cast(Crm, ConnectedCrm(self._process))

    def erp(self, tenant_id: str, parent: ParentValues, book: ReferenceBook | None = None) -> tuple[str, Erp]:
        return "erp", self.erp_at("erp")

    def psa(self, tenant_id: str, parent: ParentValues, book: ReferenceBook | None = None) -> tuple[str, Psa]:
        return "psa", self.psa_at("psa")

    def maps_of(
        self, tenant_id: str, connection_ids: Collection[str], book: ReferenceBook
    ) -> Sequence[ReferenceUse]:
        return ()

    def erp_at(self, connection_id: str) -> Erp:
        assert connection_id == "erp"
        return cast(Erp, self)

    def psa_at(self, connection_id: str) -> Psa:
        assert connection_id == "psa"
        return cast(Psa, ConnectedPsa(self._process))

    def read_through(self, uow: UnitOfWorkFactory, tenant_id: str) -> ConnectedVendors:
        return self

    def calls_at_once(self, connection_id: str) -> int:
        return 8

    # The ERP.

    @property
    def capabilities(self) -> ErpCapabilities:
        erp = self._outside.erp
        return ErpCapabilities(
            line_kinds=erp.line_kinds, revises=True, reopens=True, creates_together=erp.together
        )

    def customers_of_code(self, code: str) -> Sequence[ErpCustomer]:
        self._process.call("erp")
        return [ErpCustomer(code=code, name="Globex GmbH")] if code in self._outside.erp.customers else []

    def find_customers(self, name: str, tax_id: str | None) -> Sequence[ErpCustomer]:
        return ()

    def missing_for(self, erp_company: str) -> Sequence[str]:
        self._process.call("erp")
        return ()

    def has_payment_terms(self, code: str) -> bool:
        return True

    def payment_terms(self) -> Sequence[str]:
        return ()

    def books_open_until(self, erp_company: str, wanted: date | None = None) -> date | None:
        return None

    def missing_references(
        self, wanted: ErpReferences, *, heard_within: timedelta | None = None
    ) -> Sequence[MissingReference]:
        self._process.call("erp")
        return ()

    def existing_keys(self, keys: Sequence[str]) -> Collection[str]:
        self._process.call("erp")
        now = self._process.simulation.now()
        return {key for key in keys if self._outside.erp.books.find(key, {}, now) is not None}

    def existing_lines(self, plan: PlanContent, lines: Mapping[str, BillingLine]) -> Collection[str]:
        return self.existing_keys([*lines])

    def find_node(self, order: NodeOrder) -> ExternalRecord | None:
        was = [node_content(each) for each in order.was]
        return self._find(order.key, node_content(order), was, closed_by_us=order.closed_by_us)

    def create_node(self, order: NodeOrder) -> ExternalRecord:
        return self._create(order)

    def find_line(self, order: LineOrder) -> ExternalRecord | None:
        was = [line_was(each) for each in order.was]
        return self._find(order.key, line_content(order), was, closed_by_us=order.closed_by_us)

    def create_line(self, order: LineOrder) -> ExternalRecord:
        return self._create(order)

    def shares_call(self, order: NodeOrder | LineOrder) -> str:
        return type(order).__name__

    def create_together(self, orders: Sequence[NodeOrder | LineOrder]) -> Mapping[str, CameOfIt]:
        """All or none, unless it answers of each by itself; the answer is in another order than the call."""
        simulation, erp = self._process.simulation, self._outside.erp
        simulation.sees_creation(orders[0].plan)
        erp.calls.append(tuple(order.key for order in orders))

        def carry_out() -> Mapping[str, CameOfIt]:
            refused = {order.key for order in orders if _ends(order, erp.refused)}
            if refused and not erp.each_by_itself:
                raise VendorRejected(f"{min(refused)} is refused")
            answer: dict[str, CameOfIt] = {}
            for order in orders:
                if order.key in refused:
                    answer[order.key] = VendorRejected(f"{order.key} is refused")
                    continue
                made = erp.books.create(order.key, content_of(order), simulation.now())
                if not _ends(order, erp.unnamed):
                    answer[order.key] = made
            return {key: answer[key] for key in reversed(answer)}

        return self._process.write("erp", carry_out)

    def revise_node(self, order: NodeOrder, outside_id: str) -> ExternalRecord:
        return self._revise(outside_id, node_content(order), order.plan)

    def revise_line(self, order: LineOrder, outside_id: str) -> ExternalRecord:
        return self._revise(outside_id, line_content(order), order.plan)

    def _revise(self, outside_id: str, content: dict[str, Any], plan: PlanContent) -> ExternalRecord:
        self._process.simulation.sees_creation(plan)
        return self._process.write("erp", lambda: self._outside.erp.books.revise(outside_id, content))

    def cancel_node(self, order: NodeOrder, outside_id: str) -> ExternalRecord:
        return self._close(outside_id)

    def cancel_line(self, order: LineOrder, outside_id: str) -> ExternalRecord:
        return self._close(outside_id)

    def _close(self, outside_id: str) -> ExternalRecord:
        return self._process.write("erp", lambda: self._outside.erp.books.close(outside_id))

    def _find(
        self, key: str, content: dict[str, Any], was: Sequence[dict[str, Any]], *, closed_by_us: bool
    ) -> ExternalRecord | None:
        self._process.call("erp")
        now, books = self._process.simulation.now(), self._outside.erp.books
        return books.find(key, content, now, was, closed_by_us=closed_by_us)

    def _create(self, order: NodeOrder | LineOrder) -> ExternalRecord:
        simulation, erp = self._process.simulation, self._outside.erp
        simulation.sees_creation(order.plan)
        erp.calls.append((order.key,))

        def carry_out() -> ExternalRecord:
            if _ends(order, erp.refused):
                raise VendorRejected(f"{order.key} is refused")
            return erp.books.create(order.key, content_of(order), simulation.now())

        return self._process.write("erp", carry_out)


def _ends(order: NodeOrder | LineOrder, ends: Collection[str]) -> bool:
    return any(order.key.endswith(end) for end in ends)


class ConnectedCrm:
    capabilities = CrmCapabilities()
    quarantine = QUARANTINE

    def __init__(self, process: Process) -> None:
        self._process = process
        self._records = process.simulation.outside.crm

    def read_notification(self, body: bytes) -> Sequence[OpportunityRef]:
        if body.startswith(b"garbage") and not self._process.simulation.reads_garbage:
            raise UnreadableDelivery("not JSON", where="byte 0")
        named = canonical_json.loads(body.removeprefix(b"garbage"))
        return [OpportunityRef(id=record_id) for record_id in named]

    def record_id(self, written: str) -> str:
        return written

    def field_at(self, place: str) -> FieldOfCrm:
        return field_words(place)

    def read_opportunity(self, source_id: str) -> Opportunity:
        self._process.call("crm")
        self._process.simulation.crm_reads.append(source_id)
        return self._there(source_id).now

    def find_write_back(self, source_id: str, wanted: WriteBack) -> ExternalRecord | None:
        self._process.call("crm")
        return self._there(source_id).find(wanted)

    def write_back(self, source_id: str, wanted: WriteBack) -> ExternalRecord:
        self._there(source_id)
        return self._process.write("crm", lambda: self._save(source_id, wanted))

    def _there(self, source_id: str) -> CrmRecord:
        if source_id not in self._records or self._records[source_id].deleted:
            raise RecordGone(f"there is no {source_id}")
        return self._records[source_id]

    def _save(self, source_id: str, wanted: WriteBack) -> ExternalRecord:
        record = self._records[source_id]
        record.written = wanted
        record.save(self._process.simulation.now())
        return ExternalRecord(outside_id=source_id)


class ConnectedPsa:
    capabilities = PsaCapabilities(revises=True, reopens=True)
    quarantine = QUARANTINE

    def __init__(self, process: Process) -> None:
        self._process = process
        self._psa = process.simulation.outside.psa

    def unknown_roles(self, roles: Collection[str]) -> Sequence[str]:
        return ()

    def known_roles(self) -> Sequence[str]:
        return ()

    def find_project(self, order: PsaOrder) -> ExternalRecord | None:
        self._process.call("psa")
        was = [psa_content(each) for each in order.was]
        now = self._process.simulation.now()
        return self._psa.books.find(order.key, psa_content(order), now, was, closed_by_us=order.closed_by_us)

    def revise_project(self, order: PsaOrder, outside_id: str) -> ExternalRecord:
        content = psa_content(order)
        return self._process.write("psa", lambda: self._psa.books.revise(outside_id, content))

    def create_project(self, order: PsaOrder, status: WriteBack) -> ExternalRecord:
        def create() -> ExternalRecord:
            made = self._psa.books.create(order.key, psa_content(order), self._process.simulation.now())
            self._psa.statuses[made.outside_id] = status
            return made

        return self._process.write("psa", create)

    def find_archived(self, key: str) -> ExternalRecord | None:
        self._process.call("psa")
        return self._psa.books.find(key, {}, self._process.simulation.now())

    def archive_project(self, outside_id: str) -> ExternalRecord:
        return self._process.write("psa", lambda: self._psa.books.close(outside_id))

    def find_staffing(self, order: StaffingOrder) -> ExternalRecord | None:
        """A cancelled request no longer exists."""
        self._process.call("psa")
        now = self._process.simulation.now()
        found = self._psa.books.find(order.key, staffing_content(order), now)
        return None if found is None or found.closed else found

    def request_staffing(self, order: StaffingOrder) -> ExternalRecord:
        now = self._process.simulation.now
        content = staffing_content(order)
        return self._process.write("psa", lambda: self._psa.books.create(order.key, content, now()))

    def cancel_staffing(self, order: StaffingOrder, outside_id: str) -> ExternalRecord:
        return self._process.write("psa", lambda: self._psa.books.close(outside_id))

    def find_write_back(self, outside_id: str, wanted: WriteBack) -> ExternalRecord | None:
        self._process.call("psa")
        told = self._psa.statuses.get(outside_id)
        return ExternalRecord(outside_id=outside_id) if told == wanted else None

    def write_back(self, outside_id: str, wanted: WriteBack) -> ExternalRecord:
        def tell() -> ExternalRecord:
            self._psa.statuses[outside_id] = wanted
            return ExternalRecord(outside_id=outside_id)

        return self._process.write("psa", tell)


class Mailbox:
    delivers = True

    def __init__(self, process: Process) -> None:
        self._process = process

    def send(self, message: Message) -> None:
        def deliver() -> ExternalRecord:
            self._process.simulation.outside.mail.append(message)
            return ExternalRecord(outside_id=message.to)

        self._process.write("mail", deliver)
