"""Why a plan's value is what it is: its origin in words, from the stored plan alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from pydantic import AwareDatetime

from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.plan.overrides import OverrideUse
from oppsync.domain.plan.plan import Origin, Plan
from oppsync.domain.planning.origin_table import BILLING, RULES
from oppsync.domain.reference.book import ReferenceUse
from oppsync.domain.values.model import Code, Frozen, Text, omitted_at
from oppsync.kernel.errors import NotFound
from oppsync.kernel.json_pointer import is_within, leaves

NOT_KEPT = (
    "This plan was made by an earlier release, which kept the reference rows it used, but not which value came "
    "from which."
)


class Reason(Frozen):
    """`says` is the whole answer in words; `rule`, `fields`, `rows` and `overrides` as in `Origin`, empty
    where unknown."""

    place: Text
    value: Any
    says: Text
    rule: Code | None = None
    fields: tuple[Code, ...] = ()
    rows: tuple[ReferenceUse, ...] = ()
    overrides: tuple[OverrideUse, ...] = ()


class PlanReasons(Frozen):
    """`note` explains what is not known of this plan; empty when everything is. `reference`: all rows it
    used."""

    hash: Code
    record_id: Code
    source_version: Code
    made_at: AwareDatetime
    note: Text = ""
    reasons: tuple[Reason, ...]
    reference: tuple[ReferenceUse, ...]
    configuration: ConfigurationUse | None = omitted_at(None)


def why(plan: Plan, place: str) -> PlanReasons:
    """Why the value at `place` (JSON pointer into the plan's content) is what it is, or each value below it.

    Raises NotFound when the plan has nothing there.
    """
    reasons = tuple(_reasons(plan, place))
    if not reasons:
        raise NotFound(f"The plan has nothing at {place!r}: give a JSON pointer, such as /nodes/0/cost_centre.")
    return PlanReasons(
        hash=plan.hash,
        record_id=plan.content.record_id,
        source_version=plan.provenance.source_version,
        made_at=plan.provenance.made_at,
        note="" if plan.provenance.origins else NOT_KEPT,
        reasons=reasons,
        reference=plan.provenance.reference,
        configuration=plan.configuration,
    )


def _reasons(plan: Plan, place: str) -> Iterator[Reason]:
    by_place = {above: origin for origin in plan.provenance.origins for above in origin.places}
    for leaf, value in leaves(plan.content.document()):
        if is_within(leaf, place.rstrip("/")):
            origin = _nearest(by_place, leaf)
            yield Reason(
                place=leaf,
                value=value,
                says=_in_words(plan, origin, value),
                rule=origin.rule if origin else None,
                fields=origin.fields if origin else (),
                rows=origin.rows if origin else (),
                overrides=origin.overrides if origin else (),
            )


def _nearest(by_place: dict[str, Origin], leaf: str) -> Origin | None:
    """The origin of `leaf`, or of the nearest place above it that has one."""
    while leaf:
        if leaf in by_place:
            return by_place[leaf]
        leaf = leaf.rpartition("/")[0]
    return None


def _in_words(plan: Plan, origin: Origin | None, value: Any) -> str:
    if origin is None:
        return "not known" if value not in (None, [], {}) else "empty"
    parts = [_rule(origin.rule)]
    parts += [override_in_words(use) for use in origin.overrides]
    parts += [f"reference data: {row_in_words(row)}" for row in origin.rows]
    if origin.fields:
        read = f"record {plan.content.record_id}, version {plan.provenance.source_version}"
        parts.append(f"CRM: {', '.join(origin.fields)} of {read}")
    return "; ".join(parts)[:2_000]


def _rule(name: str) -> str:
    if name.startswith(BILLING):
        return f"scheduled by the billing model {name.removeprefix(BILLING).replace('_', ' ')}"
    return RULES.get(name, name)  # unknown: a rule of a later release, or one that was removed


def override_in_words(use: OverrideUse) -> str:
    """The override in a sentence: its value, the value without it, the person, the time and the reason."""
    what = f"{use.field.replace('_', ' ')} of {use.workstream}"
    instead = "" if use.before is None else f" instead of {use.before}"
    when = use.made_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"override: {what} {use.value}{instead}, by {use.author} at {when}: {use.reason}"


def row_in_words(row: ReferenceUse) -> str:
    return f"{row.kind.replace('_', ' ')} {row.key}, valid from {row.valid_from}, version {row.version}"
