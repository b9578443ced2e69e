"""Overrides: values that a person sets on a workstream instead of the CRM's, a rule's or reference data's, and
why.

They name a workstream by its key and hold for as long as it exists: a deal that is read again keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, Field

from oppsync.domain.reference.book import ReferenceUse
from oppsync.domain.values.model import Code, Frozen, Text, omitted_at


class OverrideField(StrEnum):
    """A field that can be overridden, and what its value is: a text, a date (`2026-06-01`), a number, or a
    code."""

    NAME = "name"
    STARTS_ON = "starts_on"
    ENDS_ON = "ends_on"
    HOURS = "hours"
    SERVICE_LINE = "service_line"
    DELIVERY_ENTITY = "delivery_entity"
    COST_CENTRE = "cost_centre"
    TEMPLATE = "template"


class NewOverride(Frozen):
    """`value` None takes the override back."""

    workstream: Code
    field: OverrideField
    value: Annotated[Text, Field(min_length=1, max_length=200)] | None
    reason: Text


class PlanOverride(NewOverride):
    """An override as it is stored; `author` is the person's e-mail address."""

    id: UUID
    made_by: UUID
    author: Code
    made_at: AwareDatetime


class OverrideUse(Frozen):
    """An override that a plan was made with; `author` is an e-mail address.

    `before`: the value that the plan would have without any override; None where it would have none, and in
    plans of releases that did not keep it.
    """

    workstream: Code
    field: OverrideField
    value: Text
    reason: Text
    author: Code
    made_at: AwareDatetime
    before: Text | None = omitted_at(None)


class AppliedOverride(NamedTuple):
    """An override that a plan is made with, and the reference rows that were looked up for it."""

    use: OverrideUse
    rows: tuple[ReferenceUse, ...]


def latest(overrides: Iterable[PlanOverride]) -> tuple[PlanOverride, ...]:
    """The latest override of each field of each workstream, sorted by workstream and field; ids grow with
    time."""
    newest = {(each.workstream, each.field): each for each in sorted(overrides, key=lambda each: each.id)}
    order = list(OverrideField)
    return tuple(sorted(newest.values(), key=lambda each: (each.workstream, order.index(each.field))))


def in_force(overrides: Iterable[PlanOverride]) -> tuple[PlanOverride, ...]:
    """The latest overrides, without those that were taken back."""
    return tuple(each for each in latest(overrides) if each.value is not None)


def editors(overrides: Iterable[PlanOverride]) -> frozenset[UUID]:
    """Everybody who ever made an override: repeating it or taking it back leaves nobody without a part in the
    plan. These people may not approve the plan that came of it."""
    return frozenset(each.made_by for each in overrides)


def use_of(override: PlanOverride) -> OverrideUse:
    return OverrideUse.model_validate(override.model_dump(include=set(OverrideUse.model_fields)))
