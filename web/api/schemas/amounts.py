"""Amounts as exact text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from oppsync.domain.values.money import exact_text


def exact(self: Any, amount: Decimal | None) -> str | None:
    return None if amount is None else exact_text(amount, self.currency)
