"""A new customer is created once: by one deal at a time, and never beside one that the ERP has by now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.effects.effects import Effect, ExternalRecord
from oppsync.domain.plan.orders import CustomerOrder
from oppsync.domain.plan.plan import NewCustomer
from oppsync.domain.values.keys import EffectKind
from oppsync.kernel.errors import AmbiguousAnswer, BusinessError, HeldBack
from oppsync.pipeline.create_customer import create_customer
from oppsync.pipeline.stage import StageContext
from oppsync.ports.erp import Erp
from tests.harness import builders as make

NEW = NewCustomer(code="CUST-NEW", name="Newcomer SARL", country="FR", tax_id="FR40303265045")
QUARANTINE = timedelta(seconds=45)


@dataclass
class World:
    """One ERP and the claims of all deals; `meanwhile` is what happens while a deal looks."""

    customers: list[ErpCustomer] = field(default_factory=list)
    claims: dict[str, UUID] = field(default_factory=dict)
    holds: list[timedelta] = field(default_factory=list)
    answers: bool = True
    meanwhile: Callable[[], None] = lambda: None
    quarantine = QUARANTINE

    def customers_of_code(self, code: str) -> Sequence[ErpCustomer]:
        self.meanwhile()
        return [each for each in self.customers if each.code.casefold() == code.casefold()]

    def find_customers(self, name: str, tax_id: str | None) -> Sequence[ErpCustomer]:
        return self.customers

    def find_customer(self, order: CustomerOrder) -> ExternalRecord | None:
        return ExternalRecord(outside_id=order.customer.code)

    def create_customer(self, order: CustomerOrder) -> ExternalRecord:
        if not self.answers:
            raise AmbiguousAnswer("no answer")
        new = order.customer
        self.customers.append(
            ErpCustomer(
                code=new.code,
                name=new.name,
                countries=(new.country,),
                tax_ids=(new.tax_id,) if new.tax_id else (),
            )
        )
        return ExternalRecord(outside_id=new.code)

    def take(self, tenant_id: str, connection_id: str, opportunity_id: UUID, hold: timedelta) -> bool:
        self.holds.append(hold)
        return self.claims.setdefault(connection_id, opportunity_id) == opportunity_id

    def release(self, tenant_id: str, connection_id: str, opportunity_id: UUID) -> None:
        if self.claims.get(connection_id) == opportunity_id:
            del self.claims[connection_id]

    @contextmanager
    def units(self) -> Iterator[Any]:
        yield SimpleNamespace(customer_claims=self, commit=lambda: None)

    def perform(
        self, effect: Effect, find: Callable[[], ExternalRecord | None], send: Callable[[], ExternalRecord]
    ) -> ExternalRecord:
        return find() or send()

    def create(self, new: NewCustomer = NEW, deal: UUID | None = None) -> ExternalRecord:
        """As the stage of one deal does it."""
        opportunity = make.tracked(id=deal or uuid4())
        context = SimpleNamespace(opportunity=opportunity, uow=self.units, effects=self)
        effect = Effect(
            key="k",
            kind=EffectKind.CUSTOMER,
            path=new.code,
            opportunity_id=opportunity.id,
            connection_id="erp",
            request={},
            quarantine=QUARANTINE,
        )
        order = CustomerOrder(key="k", customer=new, erp_company="ACME-DE")
        return create_customer(cast(StageContext, context), cast(Erp, self), effect, order)


def test_the_second_of_two_deals_waits_while_the_first_one_creates_and_then_finds_it() -> None:
    world = World()

    def other_deal() -> None:
        world.meanwhile = lambda: None
        with pytest.raises(HeldBack):
            world.create()

    world.meanwhile = other_deal
    world.create()
    world.create()

    assert [each.code for each in world.customers] == ["CUST-NEW"]
    assert world.claims == {}


def test_a_claim_outlives_what_was_sent_and_not_answered() -> None:
    """Until then the customer may still come to be, and another deal would find nobody."""
    world = World(answers=False)
    deal = uuid4()

    with pytest.raises(AmbiguousAnswer):
        world.create(deal=deal)

    assert world.claims == {"erp": deal}
    assert min(world.holds) > QUARANTINE
    with pytest.raises(HeldBack):
        world.create()
    world.answers = True
    world.create(deal=deal)
    assert world.claims == {}


@pytest.mark.parametrize(
    ("there", "code"),
    [
        (ErpCustomer(code="C7", name="Old name", tax_ids=("FR 40 303 265 045",)), "ACCOUNT_AMBIGUOUS"),
        (ErpCustomer(code="cust-new", name="Newcomer"), "ACCOUNT_AMBIGUOUS"),
        (ErpCustomer(code="CUST-NEW", name="Newcomer", tax_ids=("FR61954506077",)), "CUSTOMER_CONTRADICTS"),
        (ErpCustomer(code="CUST-NEW", name="Newcomer", countries=("DE",)), "CUSTOMER_CONTRADICTS"),
        (ErpCustomer(code="CUST-NEW", name="Initech Inc"), "CUSTOMER_CONTRADICTS"),
    ],
)
def test_a_customer_that_is_there_by_now_is_for_a_person_unless_it_is_the_approved_one(
    there: ErpCustomer, code: str
) -> None:
    world = World([there])

    with pytest.raises(BusinessError) as refused:
        world.create()

    assert refused.value.code == code
    assert there.name in refused.value.message
    assert (world.customers, world.claims) == ([there], {})


def test_the_approved_customer_that_is_there_by_now_is_used() -> None:
    there = ErpCustomer(code="CUST-NEW", name="NEWCOMER", countries=("FR",), tax_ids=("40303265045",))
    world = World([there])

    assert world.create().outside_id == "CUST-NEW"
    assert world.customers == [there]
