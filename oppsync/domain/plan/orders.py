"""Orders of the pipeline to ERP, PSA and CRM: one thing to be created or set, under our idempotency key."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from oppsync.domain.plan.plan import BillingLine, NewCustomer, PlanContent, PlanNode, StaffingRequest
from oppsync.domain.values.model import Code, Frozen, Text


class CustomerOrder(Frozen):
    """Create this customer, whose code is its key in the ERP, for the company that sells. `key` is ours."""

    key: Code
    customer: NewCustomer
    erp_company: Code


class NodeOrder(Frozen):
    """Create this node of this plan. `parent_id` is the parent's id in the ERP; None for the root.

    `was`: what earlier plans of the deal ordered under this key, where it is planned anew. `closed_by_us`: what
    exists under the key was closed when the deal was given up, and is wanted again.
    """

    key: Code
    plan: PlanContent
    node: PlanNode
    parent_id: Code | None = None
    was: tuple[NodeOrder, ...] = ()
    closed_by_us: bool = False


class LineOrder(Frozen):
    """Create this billing line of `node`, whose id in the ERP is `project_id`. `was`, `closed_by_us`: as of
    `NodeOrder`."""

    key: Code
    plan: PlanContent
    node: PlanNode
    line: BillingLine
    project_id: Code
    was: tuple[LineOrder, ...] = ()
    closed_by_us: bool = False


class PsaOrder(Frozen):
    """A project in the PSA under our key. `was`, `closed_by_us`: as of `NodeOrder`."""

    key: Code
    title: Text
    project_number: Text
    was: tuple[PsaOrder, ...] = Field(default=(), exclude=True)
    closed_by_us: bool = Field(default=False, exclude=True)


class StaffingOrder(Frozen):
    """Request staffing for the PSA's project `project_id`, under our key."""

    key: Code
    project_id: Code
    request: StaffingRequest


class WriteBack(Frozen):
    """The values to set on the opportunity in the CRM, and on the project in the PSA."""

    status: Literal["active", "rejected", "withdrawn"]
    project_number: Text = ""
    project_url: Text = ""
    activated_at: AwareDatetime | None = None
    message: Text = ""


class Message(Frozen):
    """A notification to one person: a link, no amount."""

    key: Code
    to: Code
    subject: Text
    body: Text
