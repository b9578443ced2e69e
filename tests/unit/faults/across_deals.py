"""Deals that are wrong beside other deals."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from oppsync.domain.validation.other_deals import OtherDeal
from tests.harness import builders as make
from tests.unit.faults.case import Case, ordered, other_deal

CASES = [
    Case(
        "a purchase order that another deal has",
        "PO_SHARED",
        "/contract/po_number",
        "The purchase order PO-7 is also that of Discovery (EUR 9,000.00; 006O9)",
        ordered(),
        make.facts(others=(other_deal(9_000),)),
    ),
    Case(
        "a deal entered twice",
        "DEAL_CLONED",
        "/name",
        "Globex goes to the cloud (EUR 44,400.00; 006O1) has the same customer, name, amount, lines and time",
        make.opportunity(),
        make.facts(others=(OtherDeal(id=UUID(int=1), record=make.opportunity(), amount=Decimal(44_400)),)),
    ),
]
TOGETHER = Case(
    "a purchase order that two deals use up",
    "PO_USED_UP",
    "/contract/po_limit",
    "allows EUR 50,000.00, but this deal comes to EUR 53,400.00 together with Discovery",
    ordered(po_limit=Decimal(50_000)),
    make.facts(others=(other_deal(9_000),)),
)
