"""Apply what people overrode to the workstreams of a split deal; what does not fit is a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.enrichment.delivery import check_open, cost_centre_of, intercompany_delivery
from oppsync.domain.enrichment.lookup import Lookup
from oppsync.domain.plan.enrichment import LineEnrichment
from oppsync.domain.plan.overrides import (
    AppliedOverride,
    OverrideField,
    OverrideUse,
    PlanOverride,
    in_force,
    use_of,
)
from oppsync.domain.plan.plan import ROOT_PATH, LineKind, PlanContent
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.planning.monthly_caps import with_months_capped
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind
from oppsync.domain.reference.entities import CostCentre, ProjectTemplate, ServiceLine
from oppsync.domain.values.date_ranges import is_workable
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding, blocking, warnings
from oppsync.domain.values.model import Frozen, changed, require
from oppsync.domain.values.money import Money

# Findings about overrides have paths that begin with this.
OVERRIDES = "/overrides/"
DATES = (OverrideField.STARTS_ON, OverrideField.ENDS_ON)
_MOST_HOURS = Decimal(1_000_000)


class Overridden(NamedTuple):
    """`applied`: the overrides whose workstream exists; a blocking finding names each one that is not
    possible."""

    workstreams: tuple[Workstream, ...]
    applied: tuple[AppliedOverride, ...] = ()
    findings: tuple[Finding, ...] = ()


def apply(
    workstreams: Sequence[Workstream], overrides: Iterable[PlanOverride], book: ReferenceBook, won_on: date
) -> Overridden:
    """The workstreams with their overrides applied, by the reference data of the day the deal was won. An
    override of a workstream that no longer exists is kept and applies again should the workstream come
    back."""
    by_key: dict[str, list[PlanOverride]] = {workstream.key: [] for workstream in workstreams}
    for override in in_force(overrides):
        by_key.get(override.workstream, []).append(override)
    wanted: list[Workstream] = []
    applied: list[AppliedOverride] = []
    findings: list[Finding] = []
    for workstream in workstreams:
        result = _Change(workstream, book, won_on)
        applied += [result.apply(override) for override in by_key[workstream.key]]
        dated = [each for each in by_key[workstream.key] if each.field in DATES]
        result.check_centres_open(by_key[workstream.key])
        wrong = [*result.findings, *_date_findings(result.workstream, dated)]
        planned = result.workstream
        if dated and not blocking(wrong):
            planned = with_months_capped(planned)
            wrong += _beyond_months(workstream, planned, dated[-1])
        wanted.append(planned)
        findings += wrong
    return Overridden(tuple(wanted), tuple(applied), tuple(findings))


def with_before(applied: Iterable[AppliedOverride], untouched: PlanContent) -> tuple[AppliedOverride, ...]:
    """Each override with the value it replaced: the one in `untouched`, the same deal's plan without
    overrides."""
    return tuple(
        each._replace(use=changed(each.use, before=_value_in(untouched, each.use))) for each in applied
    )


def _value_in(content: PlanContent, use: OverrideUse) -> str | None:
    alone = content.node(ROOT_PATH)
    node = next((node for node in content.nodes if node.path == use.workstream), alone)
    if use.field is OverrideField.DELIVERY_ENTITY:
        return node.intercompany.delivery_entity if node.intercompany else content.legal_entity
    value: str | None = node.model_dump(mode="json")[use.field]
    return value


class NotPossible(Exception):
    """Why a value does not fit, in words."""


class _Change:
    """One workstream while its overrides are applied, in the order of `OverrideField`: a service line or an
    entity brings its own cost centre and template along, which later overrides may still change."""

    def __init__(self, workstream: Workstream, book: ReferenceBook, won_on: date) -> None:
        self._book = book
        self._lookup = Lookup(book, won_on)
        self._path = ""
        self.workstream = workstream
        self.findings: list[Finding] = []

    def apply(self, override: PlanOverride) -> AppliedOverride:
        """Apply one override. A finding that blocks in enrichment makes it impossible; a warning stays a
        warning."""
        self._lookup, self._path = Lookup(self._book, self._lookup.day), _path(override)
        try:
            _APPLIERS[override.field](self, require(override.value, "the override's value"))
        except NotPossible as error:
            self.findings.append(_finding(override, str(error)))
        self.findings += [_finding(override, found.message) for found in blocking(self._lookup.findings)]
        self.findings += warnings(self._lookup.findings)
        return AppliedOverride(use_of(override), tuple(self._lookup.trail))

    def check_centres_open(self, overrides: Iterable[PlanOverride]) -> None:
        """Whether the cost centres are open until an overridden end. Asked once all overrides are applied:
        another one may bring a cost centre of its own, and says itself when that closes."""
        for override in overrides:
            if override.field is not OverrideField.ENDS_ON:
                continue
            self._lookup = Lookup(self._book, self._lookup.day)
            for part in self.workstream.parts or (self.workstream,):
                delivery = part.enrichment.intercompany
                for centre in (part.enrichment.cost_centre, delivery.revenue_cost_centre if delivery else None):
                    if centre is not None:
                        check_open(self._lookup, centre, ends_on=part.ends_on, path=_path(override))
            known = {(found.code, found.value) for found in self.findings}
            found = dict.fromkeys(self._lookup.findings)
            self.findings += [each for each in found if (each.code, each.value) not in known]

    @property
    def deliverer(self) -> str:
        delivery = self.workstream.enrichment.intercompany
        return (delivery.entity if delivery else self.workstream.seller).code

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
            raise NotPossible("the hours of time and materials are those sold: change them in the CRM")
        hours = _hours(value)
        self._set(hours=hours, cost=self._cost_of(hours))

    def _cost_of(self, hours: Decimal) -> Money | None:
        """The cost of `hours`: at the workstream's average cost of an hour, or else at its cost rate."""
        before, rate = self.workstream, self.workstream.enrichment.cost_rate
        if before.cost is not None and before.hours:
            return Money.rounded(before.cost.amount * hours / before.hours, before.cost.currency)
        return Money.rounded(rate.hourly * hours, before.amount.currency) if rate else None

    def service_line(self, value: str) -> None:
        service = self._lookup.by_code(ServiceLine, ReferenceKind.SERVICE_LINE, self._path, value)
        if service is None:
            return
        region, model = self.workstream.enrichment.region.code, self.workstream.billing_model
        template = self._lookup.find(
            ProjectTemplate, ReferenceKind.PROJECT_TEMPLATE, self._path, service.code, region, model
        )
        self._enrich(service_line=service)
        self._enrich_if_known(template=template)
        self._deliver(self.deliverer)

    def delivery_entity(self, value: str) -> None:
        self._deliver(value)

    def cost_centre(self, value: str) -> None:
        under = self.deliverer
        centre = self._lookup.by_code(CostCentre, ReferenceKind.COST_CENTRE, self._path, value, under)
        if centre is not None:
            check_open(self._lookup, centre, ends_on=self.workstream.ends_on, path=self._path)
        self._enrich_if_known(cost_centre=centre)

    def template(self, value: str) -> None:
        template = self._lookup.by_code(ProjectTemplate, ReferenceKind.PROJECT_TEMPLATE, self._path, value)
        self._enrich_if_known(template=template)

    def _deliver(self, deliverer: str) -> None:
        """Set who delivers, with the cost centres of the entity that delivers and of the one that sells."""
        workstream, service = self.workstream, self.workstream.enrichment.service_line.code
        delivery = intercompany_delivery(
            self._lookup, workstream.seller, deliverer, service, ends_on=workstream.ends_on, path=self._path
        )
        if delivery is None and deliverer != workstream.seller.code:
            return
        centre = cost_centre_of(self._lookup, deliverer, service, ends_on=workstream.ends_on, path=self._path)
        self._enrich(intercompany=delivery)
        self._enrich_if_known(cost_centre=centre)

    def _enrich_if_known(self, **fields: Frozen | None) -> None:
        self._enrich(**{name: value for name, value in fields.items() if value is not None})

    def _set(self, **fields: Any) -> None:
        self.workstream = changed(self.workstream, **fields)

    def _enrich(self, **fields: Any) -> None:
        def enriched(reference: LineEnrichment) -> LineEnrichment:
            return changed(reference, **fields)

        parts = [changed(part, enrichment=enriched(part.enrichment)) for part in self.workstream.parts]
        self._set(enrichment=enriched(self.workstream.enrichment), parts=tuple(parts))

    def _clip(self, **days: date) -> None:
        """Keep the days of lines billed by themselves within the workstream's; a day at its end moves along
        with it."""
        parts = []
        for part in self.workstream.parts:
            update = {}
            for field, day in days.items():
                beyond = part.starts_on < day if field == "starts_on" else part.ends_on > day
                if beyond or getattr(part, field) == getattr(self.workstream, field):
                    update[field] = day
            parts.append(changed(part, **update))
        self._set(parts=tuple(parts))


_APPLIERS: Mapping[OverrideField, Callable[[_Change, str], None]] = {
    OverrideField.NAME: _Change.name,
    OverrideField.STARTS_ON: _Change.starts_on,
    OverrideField.ENDS_ON: _Change.ends_on,
    OverrideField.HOURS: _Change.hours,
    OverrideField.SERVICE_LINE: _Change.service_line,
    OverrideField.DELIVERY_ENTITY: _Change.delivery_entity,
    OverrideField.COST_CENTRE: _Change.cost_centre,
    OverrideField.TEMPLATE: _Change.template,
}


def _date_findings(workstream: Workstream, dated: Sequence[PlanOverride]) -> Iterator[Finding]:
    """Made once all of a workstream's dates are applied, because a start and an end may change together."""
    if not dated:
        return
    for part in workstream.parts or (workstream,):
        if not is_workable(part.starts_on, part.ends_on):
            words = f"{part.name} would start on {part.starts_on} and end on {part.ends_on}"
            too_long = ", which is too long" if part.starts_on <= part.ends_on else ""
            yield _finding(dated[-1], f"{words}{too_long}")


def _beyond_months(before: Workstream, planned: Workstream, override: PlanOverride) -> Iterator[Finding]:
    if planned.amount != before.amount:
        yield finding(
            "CAP_BELOW_AMOUNT",
            f"{planned.name}: {planned.sold} was sold; from {planned.starts_on} to {planned.ends_on} its cap "
            f"for each month lets {planned.amount} be invoiced instead of {before.amount}",
            path=_path(override),
            value=override.value or "",
        )


def path_of(workstream: str, field: OverrideField) -> str:
    return f"{OVERRIDES}{workstream}/{field}"


def _path(override: PlanOverride) -> str:
    return path_of(override.workstream, override.field)


def _finding(override: PlanOverride, words: str) -> Finding:
    return finding(
        "OVERRIDE_NOT_POSSIBLE",
        f"{override.field.replace('_', ' ')} of workstream {override.workstream}: {words}",
        path=_path(override),
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
        raise NotPossible(f"{value} is not a number of hours: give more than 0, with at most two decimals")
    return hours
