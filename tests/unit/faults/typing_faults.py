"""Deals with a slip of the pen."""

from __future__ import annotations

from tests.harness import builders as make
from tests.unit.faults.case import WEEKLY, Case

CASES = [
    Case(
        "a choice that is none",
        "FIELD_UNREADABLE",
        "/contract/billing_frequency",
        "Billing Frequency is 'Weekly'; allowed is Once or Monthly",
        make.opportunity(unread=(WEEKLY,)),
    ),
]
