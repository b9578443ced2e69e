"""Where each value of a plan came from. Worked out with the plan, from the same deal, enrichment and
workstreams, by the tables of `origin_table`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import AppliedOverride, OverrideField, OverrideUse
from oppsync.domain.plan.plan import ROOT_PATH, BillingLine, NodeKind, Origin, PlanContent, PlanNode
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.planning.origin_table import (
    BILLING,
    FILLED,
    OF_BILLING_LINE,
    OF_DEAL,
    OF_KIND,
    OF_PARENT,
    OF_TASK,
    OF_WORKSTREAM,
    OVERRIDDEN,
    SAID_INSTEAD,
    STATED,
    Basis,
    DealIndex,
    Row,
)
from oppsync.domain.reference.book import ReferenceKind, ReferenceUse
from oppsync.domain.values.model import changed
from oppsync.kernel.json_pointer import pointer


def origins(
    content: PlanContent,
    opportunity: Opportunity,
    enrichment: Enrichment,
    workstreams: Sequence[Workstream],
    applied: Sequence[AppliedOverride] = (),
) -> tuple[Origin, ...]:
    """The origins of all values of `content`; values with the same origin share one entry. Pure.

    `applied`: the overrides of the workstreams.
    """
    index = DealIndex(opportunity, enrichment)
    basis = Basis(opportunity, enrichment, index, opportunity.lines, tuple(applied))
    by_path = {each.key: each for each in workstreams}
    if len(workstreams) == 1:
        by_path[ROOT_PATH] = workstreams[0]
    nodes = {node.path: node for node in content.nodes}
    collected = _Collected(content.document())
    collected.add(basis, OF_DEAL)
    for number, node in enumerate(content.nodes):
        workstream = _workstream_of(nodes, by_path, node)
        if workstream is None:
            collected.add(basis, OF_PARENT, "nodes", number)
        else:
            _of_node(collected, basis, workstream, number, node)
    return collected.origins()


def _of_node(collected: _Collected, basis: Basis, workstream: Workstream, index: int, node: PlanNode) -> None:
    own = _resting_on(basis, workstream, workstream, node.billing_model or "")
    if node.kind is NodeKind.TASK:
        collected.add(own, OF_TASK, "nodes", index)
        return
    overridden = {each.use.field.value for each in own.applied}
    rows = {name: row for name, row in OF_WORKSTREAM.items() if name not in overridden}
    collected.add(own, rows, "nodes", index)
    collected.add_overridden(own.applied, "nodes", index)
    for number, line in enumerate(node.lines):
        part = next((part for part in workstream.parts if line.path.startswith(f"{part.key}/")), workstream)
        billed = _resting_on(basis, workstream, part, part.billing_model, line)
        table = OF_BILLING_LINE | OF_KIND.get(line.kind, {})
        collected.add(billed, table, "nodes", index, "lines", number)


def _workstream_of(
    nodes: Mapping[str, PlanNode], by_path: Mapping[str, Workstream], node: PlanNode
) -> Workstream | None:
    """The workstream a node is, or belongs to; None of a parent of workstreams."""
    while node.path not in by_path and node.parent is not None:
        node = nodes[node.parent]
    return by_path.get(node.path)


def _resting_on(
    basis: Basis,
    workstream: Workstream,
    part: Workstream,
    billing_model: str,
    billing_line: BillingLine | None = None,
) -> Basis:
    delivery = workstream.enrichment.intercompany
    return Basis(
        basis.opportunity,
        basis.enrichment,
        basis.index,
        lines=basis.index.lines(part.line_ids),
        applied=tuple(each for each in basis.applied if each.use.workstream == workstream.key),
        is_shared=bool(workstream.parts),
        deliverer=(delivery.entity if delivery else basis.enrichment.legal_entity).code,
        billing_line=billing_line,
        billing_model=billing_model,
    )


@dataclass
class _Collected:
    """Places of the plan's document by origin, in the order they were found."""

    document: dict[str, object]
    places: dict[Origin, list[str]] = field(default_factory=dict)

    def add(self, basis: Basis, table: dict[str, Row], *at: str | int) -> None:
        """Add the origin of each field of the object at `at` that has a value and a row in `table`."""
        thing: Any = self.document
        for part in at:
            thing = thing[part]
        for name, row in table.items():
            if thing.get(name) not in (None, [], {}):
                self.places.setdefault(_origin(basis, row), []).append(pointer((*at, name)))

    def add_overridden(self, applied: Sequence[AppliedOverride], *at: str | int) -> None:
        """Add the values that overrides set: their origin is the override alone."""
        for use, rows in applied:
            entity = ("intercompany", "delivery_entity")
            name = entity if use.field is OverrideField.DELIVERY_ENTITY else (use.field.value,)
            if self._has(*at, *name):  # a deal that its own entity delivers does not name it
                origin = Origin(rule=OVERRIDDEN, rows=_own(use, rows), overrides=(use,))
                self.places.setdefault(origin, []).append(pointer((*at, *name)))

    def _has(self, *at: str | int) -> bool:
        thing: Any = self.document
        for part in at:
            if isinstance(thing, dict) and part not in thing:
                return False
            thing = thing[part]
            if thing is None:
                return False
        return True

    def origins(self) -> tuple[Origin, ...]:
        return tuple(changed(origin, places=tuple(places)) for origin, places in self.places.items())


def _origin(basis: Basis, row: Row) -> Origin:
    rows = dict.fromkeys(use for use in basis.rows if use.kind in row.rows and row.pick(use, basis))
    pointers: dict[str, None] = {}
    overrides: dict[OverrideUse, None] = {}
    for fields in row.fields:
        instead = [each.use for each in basis.applied if each.use.field is SAID_INSTEAD.get(fields)]
        overrides |= dict.fromkeys(instead)
        if not instead or basis.is_shared:
            pointers |= dict.fromkeys(fields(basis))
    filled = dict.fromkeys(basis.filled[place] for place in pointers if place in basis.filled)
    pointers = {place: None for place in pointers if place not in basis.filled}
    rows |= filled
    overrides |= dict.fromkeys(each.use for each in basis.applied if _led_to(each, rows))
    rule = f"{BILLING}{basis.billing_model}" if row.rule == BILLING else row.rule
    rule = FILLED if rule == STATED and filled and not pointers else rule
    return Origin(rule=rule, fields=tuple(pointers), rows=tuple(rows), overrides=tuple(overrides))


def _led_to(applied: AppliedOverride, rows: Collection[ReferenceUse]) -> bool:
    """Whether any of `rows` was looked up for it. Entities are left out: they are used for more than
    delivery."""
    return any(use in rows for use in applied.rows if use.kind is not ReferenceKind.LEGAL_ENTITY)


# Overridden fields that are codes, and the kind of row with that code.
_KIND_OF = {
    OverrideField.SERVICE_LINE: ReferenceKind.SERVICE_LINE,
    OverrideField.DELIVERY_ENTITY: ReferenceKind.LEGAL_ENTITY,
    OverrideField.COST_CENTRE: ReferenceKind.COST_CENTRE,
    OverrideField.TEMPLATE: ReferenceKind.PROJECT_TEMPLATE,
}


def _own(use: OverrideUse, rows: Sequence[ReferenceUse]) -> tuple[ReferenceUse, ...]:
    """The row that an override names. Other rows looked up for it belong to the fields that change along with
    it."""
    return tuple(row for row in rows if row.kind is _KIND_OF.get(use.field))
