"""A step of the approval matrix: under which conditions whom a plan is put before."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.values.model import Code, Frozen, Quantity, Text, omitted_at
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import RoleCode

MOST_PEOPLE, LATEST = 9, 99
MOST_HOURS = 2_000
BusinessHours = Annotated[int, Field(ge=1, le=MOST_HOURS)]
Address = Annotated[Code, AfterValidator(str.lower)]


class FurtherRole(Frozen):
    """An approval role besides finance and delivery. Key: its code; who holds it has the role
    `approver:<code>`."""

    name: Annotated[Text, Field(min_length=1)]
    description: Text = ""


class ApprovalStep(Frozen):
    """Key: its code. A plan that meets every condition is put before `count` different people: holders of one
    of `roles`, or `people` by the mail address of their account. Steps of one `order` are asked side by side.

    `from_amount`: the contract's total is so much or more, converted into its currency. `margin_below` and
    `discount_from` in percent; a margin or discount that is not known meets it. `billing_models`, `regions` and
    `service_lines`: of any workstream or line. `new_customer`: no earlier deal of the customer became active.
    `special_terms`: the contract has some. `intercompany`: another entity delivers than the one that sells.

    Business hours since somebody was asked: after `remind_after` they are reminded; after `escalate_after` the
    holders of the roles `escalate_to` and `escalate_to_people` are told, and asked where they may decide it;
    after `expires_after` the deal is parked. These are not part of a plan: those of today count.
    """

    name: Annotated[Text, Field(min_length=1)]
    roles: tuple[RoleCode, ...] = ()
    people: tuple[Address, ...] = ()
    count: Annotated[int, Field(ge=1, le=MOST_PEOPLE)] = 1
    order: Annotated[int, Field(ge=1, le=LATEST)] = 1
    from_amount: Money | None = None
    margin_below: Quantity | None = None
    discount_from: Quantity | None = None
    billing_models: tuple[BillingModelCode, ...] = ()
    entities: tuple[Code, ...] = ()
    regions: tuple[Code, ...] = ()
    service_lines: tuple[Code, ...] = ()
    payment_terms: tuple[Code, ...] = ()
    new_customer: bool = False
    special_terms: bool = False
    intercompany: bool = False
    remind_after: BusinessHours | None = omitted_at(None)
    escalate_after: BusinessHours | None = omitted_at(None)
    escalate_to: tuple[RoleCode, ...] = omitted_at(())
    escalate_to_people: tuple[Address, ...] = omitted_at(())
    expires_after: BusinessHours | None = omitted_at(None)

    @property
    def has_times(self) -> bool:
        return any((self.remind_after, self.escalate_after, self.expires_after))

    @model_validator(mode="after")
    def _in_time(self) -> ApprovalStep:
        if bool(self.escalate_after) != bool(self.escalate_to or self.escalate_to_people):
            raise ValueError("escalate_after goes with escalate_to or escalate_to_people: give both")
        before = [each for each in (self.remind_after, self.escalate_after) if each is not None]
        if self.expires_after is not None and any(each >= self.expires_after for each in before):
            raise ValueError("expires_after is the last: give more hours than before it")
        return self

    @model_validator(mode="after")
    def _asks_somebody(self) -> ApprovalStep:
        if not self.roles and not self.people:
            raise ValueError("asks nobody: name roles or people")
        if not self.roles and self.count > len(set(self.people)):
            raise ValueError(f"needs {self.count} people and names {len(set(self.people))}")
        return self
