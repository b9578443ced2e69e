"""A fixed fee with a deposit: at signing, in between, at the end."""

from __future__ import annotations

from datetime import date

from oppsync.domain.billing.fixed_fee_deposit import FixedFeeDeposit
from oppsync.domain.deal.billing_terms import BillingTerms, Deposit
from oppsync.domain.deal.opportunity import ContractTerms, OpportunityLine
from tests.harness import builders as make

SIGNED = ContractTerms(payment_terms="NET30", signed_on=date(2026, 5, 4))


def schedule(line: OpportunityLine, contract: ContractTerms = SIGNED) -> list[tuple[str, str, str]]:
    lines = FixedFeeDeposit().lines(make.workstream(line, contract=contract))
    return [(line.path.rpartition("/")[2], str(line.due_on), line.amount.text) for line in lines]


def test_the_rest_of_the_fee_is_spread_over_the_periods() -> None:
    assert schedule(make.deposit_line()) == [
        ("deposit", "2026-05-04", "3000.00"),
        ("2026-06", "2026-06-30", "1250.00"),
        ("2026-07", "2026-07-31", "1250.00"),
        ("2026-08", "2026-08-31", "1250.00"),
        ("2026-09", "2026-09-15", "1250.00"),
        ("final", "2026-09-15", "2000.00"),
    ]


def test_an_unsigned_contract_asks_for_the_deposit_when_work_begins() -> None:
    unsigned = schedule(make.deposit_line(), ContractTerms(payment_terms="NET30"))

    assert unsigned[0] == ("deposit", "2026-06-01", "3000.00")


def test_nothing_is_left_for_instalments_between_two_halves() -> None:
    halves = BillingTerms(deposit=Deposit(percent=50, final_percent=50))

    assert schedule(make.deposit_line(billing=halves, unit_price="0.01", net="0.01")) == [
        ("deposit", "2026-05-04", "0.01"),
        ("final", "2026-09-15", "0.00"),
    ]


def test_without_a_final_part_the_instalments_take_the_rest() -> None:
    third = BillingTerms(deposit=Deposit(percent="33.33"), frequency="once")

    assert schedule(make.deposit_line(billing=third)) == [
        ("deposit", "2026-05-04", "3333.00"),
        ("once", "2026-09-15", "6667.00"),
    ]
