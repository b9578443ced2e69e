"""The protocol of a recognition method: it distributes an obligation's price over calendar months (ASC 606,
IFRS 15)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import NamedTuple, Protocol

from oppsync.domain.plan.plan import BillingLine
from oppsync.domain.plan.workstream import Workstream
from oppsync.domain.reference.billing_policy import RevenueMethod

Months = Mapping[str, Fraction]  # `2026-06` -> weight


class Obligation(NamedTuple):
    """A performance obligation: one workstream, with its billing lines."""

    workstream: Workstream
    billing: tuple[BillingLine, ...]


class RevenueRecognition(Protocol):
    """`title` is its name for people."""

    method: RevenueMethod
    title: str

    def months(self, obligation: Obligation) -> Months:
        """The weight of each month in which revenue is recognised; at least one is above zero."""


def month_of(day: date) -> str:
    return f"{day:%Y-%m}"
