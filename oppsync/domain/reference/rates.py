"""Rates and prices: what an hour is sold for and costs, transfer prices, margin floors."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from oppsync.domain.values.findings.finding import Severity
from oppsync.domain.values.model import Code, Frozen, Quantity, Text, omitted_at, plain
from oppsync.domain.values.pricing import net_of


class Rate(Frozen):
    """Keys: `<customer code>|<region>|<role>|<currency>`, then `<region>|<role>|<currency>`. Price of an hour.

    `discount_percent` is the card's own; `price` is the hourly rate after it. A `version`, where given, is
    kept in plans.
    """

    card: Code
    hourly: Quantity
    discount_percent: Quantity = omitted_at(Decimal(0))
    version: Code | None = omitted_at(None)

    @property
    def price(self) -> Decimal:
        return net_of(Decimal(1), self.hourly, self.discount_percent)


class CostRate(Frozen):
    """Keys: `<region>|<role>|<currency>`, then `<region>|*|<currency>`. What an hour costs the firm."""

    card: Code
    hourly: Quantity


class MarginPolicy(Frozen):
    """Keys: of a deal `<entity code>`, then `*`; of a service line `<entity code>|<service line code>`.

    A margin below `floor_percent` of the price blocks or warns.
    """

    floor_percent: Quantity
    severity: Severity = Severity.WARNS


class TransferPrice(Frozen):
    """Key: `<selling entity>|<delivering entity>`. What the first owes the second: cost plus `percent`, under
    a written `agreement` (OECD Transfer Pricing Guidelines, chapter II, part II: the cost plus method)."""

    method: Literal["cost_plus"] = "cost_plus"
    percent: Quantity
    agreement: Text | None = None

    def __str__(self) -> str:
        under = f" ({self.agreement})" if self.agreement else ""
        return f"cost plus {plain(self.percent)} %{under}"
