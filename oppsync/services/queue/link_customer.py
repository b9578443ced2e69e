"""A person chooses the ERP's customer for an account; the deal goes on from there."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.systems import parent_values
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.pipeline.customers import link
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.queue.commands import LinkCustomer
from oppsync.services.queue.items import open_item
from oppsync.services.queue.resume import resume

CODES = ("ACCOUNT_AMBIGUOUS", "ACCOUNT_CODE_MISSING")


@dataclass(frozen=True)
class LinkCustomerHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems

    def __call__(self, command: LinkCustomer) -> None:
        with self.uow.reading() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.LINK_CUSTOMER)
            record = self._record(uow, command)
        customer = command.customer.strip()
        _, erp = self.systems.erp(command.tenant_id, parent_values(record))
        if not customer or not erp.has_customer(customer):
            raise InvalidInput(
                f"The ERP has no customer {customer!r}: give the code of an existing one.", field="customer"
            )
        with self.uow() as uow:
            self._link(uow, command, customer, actor)
            uow.commit()

    @staticmethod
    def _record(uow: UnitOfWork, command: LinkCustomer) -> Opportunity | None:
        """The deal that the item is about, as it was last read."""
        deal = uow.exceptions.get(command.tenant_id, command.item_id).opportunity_id
        return uow.opportunities.get(command.tenant_id, deal).record if deal else None

    def _link(self, uow: UnitOfWork, command: LinkCustomer, customer: str, actor: str) -> None:
        item = open_item(uow, command.tenant_id, command.item_id)
        if item.opportunity_id is None or not {found.code for found in item.findings} & set(CODES):
            raise Conflict("This item does not ask for a customer.", code="NO_CUSTOMER_ASKED")
        before = uow.opportunities.lock(command.tenant_id, item.opportunity_id)
        if before.record is None:
            raise Conflict("This deal has not been read from the CRM yet.", code="NO_CUSTOMER_ASKED")
        event = link(uow, before, before.record, customer=customer, by=actor, actor=actor)
        self.publish(uow, before.tenant_id, before.traceparent, event)
        uow.exceptions.close_open(before.tenant_id, before.id, actor, f"Linked to {customer}")
        detail = {"exception": str(item.id), "customer": customer}
        what = f"with {customer}"
        resume(uow, self.publish, before, before.stands_at, actor=actor, after_what=what, detail=detail)
