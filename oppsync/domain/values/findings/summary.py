"""The same fault on many lines is one finding: people mend it once, and see what else there is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import changed

# Fewer are listed one by one.
_MANY = 4
_NAMED = 3
_LONGEST, _LONGEST_NAMED = 2_000, 600
# Their value is the rule: two rules are no fault of one kind.
_OF_RULES = frozenset({"RULE_BLOCKS", "RULE_WARNS", "RULE_FAILED"})
_LINE = re.compile(r"^/lines/\d+")


def summed_up(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """In their order; many of one kind stand where the first of them stood."""
    alike: dict[object, list[Finding]] = {}
    for found in findings:
        alike.setdefault(_kind(found), []).append(found)
    return tuple(found for each in alike.values() for found in ((_one(each),) if len(each) >= _MANY else each))


def _kind(found: Finding) -> object:
    """Return what two findings share when they are the same fault of two lines. One that is of no line is like
    no other."""
    if not _LINE.match(found.path):
        return found
    rule = found.value if found.code in _OF_RULES else None
    return found.code, found.severity, found.owner, _LINE.sub("", found.path), rule


def _one(findings: list[Finding]) -> Finding:
    messages = list(dict.fromkeys(each.message for each in findings))
    values = list(dict.fromkeys(each.value for each in findings if each.value))
    more = f"; and {len(messages) - _NAMED} more" if len(messages) > _NAMED else ""
    listed = "; ".join(message[:_LONGEST_NAMED] for message in messages[:_NAMED])
    fixes = {each.fix for each in findings}
    return changed(
        findings[0],
        path="/lines",
        value=", ".join([*values[:_NAMED], *["..."] * (len(values) > _NAMED)])[:_LONGEST],
        message=f"{len(findings)} lines: {listed}{more}",
        fix=fixes.pop() if len(fixes) == 1 else CODES[findings[0].code].fix,
    )
