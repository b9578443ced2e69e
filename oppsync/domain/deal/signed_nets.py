"""The net amounts of a deal's lines, made to sum to what was signed.

The opportunity's amount is what was signed, so it rules. A CRM rounds each line its own way: where the lines
miss the amount by at most one minor unit a line, the difference goes to the largest lines, one unit each; to
hours last, whose amount is only an estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine, Unit
from oppsync.domain.values.money import current_currencies, minor_unit


def rounding_allowed(opportunity: Opportunity) -> Decimal:
    """One minor unit for each line that has a price; nothing in a currency that nobody knows."""
    currency = opportunity.currency
    if currency is None or currency not in current_currencies():
        return Decimal(0)
    return minor_unit(currency) * sum(1 for line in opportunity.lines if line.net)


def missing_of(opportunity: Opportunity) -> Decimal:
    """Compute what the amount has more than the sum of the lines, or less; nothing for a deal without an
    amount."""
    if opportunity.amount is None:
        return Decimal(0)
    return opportunity.amount - sum((line.net for line in opportunity.lines), start=Decimal(0))


def rounding_of_lines(opportunity: Opportunity) -> Sequence[Decimal]:
    """Compute what is added to the net of each line, in their order: a minor unit, or nothing.

    The CRM's order of lines does not matter: of equal ones that of the lower id comes first.
    """
    shares = [Decimal(0)] * len(opportunity.lines)
    missing, allowed = missing_of(opportunity), rounding_allowed(opportunity)
    if not missing or abs(missing) > allowed:
        return shares
    unit = minor_unit(opportunity.currency or "").copy_sign(missing)
    if missing % unit:
        return shares  # an amount that is too fine has a finding of its own
    priced = [index for index, line in enumerate(opportunity.lines) if line.net]
    for index in sorted(priced, key=lambda index: _order(opportunity.lines[index]))[: int(missing / unit)]:
        shares[index] = unit
    return shares


def _order(line: OpportunityLine) -> tuple[bool, Decimal, str]:
    return (line.unit is Unit.HOUR, -abs(line.net), line.id)
