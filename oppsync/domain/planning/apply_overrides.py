"""Apply what people overrode to the workstreams of a split deal; what does not fit is a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.enrichment import Enrichment, IntercompanyDelivery, LineEnrichment
from oppsync.domain.plan.overrides import OverrideField, OverrideUse, PlanOverride, Taken, in_force, use_of
from oppsync.domain.plan.plan import ROOT_PATH, LineKind, PlanContent
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.planning.split import split
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceUse, Shape, reference_key
from oppsync.domain.reference.entities import CostCentre, LegalEntity, ProjectTemplate, ServiceLine
from oppsync.domain.reference.rates import TransferPrice
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import Frozen, changed, require
from oppsync.domain.values.money import Money

_MOST_HOURS = Decimal(1_000_000)


class Overridden(NamedTuple):
    """`taken`: the overrides whose workstream exists."""

    workstreams: tuple[Workstream, ...]
    taken: tuple[Taken, ...] = ()
    findings: tuple[Finding, ...] = ()


def apply(
    opportunity: Opportunity,
    enrichment: Enrichment,
    workstreams: Sequence[Workstream],
    overrides: Iterable[PlanOverride],
    book: ReferenceBook,
) -> Overridden:
    """The workstreams as people want them. Overrides of workstreams that no longer exist wait for them."""
    by_key: dict[str, list[PlanOverride]] = {workstream.key: [] for workstream in workstreams}
    for override in in_force(overrides):
        by_key.get(override.workstream, []).append(override)
    table = _Table(book, require(opportunity.won_on, "the close date"), enrichment)
    changed: list[Workstream] = []
    taken: list[Taken] = []
    findings: list[Finding] = []
    for workstream in workstreams:
        result = _Change(table, workstream)
        taken += [result.take(override) for override in by_key[workstream.key]]
        changed.append(result.workstream)
        findings += [*result.findings, *_whole(result.workstream, by_key[workstream.key])]
    return Overridden(tuple(changed), tuple(taken), tuple(findings))


def repriced(
    opportunity: Opportunity, enrichment: Enrichment, overrides: Iterable[PlanOverride], book: ReferenceBook
) -> tuple[Workstream, ...]:
    """Workstreams whose cost or service line people changed, and those that share their lines."""
    workstreams, taken, _ = apply(opportunity, enrichment, split(opportunity, enrichment), overrides, book)
    fields = (OverrideField.HOURS, OverrideField.SERVICE_LINE)
    keys = {each.use.workstream for each in taken if each.use.field in fields}
    lines = {line_id for each in workstreams if each.key in keys for line_id in each.line_ids}
    return tuple(each for each in workstreams if not lines.isdisjoint(each.line_ids))


def with_before(taken: Iterable[Taken], untouched: PlanContent) -> tuple[Taken, ...]:
    """Each with its value in `untouched`: the plan of the same deal that nobody overrode."""
    return tuple(each._replace(use=changed(each.use, before=_value_in(untouched, each.use))) for each in taken)


def _value_in(content: PlanContent, use: OverrideUse) -> str | None:
    alone = content.node(ROOT_PATH)
    node = next((node for node in content.nodes if node.path == use.workstream), alone)
    if use.field is OverrideField.DELIVERY_ENTITY:
        return node.intercompany.delivery_entity if node.intercompany else content.legal_entity
    value: str | None = node.model_dump(mode="json")[use.field]
    return value


class NotPossible(Exception):
    """Why a value does not fit, in words."""


class _Table:
    """Reference data of the day the deal was won."""

    def __init__(self, book: ReferenceBook, day: date, enrichment: Enrichment) -> None:
        self._book = book
        self._day = day
        self.selling = enrichment.legal_entity
        self.used: list[ReferenceUse] = []

    def find(self, shape: type[Shape], kind: ReferenceKind, *parts: str) -> Shape:
        hit = self._book.find(shape, kind, reference_key(*parts), self._day)
        if hit is None:
            raise NotPossible(f"no {kind.replace('_', ' ')} is set for {', '.join(parts)} on {self._day}")
        self.used.append(hit[1])
        return hit[0]

    def by_code(self, shape: type[Shape], kind: ReferenceKind, code: str, under: str = "") -> Shape:
        """The value of this code, among the keys that begin with `under`."""
        for value, use in self._book.all(shape, kind, self._day):
            if _code(value) == code and use.key.startswith(under):
                self.used.append(use)
                return value
        raise NotPossible(f"no {kind.replace('_', ' ')} {code} is known{_for(under)} on {self._day}")


def _code(value: Frozen) -> object:
    return getattr(value, "code", None)


def _for(under: str) -> str:
    return f" for {under.rstrip('|')}" if under else ""


class _Change:
    """One workstream while its overrides are taken, in the order of `OverrideField`: a service line or an
    entity brings its own cost centre and template along, which the ones after it may still change."""

    def __init__(self, table: _Table, workstream: Workstream) -> None:
        self._table = table
        self.workstream = workstream
        self.findings: list[Finding] = []

    def take(self, override: PlanOverride) -> Taken:
        begin = len(self._table.used)
        try:
            _TAKERS[override.field](self, require(override.value, "the override's value"))
        except NotPossible as error:
            self.findings.append(_finding(override, str(error)))
        return Taken(use_of(override), tuple(self._table.used[begin:]))

    @property
    def deliverer(self) -> LegalEntity:
        delivery = self.workstream.enrichment.intercompany
        return delivery.entity if delivery else self._table.selling

    def name(self, value: str) -> None:
        self._set(name=value, called=value)

    def starts_on(self, value: str) -> None:
        day = _date(value)
        self._clip(starts_on=day)
        self._set(starts_on=day)

    def ends_on(self, value: str) -> None:
        day = _date(value)
        self._clip(ends_on=day)
        self._set(ends_on=day)

    def hours(self, value: str) -> None:
        if LineKind.TIME in BILLING_MODELS[self.workstream.billing_model].kinds:
            raise NotPossible("the hours are what was sold: change them in the CRM")
        hours = _hours(value)
        self._set(hours=hours, cost=self._cost_of(hours))

    def _cost_of(self, hours: Decimal) -> Money | None:
        """At the cost of an hour that the lines have together, or else at the cost rate."""
        whole, rate = self.workstream, self.workstream.enrichment.cost_rate
        if whole.cost is not None and whole.hours:
            return Money.rounded(whole.cost.amount * hours / whole.hours, whole.cost.currency)
        return Money.rounded(rate.hourly * hours, whole.amount.currency) if rate else None

    def service_line(self, value: str) -> None:
        service = self._table.by_code(ServiceLine, ReferenceKind.SERVICE_LINE, value)
        self._enrich(service_line=service)
        model = self.workstream.billing_model
        region = self.workstream.enrichment.region.code
        template = self._table.find(
            ProjectTemplate, ReferenceKind.PROJECT_TEMPLATE, service.code, region, model
        )
        self._enrich(template=template)
        self._deliver(self.deliverer)

    def delivery_entity(self, value: str) -> None:
        entity = self._table.find(LegalEntity, ReferenceKind.LEGAL_ENTITY, value)
        if not entity.approved:
            raise NotPossible(f"{entity.name} is not approved")
        self._deliver(entity)

    def cost_centre(self, value: str) -> None:
        under = f"{self.deliverer.code}|"
        centre = self._table.by_code(CostCentre, ReferenceKind.COST_CENTRE, value, under)
        self._enrich(cost_centre=centre)

    def template(self, value: str) -> None:
        template = self._table.by_code(ProjectTemplate, ReferenceKind.PROJECT_TEMPLATE, value)
        self._enrich(template=template)

    def _deliver(self, entity: LegalEntity) -> None:
        """Cost centres of the entity that delivers, and of the one that sells."""
        selling, service = self._table.selling, self.workstream.enrichment.service_line.code
        centre = self._table.find(CostCentre, ReferenceKind.COST_CENTRE, entity.code, service)
        delivery = None
        if entity.code != selling.code:
            delivery = IntercompanyDelivery(
                entity=entity,
                transfer_price=self._table.find(
                    TransferPrice, ReferenceKind.TRANSFER_PRICE, selling.code, entity.code
                ),
                revenue_cost_centre=self._table.find(
                    CostCentre, ReferenceKind.COST_CENTRE, selling.code, service
                ),
            )
        self._enrich(cost_centre=centre, intercompany=delivery)

    def _set(self, **fields: Any) -> None:
        self.workstream = changed(self.workstream, **fields)

    def _enrich(self, **fields: Any) -> None:
        def enriched(reference: LineEnrichment) -> LineEnrichment:
            return changed(reference, **fields)

        parts = [changed(part, enrichment=enriched(part.enrichment)) for part in self.workstream.parts]
        self._set(enrichment=enriched(self.workstream.enrichment), parts=tuple(parts))

    def _clip(self, **days: date) -> None:
        """Lines billed by themselves keep their days within the workstream's; at its ends they move along."""
        whole = self.workstream
        parts = []
        for part in whole.parts:
            update = {}
            for field, day in days.items():
                beyond = part.starts_on < day if field == "starts_on" else part.ends_on > day
                if beyond or getattr(part, field) == getattr(whole, field):
                    update[field] = day
            parts.append(changed(part, **update))
        self._set(parts=tuple(parts))


_TAKERS: Mapping[OverrideField, Callable[[_Change, str], None]] = {
    OverrideField.NAME: _Change.name,
    OverrideField.STARTS_ON: _Change.starts_on,
    OverrideField.ENDS_ON: _Change.ends_on,
    OverrideField.HOURS: _Change.hours,
    OverrideField.SERVICE_LINE: _Change.service_line,
    OverrideField.DELIVERY_ENTITY: _Change.delivery_entity,
    OverrideField.COST_CENTRE: _Change.cost_centre,
    OverrideField.TEMPLATE: _Change.template,
}


def _whole(workstream: Workstream, overrides: Sequence[PlanOverride]) -> Iterator[Finding]:
    """What only shows once all of a workstream's dates are taken."""
    dated = [each for each in overrides if each.field in (OverrideField.STARTS_ON, OverrideField.ENDS_ON)]
    if not dated:
        return
    for part in workstream.parts or (workstream,):
        if part.starts_on > part.ends_on:
            words = f"{part.name} would start on {part.starts_on} and end on {part.ends_on}"
            yield _finding(dated[-1], words)
        for milestone in part.milestones:
            if milestone.planned_on is not None and milestone.planned_on < part.starts_on:
                words = f"the milestone {milestone.name} is planned for {milestone.planned_on}"
                yield _finding(dated[0], words)


def _finding(override: PlanOverride, words: str) -> Finding:
    return finding(
        "OVERRIDE_NOT_POSSIBLE",
        f"{override.field.replace('_', ' ')} of workstream {override.workstream}: {words}",
        path=f"/overrides/{override.workstream}/{override.field}",
        value=override.value or "",
    )


def _date(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise NotPossible(f"{value!r} is not a date: write it like 2026-06-01") from None


def _hours(value: str) -> Decimal:
    try:
        hours = Decimal(value)
    except InvalidOperation:
        raise NotPossible(f"{value!r} is not a number of hours") from None
    if not hours.is_finite() or not 0 < hours <= _MOST_HOURS or hours != round(hours, 2):
        raise NotPossible(f"{value} is not a number of hours: more than 0, in hundredths at the finest")
    return hours
