"""Under which paths a plan has the billing lines that an earlier plan of the deal ordered for another customer,
company or currency.

An ERP sets these once, when it makes an invoice. So such a line is another one: it has a path of its own, the
new one is made under that path's key, and what exists under the old key is closed as no longer planned.
"""

from __future__ import annotations

from collections.abc import Sequence

from oppsync.domain.plan.plan import BillingLine, LineKind, PlanContent
from oppsync.domain.values.keys import within_limit
from oppsync.domain.values.model import changed


def with_own_paths(
    content: PlanContent, replaced: PlanContent | None, earlier: Sequence[PlanContent]
) -> PlanContent:
    """Pure: the plan with such lines under paths of their own.

    `earlier`: the deal's stored plans, in any order; the plan itself may be among them. `replaced`: the one in
    whose place it is made, whose paths stay, whatever a plan that was never applied had under them.
    """
    staying = _fixed_by_path([replaced] if replaced else [])
    taken = _fixed_by_path([*earlier, *([replaced] if replaced else [])])

    def path_of(line: BillingLine) -> str:
        fixed = _fixed(content, line)
        own = within_limit(f"{line.path}@{'/'.join(fixed)}")
        if fixed in staying.get(line.path, ()):
            return line.path
        return own if own in staying or taken.get(line.path, set()) - {fixed} else line.path

    def with_path(line: BillingLine) -> BillingLine:
        path = path_of(line)
        return line if path == line.path else changed(line, path=path)

    nodes = [changed(node, lines=tuple(with_path(line) for line in node.lines)) for node in content.nodes]
    return changed(content, nodes=tuple(nodes))


def _fixed_by_path(plans: Sequence[PlanContent]) -> dict[str, set[tuple[str, ...]]]:
    found: dict[str, set[tuple[str, ...]]] = {}
    for plan in plans:
        for _node, line in plan.billing_lines():
            found.setdefault(line.path, set()).add(_fixed(plan, line))
    return found


def _fixed(plan: PlanContent, line: BillingLine) -> tuple[str, ...]:
    """The fields that are set once. A task has its customer from its project, and its price is in the
    company's currency; a line in another currency, or with a date, is an invoice."""
    currency = line.amount.currency
    if line.kind is LineKind.DATED or currency != plan.entity_currency:
        return (plan.customer, plan.erp_company, currency)
    return (plan.erp_company,)
