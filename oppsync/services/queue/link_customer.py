"""A person says which customer of the ERP an account is; the deal goes on from there."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.systems import parent_values
from oppsync.domain.work.exceptions import ExceptionStatus
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.pipeline.customers import link
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.queue.commands import LinkCustomer
from oppsync.services.queue.resume import resume

CODES = ("ACCOUNT_AMBIGUOUS", "ACCOUNT_CODE_MISSING")


@dataclass(frozen=True)
class LinkCustomerHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems

    def __call__(self, command: LinkCustomer) -> None:
        customer = command.customer.strip()
        with self.uow.reading() as uow:
            record = self._record(uow, command)
        _, erp = self.systems.erp(command.tenant_id, parent_values(record))
        if not customer or not erp.has_customer(customer):
            raise InvalidInput(f"The ERP has no customer {customer!r}: name one by its code.", field="customer")
        with self.uow() as uow:
            self._link(uow, command, customer)
            uow.commit()

    @staticmethod
    def _record(uow: UnitOfWork, command: LinkCustomer) -> Opportunity | None:
        """The deal that the item is about, as it was last read."""
        of = uow.exceptions.get(command.tenant_id, command.item_id).opportunity_id
        return uow.opportunities.get(command.tenant_id, of).record if of else None

    def _link(self, uow: UnitOfWork, command: LinkCustomer, customer: str) -> None:
        item = uow.exceptions.get(command.tenant_id, command.item_id)
        if item.status is not ExceptionStatus.OPEN:
            raise Conflict(f"This was {item.status} already by {item.closed_by}.", code="ALREADY_CLOSED")
        if item.opportunity_id is None or not {found.code for found in item.findings} & set(CODES):
            raise Conflict("This item does not ask for a customer.", code="NO_CUSTOMER_ASKED")
        before = uow.opportunities.lock(command.tenant_id, item.opportunity_id)
        if before.record is None:
            raise Conflict("This deal was never read.", code="NO_CUSTOMER_ASKED")
        event = link(uow, before, before.record, customer=customer, by=command.actor, actor=command.actor)
        self.publish(uow, before.tenant_id, before.traceparent, event)
        uow.exceptions.close_for(before.tenant_id, before.id, command.actor, f"Linked to {customer}")
        target = (before.resume_state or State.RECEIVED) if before.state is State.PARKED else before.state
        detail = {"exception": str(item.id), "customer": customer}
        resume(
            uow, self.publish, before, target, actor=command.actor, after_what=f"with {customer}", detail=detail
        )
