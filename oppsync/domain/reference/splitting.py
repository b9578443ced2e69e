"""Split rules: data that says which lines of a deal become which workstreams.

The first rule whose conditions all hold takes the line. It may group lines by attributes, or spread each over
phases, or both; a rule with neither, like no rule at all, makes one workstream of each line. A workstream has
one billing model, service line and delivery region, because these decide its billing, template and cost
centre: every group is therefore by these too. Compare NetSuite SuiteProjects (one project from a sales order,
or one for each line) and Dynamics 365 Project Operations (contract lines mapped to projects).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from pydantic import field_validator

from oppsync.domain.deal.opportunity import OpportunityLine
from oppsync.domain.values.condition import Condition, Example
from oppsync.domain.values.keys import slug
from oppsync.domain.values.model import Code, Frozen, Quantity, Text, omitted_at
from oppsync.domain.values.percentages import why_not_whole
from oppsync.kernel import canonical_json

_LONGEST_PART = 40
# Leaves room in a `Code` for a phase and the rest of a path after the key.
_LONGEST_KEY = 80
_PLAIN_VALUE = re.compile(r"[\w\s-]+")


class LineAttribute(StrEnum):
    """The attributes of a line that rules may test. Service line, region and legal entity are codes of the
    reference data; product family and phase are the CRM's own values."""

    PRODUCT_FAMILY = "product_family"
    SERVICE_LINE = "service_line"
    DELIVERY_REGION = "delivery_region"
    LEGAL_ENTITY = "legal_entity"
    PHASE = "phase"
    BILLING_MODEL = "billing_model"


ALWAYS_BY = (LineAttribute.SERVICE_LINE, LineAttribute.DELIVERY_REGION, LineAttribute.BILLING_MODEL)

# The values that rules see of one line; None where it has none.
LineFacts = Mapping[LineAttribute, str | None]


class SplitPhase(Frozen):
    """`percent` of money, hours and days. `code` is part of the workstream's key: never change it."""

    code: Code
    name: Text
    percent: Quantity


class SplitRule(Frozen):
    """Key: its own code, which is part of the workstreams' keys. Rules are asked by `order`, then code.

    `when`: attribute -> the values it may have; capital letters do not count. The `condition`, in CEL, has to
    hold besides; `examples` show what it means. `phases` follow one another, their percents sum to 100.
    `delivery_entity` does the work, whoever sells it.
    """

    code: Code
    order: int
    when: dict[LineAttribute, tuple[Code, ...]] = {}
    group_by: tuple[LineAttribute, ...] = ()
    phases: tuple[SplitPhase, ...] = ()
    delivery_entity: Code | None = None
    condition: Condition | None = omitted_at(None)
    examples: tuple[Example, ...] = omitted_at(())

    @field_validator("phases")
    @classmethod
    def _whole(cls, phases: tuple[SplitPhase, ...]) -> tuple[SplitPhase, ...]:
        if phases and (wrong := why_not_whole([phase.percent for phase in phases])):
            raise ValueError(f"the percents of phases are {wrong}")
        if len({phase.code for phase in phases}) < len(phases):
            raise ValueError("two phases have the same code")
        return phases

    def takes(self, line: LineFacts) -> bool:
        """Whether every condition holds. A condition on an attribute without a value does not hold."""
        return all(
            (line[attribute] or "").casefold() in {value.casefold() for value in values}
            for attribute, values in self.when.items()
        )

    def base_key(self, line_id: str, line: LineFacts) -> str:
        """The CRM's line id, or the rule's code with the group's values. It does not depend on any other
        line."""
        if not self.group_by:
            return f"{key_part(self.code)}.{line_id}" if self.phases else line_id
        values = [line[each] for each in dict.fromkeys([*self.group_by, *ALWAYS_BY])]
        key = ".".join(key_part(value) for value in [self.code, *values])
        if len(key) <= _LONGEST_KEY:
            return key
        digest = canonical_json.digest([value and value.casefold() for value in values])
        return f"{key_part(self.code)}.{digest[:16]}"

    def group_name(self, line: LineFacts) -> str:
        """The values it is grouped by, for people."""
        return ", ".join(line[each] or f"no {each.replace('_', ' ')}" for each in self.group_by)


def first_that_takes(
    rules: Iterable[SplitRule], line: LineFacts, condition_holds: Callable[[str], bool]
) -> SplitRule | None:
    """The first rule that takes the line; None when the line is a workstream of its own. A rule's condition is
    asked only where everything else holds."""
    ordered = sorted(rules, key=lambda rule: (rule.order, rule.code))
    takers = (rule for rule in ordered if rule.takes(line))
    return next((each for each in takers if each.condition is None or condition_holds(each.condition)), None)


def line_facts(
    line: OpportunityLine, legal_entity: str, service_line: str, region: str, billing_model: str
) -> dict[LineAttribute, str | None]:
    return {
        LineAttribute.PRODUCT_FAMILY: line.product_family,
        LineAttribute.SERVICE_LINE: service_line,
        LineAttribute.DELIVERY_REGION: region,
        LineAttribute.LEGAL_ENTITY: legal_entity,
        LineAttribute.PHASE: line.phase,
        LineAttribute.BILLING_MODEL: billing_model,
    }


def key_part(value: str | None) -> str:
    """A value inside a key: its slug, with a digest where the slug alone would be the same for `C#` and
    `C++`."""
    if value is None:
        return "_"
    short = slug(value)
    if _PLAIN_VALUE.fullmatch(value) and 0 < len(short) <= _LONGEST_PART:
        return short
    return f"{short[:_LONGEST_PART]}-{canonical_json.digest(value.casefold())[:8]}"
