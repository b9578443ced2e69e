"""Billing terms as text for people."""

from __future__ import annotations

import pytest

from oppsync.domain.billing.terms_text import in_words
from oppsync.domain.deal.billing_terms import BillingTerms, Cap, Deposit, Retainer


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (BillingTerms(), {}),
        (
            BillingTerms(cap=Cap(amount="50000", scope="contract", warning_percent="75")),
            {
                "not to exceed": "EUR 50,000.00 for the contract, warning at EUR 37,500.00, hours beyond are "
                "not billable"
            },
        ),
        (BillingTerms(deposit=Deposit(percent=30)), {"deposit": "30 %"}),
        (BillingTerms(deposit=Deposit(percent=30, final_percent=20)), {"deposit": "30 %, final part 20 %"}),
        (
            BillingTerms(retainer=Retainer(hours=20)),
            {"hours included": "20 a month", "hours not used": "lapse"},
        ),
        (
            BillingTerms(retainer=Retainer(hours="7.5", rollover="capped", rollover_hours=8)),
            {"hours included": "7.5 a month", "hours not used": "are carried on, at most 8"},
        ),
        (
            BillingTerms(retainer=Retainer(hours=20, rollover="all")),
            {"hours included": "20 a month", "hours not used": "are carried on"},
        ),
        (
            BillingTerms(timing="in_arrears", indexation_percent="2.5", day=31),
            {
                "invoiced": "in arrears",
                "indexation": "2.5 % on each anniversary",
                "day of invoicing": "last of the month",
            },
        ),
        (BillingTerms(day=15), {"day of invoicing": "15"}),
    ],
)
def test_what_was_agreed_is_said(terms: BillingTerms, words: dict[str, str]) -> None:
    assert in_words(terms, "EUR") == words
