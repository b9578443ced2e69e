"""All deals with one fault: a rule that none of them breaks is found by tests/unit/test_validation.py."""

from __future__ import annotations

from tests.unit.faults import (
    across_deals,
    amounts,
    caps,
    contract,
    firm_rules,
    parties,
    required_fields,
    terms,
    typing_faults,
)
from tests.unit.faults.case import Case

CASES: list[Case] = [
    *typing_faults.CASES,
    *terms.CASES,
    *contract.CASES,
    *parties.CASES,
    *required_fields.CASES,
    *amounts.CASES,
    *caps.CASES,
    *across_deals.CASES,
    *firm_rules.CASES,
]
