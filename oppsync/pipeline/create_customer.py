"""Create the customer that a plan says is new, unless it exists by now: one deal at a time, by code and tax id.

The claim is held until what was sent is known to have come to be or not. A process that dies leaves it behind
for as long as its call may still take effect: until then no other deal looks, finds nobody and creates another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from oppsync.domain.effects.effects import Effect, ExternalRecord
from oppsync.domain.plan.orders import CustomerOrder
from oppsync.domain.validation.customers import BY_CODE, contradictions, match_code
from oppsync.domain.values.identifiers import names_are_alike
from oppsync.kernel.errors import BusinessError, HeldBack
from oppsync.pipeline.customers import customers_with_tax_id
from oppsync.pipeline.effects import LONGEST_PAUSE
from oppsync.pipeline.stage import StageContext
from oppsync.ports.erp import Erp

# How soon a deal looks again whether another one is done.
LOOK_AGAIN = timedelta(seconds=1)


def create_customer(context: StageContext, erp: Erp, effect: Effect, order: CustomerOrder) -> ExternalRecord:
    """Raises HeldBack while another deal creates one, BusinessError where a person has to say who it is."""
    claim = _Claim(context, effect.connection_id, erp.quarantine + LONGEST_PAUSE)

    def find() -> ExternalRecord | None:
        claim.take()
        return _existing(erp, order)

    def send() -> ExternalRecord:
        claim.take()  # anew: the look-up may have taken long
        return erp.create_customer(order)

    try:
        created = context.effects.perform(effect, find, send)
    except BusinessError:
        claim.release()
        raise
    claim.release()
    return created


def _existing(erp: Erp, order: CustomerOrder) -> ExternalRecord | None:
    new = order.customer
    match = match_code(new.code, BY_CODE, erp.customers_of_code(new.code))
    existing = match.customer
    if existing is not None and existing.code == new.code:
        if contradictions(new.country, new.tax_id, existing) or not names_are_alike(new.name, existing.name):
            raise BusinessError(
                f"{new.code} was approved as a new customer, {new.name} ({new.country}); by now the ERP has "
                f"{existing.in_words} under this code",
                code="CUSTOMER_CONTRADICTS",
            )
        return erp.find_customer(order)
    others = match.candidates or ((existing,) if existing else customers_with_tax_id(erp, new.name, new.tax_id))
    if others:
        raise BusinessError(
            f"{new.code} was approved as a new customer, {new.name}; by now the ERP has it under another code: "
            + "; ".join(map(str, others)),
            code="ACCOUNT_AMBIGUOUS",
        )
    return None


@dataclass
class _Claim:
    context: StageContext
    connection_id: str
    hold: timedelta
    is_held: bool = False

    def take(self) -> None:
        opportunity = self.context.opportunity
        with self.context.uow() as uow:
            self.is_held = uow.customer_claims.take(
                opportunity.tenant_id, self.connection_id, opportunity.id, self.hold
            )
            uow.commit()
        if not self.is_held:
            raise HeldBack("Another deal is creating a customer", retry_after=LOOK_AGAIN)

    def release(self) -> None:
        if not self.is_held:
            return
        opportunity = self.context.opportunity
        with self.context.uow() as uow:
            uow.customer_claims.release(opportunity.tenant_id, self.connection_id, opportunity.id)
            uow.commit()
