"""A person chooses the ERP's customer for an account; the deal goes on from there."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action
from oppsync.domain.deal.customers import CustomerMatch
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.systems import parent_values
from oppsync.domain.policy.firm_rules import firm_rules
from oppsync.domain.validation.customers import BY_CODE, match_code
from oppsync.domain.values.identifiers import invisible_characters
from oppsync.domain.work.states import State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel.errors import Conflict, InvalidInput
from oppsync.pipeline.customers import link
from oppsync.ports.erp import Erp
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.queue.commands import LinkCustomer
from oppsync.services.queue.items import open_item
from oppsync.services.queue.own_deal import check_not_own
from oppsync.services.queue.reach import check_reach
from oppsync.services.queue.resume import resume

CODES = frozenset({"ACCOUNT_AMBIGUOUS", "ACCOUNT_CODE_MISSING", "ACCOUNT_UNKNOWN", "CUSTOMER_CONTRADICTS"})


@dataclass(frozen=True)
class LinkCustomerHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems

    def __call__(self, command: LinkCustomer) -> None:
        with self.uow.reading() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.LINK_CUSTOMER)
            deal = self._deal(uow, command)
            # Asked again under the deal's lock: it may be read anew while the ERP is asked.
            check_reach(uow, command.tenant_id, deal, command.actor, Action.LINK_CUSTOMER)
            record = self._filled(uow, deal)
        _, erp = self.systems.erp(command.tenant_id, parent_values(record))
        customer = _customer_of(erp, command.customer.strip())
        with self.uow() as uow:
            self._link(uow, command, customer, actor)
            uow.commit()

    @staticmethod
    def _deal(uow: UnitOfWork, command: LinkCustomer) -> TrackedOpportunity | None:
        """The deal that the item is about, as it was last read."""
        known = uow.exceptions.get(command.tenant_id, command.item_id).opportunity_id
        return uow.opportunities.get(command.tenant_id, known) if known else None

    @staticmethod
    def _filled(uow: UnitOfWork, deal: TrackedOpportunity | None) -> Opportunity | None:
        """The deal's record with what rules fill; None of a deal that was never read."""
        record = deal.record if deal else None
        if deal is None or record is None or record.won_on is None:
            return record
        return firm_rules(uow.references.book(deal.tenant_id), record, record.won_on).fill(record).deal

    def _link(self, uow: UnitOfWork, command: LinkCustomer, customer: str, actor: str) -> None:
        item = open_item(uow, command.tenant_id, command.item_id)
        if item.opportunity_id is None or CODES.isdisjoint(found.code for found in item.findings):
            raise Conflict("This item does not ask for a customer.", code="NO_CUSTOMER_ASKED")
        before = uow.opportunities.lock(command.tenant_id, item.opportunity_id)
        check_reach(uow, before.tenant_id, before, command.actor, Action.LINK_CUSTOMER)
        check_not_own(uow, before, command.actor)
        if before.record is None:
            raise Conflict("This deal has not been read from the CRM yet.", code="NO_CUSTOMER_ASKED")
        account = before.record.account
        if account is None or (item.code == "CUSTOMER_CONTRADICTS" and account.code is not None):
            raise Conflict(
                "The account carries a customer code: correct it in the CRM.", code="NO_CUSTOMER_ASKED"
            )
        if any(row.may_exist for row in uow.ledger.of(before.tenant_id, before.id)):
            raise Conflict("Something of this deal exists in the ERP: give it up.", code="NO_CUSTOMER_ASKED")
        event = link(uow, before, before.record, customer=customer, by=actor, actor=actor)
        self.publish(uow, before.tenant_id, before.traceparent, event)
        uow.exceptions.close_open(before.tenant_id, before.id, actor, f"Linked to {customer}")
        detail = {"exception": str(item.id), "customer": customer}
        # From the start: a plan that was approved for another customer is none of this one.
        resume(
            uow, self.publish, before, State.RECEIVED, actor=actor, after_what=f"with {customer}", detail=detail
        )


def _customer_of(erp: Erp, named: str) -> str:
    """Its code as the ERP writes it. Raises InvalidInput."""
    match = match_code(named, BY_CODE, erp.customers_of_code(named)) if named else CustomerMatch()
    if match.customer is not None:
        return match.customer.code
    if match.candidates:
        several = "; ".join(map(str, match.candidates))
        raise InvalidInput(f"The ERP has several that read like {named!r}: {several}.", field="customer")
    unseen = invisible_characters(named)
    holds = f" (it holds {', '.join(unseen)}, which nobody can see)" if unseen else ""
    raise InvalidInput(
        f"The ERP has no customer {named!r}{holds}: give the code of an existing one.", field="customer"
    )
