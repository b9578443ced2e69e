"""A step of the approval matrix: under which conditions whom a plan is put before."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.values.condition import Condition, Example
from oppsync.domain.values.model import Code, Frozen, Quantity, Text, omitted_at
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import RoleCode

MOST_PEOPLE, LATEST = 9, 99
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
    `condition`: in CEL, about the plan; one that cannot be evaluated is met. `examples` show what it means.
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
    condition: Condition | None = omitted_at(None)
    examples: tuple[Example, ...] = omitted_at(())

    @model_validator(mode="after")
    def _asks_somebody(self) -> ApprovalStep:
        if not self.roles and not self.people:
            raise ValueError("asks nobody: name roles or people")
        if not self.roles and self.count > len(set(self.people)):
            raise ValueError(f"needs {self.count} people and names {len(set(self.people))}")
        return self
