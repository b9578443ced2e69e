"""How large or small the figures of a row may be.

Not in the rows' shapes: these also read what an older release stored, and a figure that is refused today must
not make such a row unreadable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from oppsync.domain.configuration.bundle import read_value
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow


class Bounds(NamedTuple):
    """`most` is None where a currency decides what is much. `fix`: how the figure is written."""

    least: Decimal
    most: Decimal | None
    fix: str = ""

    def hold(self, figure: Decimal) -> bool:
        return self.least <= figure and (self.most is None or figure <= self.most)

    @property
    def in_words(self) -> str:
        return f"{self.least} or more" if self.most is None else f"between {self.least} and {self.most}"


class OutOfBounds(NamedTuple):
    field: str
    figure: Decimal
    bounds: Bounds


_PRICE = Bounds(Decimal(0), None)
_PERCENT = Bounds(Decimal(0), Decimal(100), "Write 19 for 19 %")
_HOURS = Bounds(Decimal("0.05"), Decimal(2_000), "Write 0.25 for a quarter of an hour")
# Percents of phases and of budgets make a whole, which their shapes check; an exchange rate is above zero.
BOUNDS: Mapping[ReferenceKind, Mapping[str, Bounds]] = {
    ReferenceKind.RATE_CARD: {"hourly": _PRICE, "discount_percent": _PERCENT},
    ReferenceKind.COST_RATE: {"hourly": _PRICE},
    ReferenceKind.TRANSFER_PRICE: {"percent": _PERCENT},
    ReferenceKind.MARGIN_POLICY: {"floor_percent": _PERCENT},
    ReferenceKind.TAX_TREATMENT: {"percent": _PERCENT},
    ReferenceKind.TAX_REGIME: {"standard_percent": _PERCENT},
    ReferenceKind.TAX_NEXUS: {"percent": _PERCENT},
    ReferenceKind.APPROVAL_STEP: {"margin_below": _PERCENT, "discount_from": _PERCENT},
    ReferenceKind.WITHHOLDING: {"percent": _PERCENT},
    ReferenceKind.SLA_TARGET: {"hours": _HOURS, "near_percent": _PERCENT},
}


def out_of_bounds(row: ReferenceRow) -> Iterator[OutOfBounds]:
    bounds = BOUNDS.get(row.kind)
    value = read_value(row) if bounds else None
    if bounds is None or value is None:
        return
    for field, allowed in bounds.items():
        figure = getattr(value, field)
        if figure is not None and not allowed.hold(figure):
            yield OutOfBounds(field, figure, allowed)
