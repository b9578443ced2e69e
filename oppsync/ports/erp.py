"""What the core needs of an ERP."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Protocol, runtime_checkable

from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.orders import CustomerOrder, LineOrder, NodeOrder
from oppsync.domain.plan.plan import BillingLine, PlanContent
from oppsync.domain.plan.references import ErpReferences, MissingReference
from oppsync.domain.work.observations import Observation
from oppsync.kernel.errors import OppsyncError

# What came of one record of a call of many: it was created, or not, or nobody knows (AmbiguousAnswer).
CameOfIt = ExternalRecord | OppsyncError


class Erp(Protocol):
    quarantine: timedelta
    capabilities: ErpCapabilities

    def ping(self) -> None:
        """The cheapest call that needs the connection's credentials; it changes nothing. Raises what calls
        raise."""

    def inspect(self) -> Sequence[Observation]:
        """Tell line by line what these credentials may do there, and what is missing. It changes nothing.
        Raises what calls raise."""

    def customers_of_code(self, code: str) -> Sequence[ErpCustomer]:
        """The customer of exactly this code; without one, all whose code is the same in another spelling
        (`customer_code_key`)."""

    def find_customers(self, name: str, tax_id: str | None) -> Sequence[ErpCustomer]:
        """Customers of this name, whatever its capital letters, or with this tax id in any spelling
        (`is_same_tax_id`)."""

    def find_customer(self, order: CustomerOrder) -> ExternalRecord | None:
        """Look up by code alone; its other fields are the ERP's own and are not compared."""

    def create_customer(self, order: CustomerOrder) -> ExternalRecord: ...

    def missing_for(self, erp_company: str) -> Sequence[str]:
        """List in words what this company lacks before it can invoice; empty when it is ready."""

    def has_payment_terms(self, code: str) -> bool: ...

    def payment_terms(self) -> Sequence[str]:
        """List all that it has, by their codes, in order. Asked to say them where a deal names others."""

    def books_open_until(self, erp_company: str, wanted: date | None = None) -> date | None:
        """The last day of this company's open fiscal years; None when it has none. `wanted`: before an earlier
        day is answered from memory, the ERP itself is asked."""

    def missing_references(
        self, wanted: ErpReferences, *, heard_within: timedelta | None = None
    ) -> Sequence[MissingReference]:
        """Those of a plan's references that this ERP would refuse, all at once. Asked before anybody approves,
        and before the first thing is made: it reads many at a time, and what exists may come from its memory.
        `heard_within`: what it remembers counts only if it heard so within this time, also while the ERP does
        not answer."""

    def existing_keys(self, keys: Sequence[str]) -> Collection[str]:
        """Those of the given keys under which a project or task exists, whatever its content. The keys are
        those of one deal, which begin alike: one look-up, however many there are."""

    def existing_lines(self, plan: PlanContent, lines: Mapping[str, BillingLine]) -> Collection[str]:
        """As `existing_keys`, of billing lines of this plan by their keys, in the form that it gives them."""

    def find_node(self, order: NodeOrder) -> ExternalRecord | None:
        """Look up by `order.key`, exactly; its `differences` compare it with the order field by field. With
        `order.was` it also names what only an earlier order wanted, and says which differences are
        `revisable`."""

    def create_node(self, order: NodeOrder) -> ExternalRecord: ...

    def find_line(self, order: LineOrder) -> ExternalRecord | None: ...

    def create_line(self, order: LineOrder) -> ExternalRecord: ...

    def revise_node(self, order: NodeOrder, outside_id: str) -> ExternalRecord:
        """Set what `find_node` called revisable to what is ordered, and open it again when we closed it.
        Harmless to repeat. Only called for what differs in nothing else; needs the capability `revises`, or
        `reopens`."""

    def revise_line(self, order: LineOrder, outside_id: str) -> ExternalRecord:
        """As `revise_node`, of a billing line."""

    def cancel_node(self, order: NodeOrder, outside_id: str) -> ExternalRecord:
        """Close a project or task whose children are closed; `find_node` reports it as `closed` from then on,
        and names that as a difference. Harmless to repeat. Raises VendorRejected when its state does not allow
        it, or when the ERP does not cancel."""

    def cancel_line(self, order: LineOrder, outside_id: str) -> ExternalRecord:
        """Close a billing line so that it is never invoiced; as `cancel_node`."""


@runtime_checkable
class CreatesTogether(Protocol):
    """Kept besides `Erp` by one that claims `creates_together`."""

    def shares_call(self, order: NodeOrder | LineOrder) -> str:
        """Orders of one deal for which this is the same may be created in one call."""

    def create_together(self, orders: Sequence[NodeOrder | LineOrder]) -> Mapping[str, CameOfIt]:
        """Create all of them in one call. Returns what came of each, by the key of its order and never by its
        place: a key that is left out means that nobody knows. Raises what came of the call as a whole; a
        BusinessError means that none of them exists, and says nothing of any one of them."""
