"""What somebody typed and no field takes, and what is only message because of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.unread import UnreadField
from oppsync.domain.validation.facts import ValidationFacts
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.kernel.json_pointer import is_within

_LINE = re.compile(r"/lines/(\d+)(?=/|$)")
_OF_AMOUNTS = {"AMOUNT_NOT_POSITIVE", "AMOUNT_TOO_FINE", "LINE_NET_MISMATCH", "MONTHS_MISMATCH"}
# Name of the field that could not be read -> what is only message because a default stands in its place.
_CONSEQUENCES: Mapping[str, set[str]] = {
    "quantity": _OF_AMOUNTS,
    "unit_price": _OF_AMOUNTS,
    "discount_percent": {"LINE_NET_MISMATCH"},
    "net": _OF_AMOUNTS | {"TOTAL_MISMATCH", "NON_BILLABLE_AMOUNT", "CREDIT_BY_THE_HOUR"},
    "unit": {"UNIT_NOT_HOURS", "MONTHS_MISMATCH"},
    "percent": {"MILESTONE_PERCENTS", "DEPOSIT_MISSING", "DEPOSIT_PERCENTS"},
    "final_percent": {"DEPOSIT_PERCENTS"},
    "line_id": {"MILESTONE_PERCENTS", "MILESTONES_MISSING"},
    "amount": {"CAP_MISSING"},
    "hours": {"RETAINER_HOURS_MISSING", "RETAINER_INVALID"},
    "rollover_hours": {"RETAINER_INVALID"},
    "planned_hours": {"CAP_NEARLY_REACHED", "BUDGET_HOURS_MISSING", "PLANNED_HOURS_MISSING"},
    "frequency": {"MONTHS_MISMATCH"},
}


def fields_are_readable(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    return _of_unread(opportunity)


def _of_unread(opportunity: Opportunity) -> Iterator[Finding]:
    for field in opportunity.unread:
        whose = _whose(opportunity, field.pointer)
        if field.value:
            message = f"{field.label}{whose} is {field.value!r}; allowed is {field.allowed}"
            fix = f"Correct {field.label}{whose} in the CRM and save it."
            yield finding("FIELD_UNREADABLE", message, path=field.pointer, value=field.value, fix=fix)
        else:
            message = f"{field.label}{whose} is empty; allowed is {field.allowed}"
            yield finding("FIELD_MISSING", message, path=field.pointer)


def without_consequences(findings: Iterable[Finding], opportunity: Opportunity) -> tuple[Finding, ...]:
    """Those that would stand if what could not be read were right."""
    own = set(_of_unread(opportunity))
    return tuple(
        found
        for found in findings
        if found in own or not any(_follows(found, field) for field in opportunity.unread)
    )


def _follows(found: Finding, field: UnreadField) -> bool:
    if is_within(found.path, field.pointer):
        return True
    if found.code not in _CONSEQUENCES.get(field.pointer.rpartition("/")[2], ()):
        return False
    its_line, of_line = _LINE.match(found.path), _LINE.match(field.pointer)
    return its_line is None or of_line is None or its_line[1] == of_line[1]


def _whose(opportunity: Opportunity, pointer: str) -> str:
    found = _LINE.match(pointer)
    return f" of {opportunity.lines[int(found[1])].title}" if found else ""
