"""The rows that may have a condition, and what is wrong with that of a row which cannot be read as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from oppsync.domain.configuration.bundle import in_order
from oppsync.domain.policy.context import Scope
from oppsync.domain.policy.effort import Work
from oppsync.domain.policy.examples import CONDITION, EXAMPLES, Wrong, compile_as, wrong_with
from oppsync.domain.policy.expressions import BadCondition
from oppsync.domain.policy.rule import RuleStage
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.condition import Condition, Example
from oppsync.kernel import canonical_json

# The kinds of rows that may have a condition, and what it is about; None: the deal, or a line if it needs one.
CONDITIONALS: Mapping[ReferenceKind, Scope | None] = {
    ReferenceKind.RULE: None,
    ReferenceKind.SPLIT_RULE: Scope.LINE,
    ReferenceKind.APPROVAL_RULE: Scope.PLAN,
    ReferenceKind.APPROVAL_STEP: Scope.PLAN,
}
_T = TypeVar("_T")
_CONDITION: TypeAdapter[str] = TypeAdapter(Condition)
_EXAMPLES: TypeAdapter[tuple[Example, ...]] = TypeAdapter(tuple[Example, ...])


def scope_of_row(kind: ReferenceKind, values: Mapping[str, Any]) -> Scope | None:
    """What fills fields of the deal sees none of its lines alone."""
    fills = kind is ReferenceKind.RULE and values.get("on") == RuleStage.ENRICHMENT
    return Scope.DEAL if fills else CONDITIONALS[kind]


def rule_in_words(key: str) -> str:
    return f"rule {key.replace('|', ', overlay ')}"


def wrong_conditions(kind: ReferenceKind, values: Mapping[str, Any], work: Work) -> Iterator[Wrong]:
    """Of a record that is no row. Nothing is said of a condition or of examples that cannot be read themselves:
    that was told."""
    condition = _read(_CONDITION, values.get(CONDITION)) if kind in CONDITIONALS else None
    if condition is None:
        return
    scope, examples = scope_of_row(kind, values), _read(_EXAMPLES, values.get(EXAMPLES, []))
    if examples is not None:
        yield from wrong_with(condition, examples, scope, work)
        return
    try:
        compile_as(condition, scope)
    except BadCondition as error:
        yield from (Wrong((CONDITION,), each.in_words, each.fix) for each in error.problems)


def _read(shape: TypeAdapter[_T], value: Any) -> _T | None:
    try:
        return shape.validate_json(canonical_json.dumps(in_order(value)), strict=True)
    except ValidationError:
        return None
