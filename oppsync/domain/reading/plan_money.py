"""What a plan comes to: with tax, how much of it is only an estimate, and what was sold and is not billable.

It follows from the plan's content, so it is worked out when it is read and is no part of what is hashed.
"""

from __future__ import annotations

from oppsync.domain.plan.plan import ROOT_PATH, LineKind, PlanContent
from oppsync.domain.values.model import Code, Frozen
from oppsync.domain.values.money import Money


class LineMoney(Frozen):
    """A billing line by its path: its amount, the tax on it, and both. `beyond_cap` was sold and is not
    billable."""

    path: Code
    amount: Money
    tax: Money
    with_tax: Money
    beyond_cap: Money


class PlanMoney(Frozen):
    """`total` is what may be invoiced, `sold` the deal's amount, `beyond_caps` the difference. `estimated` is
    the part of the total that depends on the hours worked. `rounding`: by how much the CRM's lines miss what
    was sold. `tax` is the plan's percent of each line, rounded per line; the ERP computes it anew on each
    invoice."""

    sold: Money
    beyond_caps: Money
    total: Money
    estimated: Money
    rounding: Money
    tax: Money
    with_tax: Money
    lines: tuple[LineMoney, ...]


def money_of(content: PlanContent) -> PlanMoney:
    currency, root = content.currency, content.node(ROOT_PATH)
    lines, estimated, tax = list[LineMoney](), Money.zero(currency), Money.zero(currency)
    for _node, line in content.billing_lines():
        on_line = content.tax_on(line)
        tax += on_line
        estimated += line.amount if line.kind is LineKind.TIME else Money.zero(currency)
        lines.append(
            LineMoney(
                path=line.path,
                amount=line.amount,
                tax=on_line,
                with_tax=line.amount + on_line,
                beyond_cap=line.beyond_cap,
            )
        )
    return PlanMoney(
        sold=root.sold,
        beyond_caps=root.beyond_cap,
        total=content.total,
        estimated=estimated,
        rounding=root.rounding or Money.zero(currency),
        tax=tax,
        with_tax=content.total + tax,
        lines=tuple(lines),
    )
