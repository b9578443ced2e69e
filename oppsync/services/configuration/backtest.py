"""Try the last won deals by other rows than those of now, from what was kept of their plans: nobody outside is
asked, and no deal changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from oppsync.domain.approval.involved import involved
from oppsync.domain.approval.rules import rules_on
from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action
from oppsync.domain.configuration.bundle import fingerprint, fingerprint_of
from oppsync.domain.configuration.files import UNGOVERNED
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.parties import parties_of
from oppsync.domain.deal.place import place_of
from oppsync.domain.plan.approvals import seats
from oppsync.domain.planning.inputs import PlanInputs
from oppsync.domain.policy.firm_rules import firm_rules
from oppsync.domain.reading.backtest import Backtest, Tally
from oppsync.domain.reading.backtest_days import days_of
from oppsync.domain.reading.past_deals import PastDeal, Rules, Tried, tried_by
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed, require
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import ConfigurationBacktested
from oppsync.kernel.errors import InvalidInput
from oppsync.pipeline.approve import nobody_approves
from oppsync.pipeline.destination import routes_for
from oppsync.pipeline.duties import Duties
from oppsync.ports.clock import Clock
from oppsync.ports.storage.plans import WonDeal
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.configuration.changers import ChangersOfRows
from oppsync.services.configuration.commands import BacktestConfiguration
from oppsync.services.configuration.destinations import Destinations, Goes, destinations

# So many deals are in memory at once, whatever their number.
_AT_ONCE = 50


class _Rows(NamedTuple):
    """Rows to try deals by; links of accounts come with each deal. `asks`: whether some say who approves, which
    may depend on more than the plan."""

    book: ReferenceBook
    approving: Sequence[ReferenceRow]
    asks: bool

    def rules_on(self, day: date) -> Rules:
        return rules_on(self.approving, day)


@dataclass(frozen=True)
class BacktestConfigurationHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems
    clock: Clock

    def __call__(self, command: BacktestConfiguration) -> Backtest:
        tenant_id = command.tenant_id
        with self.uow.reading() as uow:
            actor = admit(uow, tenant_id, command.actor, Action.BACKTEST_CONFIGURATION)
            if command.last < 1:
                raise InvalidInput("Try at least one deal.", field="last")
            book = uow.references.book(tenant_id)
            found = fingerprint_of(book)
            before = ConfigurationUse(fingerprint=found, number=uow.configurations.number_of(tenant_id, found))
            deals = uow.plan_inputs.last_won(tenant_id, command.last)
            where_to = destinations(self.systems, uow, tenant_id)
        tally, kept = Tally(), [deal for deal in deals if deal.is_kept]
        last_won = max((deal.won_on for deal in kept if deal.won_on), default=None)
        days = days_of(book.rows, command.rows, last_won, command.as_of)
        now, then = _rows(days.of(book.rows)), _rows(days.of(command.rows))
        changers = ChangersOfRows(self.uow, tenant_id, book.rows)
        for past, known in self._past(command, kept, asks=now.asks or then.asks):
            day = past.inputs.moment.date()
            here, there = _routed(past, now.book, then.book, where_to)
            tally.add(
                past,
                _by_people(tried_by(here, now.book, now.rules_on(day)), known, changers),
                _by_people(tried_by(there, then.book, then.rules_on(day)), known, changers),
            )
        backtest = tally.backtest(
            before,
            fingerprint(command.rows),
            made_at=self.clock.now(),
            made_by=actor,
            not_kept=len(deals) - len(kept),
            days=days,
        )
        with self.uow() as uow:
            uow.configurations.keep_backtest(tenant_id, backtest)
            self.publish(uow, tenant_id, new_traceparent(), _event(backtest))
            uow.commit()
        return backtest

    def _past(
        self, command: BacktestConfiguration, deals: Sequence[WonDeal], *, asks: bool
    ) -> Iterator[tuple[PastDeal, Duties | None]]:
        """With who may decide it now. `asks`: whether rows say who approves."""
        for begin in range(0, len(deals), _AT_ONCE):
            with self.uow.reading() as uow:
                found = uow.plan_inputs.of_deals(command.tenant_id, deals[begin : begin + _AT_ONCE])
                people = uow.people.everyone(command.tenant_id) if asks else ()
                past = [
                    _asked(uow, command.tenant_id, deal, inputs, people)
                    if asks
                    else (PastDeal(deal.id, deal.source_id, deal.read_by, inputs), None)
                    for deal, inputs in found
                ]
            yield from past
            command.tell(min(begin + _AT_ONCE, len(deals)), len(deals))


def _routed(
    past: PastDeal, now: ReferenceBook, then: ReferenceBook, where_to: Destinations
) -> tuple[PastDeal, PastDeal]:
    """The deal as it goes by both. Where their routes say the same, what its ERP could do then counts."""
    here, there = (_filled(past.inputs.record, book) for book in (now, then))
    goes, would_go = where_to.of(here, now, past.read_by), where_to.of(there, then, past.read_by)
    if _names(here, now) == _names(there, then):
        return past._replace(rows=goes.rows), past._replace(rows=would_go.rows)
    return _goes(past, goes, where_to), _goes(past, would_go, where_to)


def _filled(record: Opportunity, book: ReferenceBook) -> Opportunity:
    return firm_rules(book, record, require(record.won_on, "the close date")).fill(record).deal


def _names(filled: Opportunity, book: ReferenceBook) -> Sequence[tuple[str, str | None]]:
    return [(use.key.partition("|")[0], route.connection) for route, use in routes_for(filled, book)]


def _goes(past: PastDeal, goes: Goes, where_to: Destinations) -> PastDeal:
    found, kept = goes.destination, past.inputs
    if found is None:
        return past._replace(stopped=goes.wrong)
    past = past._replace(goes_to=where_to.in_words(found.systems), rows=found.rows)
    if found.systems.erp == kept.systems.erp:
        return past
    return past._replace(inputs=changed(kept, systems=found.systems, erp=found.erp))


def _by_people(tried: Tried, known: Duties | None, changers: ChangersOfRows) -> Tried:
    """Stopped where the people of now are not enough for all that has to be approved. Who changed a row that
    the plan, or a rule that approves it, comes from is none of them."""
    if known is None or tried.content is None or tried.is_blocked:
        return tried
    required = tried.content.required
    by_rule = [seat.code for seat in seats(required) if tried.approved.get(seat.words)]
    able = known.with_changers(changers.of(tried.rows)).eligible(required=required)
    alone = nobody_approves(able, required, by_rule, eligible=able)
    return tried._replace(later=(*tried.later, *alone), approved={}) if alone else tried


def _asked(
    uow: UnitOfWork, tenant_id: str, deal: WonDeal, inputs: PlanInputs, people: Sequence[Person]
) -> tuple[PastDeal, Duties]:
    """Whoever is out of office comes back: absences bar nobody here."""
    customer = inputs.customer or inputs.record.account
    code = customer.code if customer else None
    overrides, shapers = uow.overrides.of(tenant_id, deal.id), uow.audit.shapers(tenant_id, deal.id)
    past = PastDeal(
        deal.id,
        deal.source_id,
        deal.read_by,
        inputs,
        is_shaped=bool(overrides or shapers),
        knew_customer=code is not None and uow.opportunities.knows_customer(tenant_id, code, by=inputs.moment),
    )
    parties = (*uow.parties.of(tenant_id, deal.id), *parties_of(inputs.record))
    part = involved(parties, overrides, (), people, shapers, place=place_of(inputs.record))
    return past, Duties(people, part)


def _rows(rows: Sequence[ReferenceRow]) -> _Rows:
    governed = [row for row in rows if row.kind not in UNGOVERNED]
    approving = [row for row in governed if row.kind is ReferenceKind.APPROVAL_RULE]
    steps = any(row.kind is ReferenceKind.APPROVAL_STEP for row in governed)
    return _Rows(ReferenceBook(governed), approving, asks=bool(approving) or steps)


def _event(backtest: Backtest) -> ConfigurationBacktested:
    return ConfigurationBacktested(
        opportunity_id=None,
        actor=backtest.made_by,
        detail={
            "before": backtest.before.fingerprint,
            "after": backtest.after,
            "tried": backtest.tried,
            "differing": backtest.differing,
        },
        summary=f"Tried {backtest.tried} won deals by a configuration: {backtest.differing} would differ",
    )
