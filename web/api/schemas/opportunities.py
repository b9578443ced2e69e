"""Deals: their plans, overrides, what was done and called for them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, field_serializer
from pydantic_core import PydanticCustomError

from oppsync.domain.effects.effects import LedgerRow
from oppsync.domain.plan.overrides import OverrideField, PlanOverride
from oppsync.domain.reading.calls import VendorCall
from oppsync.domain.reading.deal_filter import DealFilter
from oppsync.domain.reading.readings import OpportunityDetail, OpportunitySummary, TimelineEntry
from oppsync.domain.reading.system_of_record import why_no_override
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.work.states import State
from web.api.schemas.amounts import exact
from web.api.schemas.paging import PageQuery


class OpportunityQuery(PageQuery):
    state: State | None = Field(default=None, description="Only opportunities in this state.")
    text: Text | None = Field(default=None, description="Part of name, account or CRM id.")
    under_way: bool = Field(default=False, description="Only deals that are won and not active yet.")
    planned: bool = Field(default=False, description="Only deals with a plan that are active or under way.")
    entity: Code | None = Field(default=None, description="Only deals of this legal entity.")
    currency: Code | None = Field(default=None, description="Only deals in this currency.")
    won_from: date | None = Field(default=None, description="Only deals won on this day or later.")
    won_to: date | None = Field(default=None, description="Only deals won on this day or earlier.")
    cause: Code | None = Field(default=None, description="Only deals parked for an exception of this code.")
    revenue_in: Code | None = Field(
        default=None, description="Only deals whose plan has revenue in this month, such as 2026-06."
    )

    @property
    def wanted(self) -> DealFilter:
        return DealFilter.model_validate(self.model_dump(include=set(DealFilter.model_fields)))


class PlanQuery(Frozen):
    hash: Code | None = Field(default=None, description="A plan's full hash; the current plan without it.")


class WhyQuery(PlanQuery):
    place: Text = Field(
        default="", description="JSON pointer into the plan's content; without it every value is explained."
    )


def _not_another_system_s(field: object) -> object:
    if isinstance(field, str) and (why := why_no_override(field)):
        raise PydanticCustomError("owned_elsewhere", "{why}", {"why": why})
    return field


class OverrideRequest(Frozen):
    """An override of one field of one workstream, with its reason. A `value` of null takes the override back.

    Dates like `2026-06-01`; hours as a number in text; service line, delivery entity, cost centre and template
    by their codes. None of the texts may be empty; a value has 200 characters at most.
    """

    workstream: str
    field: Annotated[OverrideField, BeforeValidator(_not_another_system_s)]
    value: str | None = None
    reason: str


class Overrides(Frozen):
    """Oldest first; the latest override of a field of a workstream holds."""

    rows: tuple[PlanOverride, ...]


class PlanChangesQuery(Frozen):
    """`since`: the hash of an earlier plan of this deal."""

    since: Code | None = None


class PlanAnewRequest(Frozen):
    """Why the deal is planned anew: kept on the timeline. `ask_again`: no approval counts any more, even if the
    plan stays the same."""

    reason: Annotated[Text, Field(min_length=1)]
    ask_again: bool = False


class CompensateRequest(Frozen):
    """Why the deal is given up: kept on the timeline and sent to the CRM."""

    reason: Annotated[Text, Field(min_length=1)]


class OpportunityItem(OpportunitySummary):
    """An opportunity as lists show it. `amount` has exactly its currency's digits."""

    _amount = field_serializer("amount")(exact)


class OpportunityView(OpportunityDetail):
    """An opportunity with the CRM's record as last read."""

    _amount = field_serializer("amount")(exact)


class OpportunityPage(Frozen):
    rows: tuple[OpportunityItem, ...]
    next_cursor: Code | None = None


class Timeline(Frozen):
    """Oldest first."""

    rows: tuple[TimelineEntry, ...]


class VendorCalls(Frozen):
    rows: tuple[VendorCall, ...]


class Effects(Frozen):
    """The external records, with the ids and numbers that they got there."""

    rows: tuple[LedgerRow, ...]
