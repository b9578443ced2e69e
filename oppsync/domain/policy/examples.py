"""A condition is tried on the examples that its rule gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from oppsync.domain.policy.context import SEEN, SHAPES, VARIABLES, Scope
from oppsync.domain.policy.effort import Work
from oppsync.domain.policy.expressions import (
    BadCondition,
    Compiled,
    ConditionFailed,
    compiled,
    context_of,
    holds,
    scope_of,
)
from oppsync.domain.policy.messages import BadFact
from oppsync.domain.values.condition import Example

CONDITION, EXAMPLES = "condition", "examples"


class Wrong(NamedTuple):
    """`at`: the names on the way to what is wrong in the row."""

    at: tuple[object, ...]
    problem: str
    fix: str = ""


class Tried(NamedTuple):
    """`holds` is None where the condition could not be evaluated; `why` says so."""

    example: Example
    holds: bool | None
    why: str = ""

    @property
    def is_met(self) -> bool:
        return self.holds is self.example.expect


def compile_as(condition: str, scope: Scope | None) -> Compiled:
    """`scope` None: that of the deal, or of its lines where the condition needs them. Raises BadCondition."""
    return compiled(condition, scope or scope_of(condition))


def tried(
    condition: str, examples: Sequence[Example], scope: Scope | None, work: Work | None = None
) -> Iterator[Tried]:
    """`work`: what the examples of all conditions look at together. Raises BadCondition, and BadFact for an
    example that gives what is no fact."""
    used = compile_as(condition, scope)
    for at, example in enumerate(examples):
        if unknown := _unknown(example, used.scope):
            raise BadFact((EXAMPLES, at, "given", *unknown[0]), *unknown[1:])
        try:
            context = context_of(used.scope, example.given, work)
        except BadFact as error:
            raise BadFact((EXAMPLES, at, "given", *error.at), error.problem) from None
        try:
            yield Tried(example, holds(condition, context))
        except ConditionFailed as error:
            yield Tried(example, None, error.why)


def wrong_with(
    condition: str, examples: Sequence[Example], scope: Scope | None, work: Work | None = None
) -> Iterator[Wrong]:
    """Everything that has to be mended before the condition may be used."""
    try:
        found = list(tried(condition, examples, scope, work))
    except BadCondition as error:
        yield from (Wrong((CONDITION,), each.in_words, each.fix) for each in error.problems)
        return
    except BadFact as error:
        yield Wrong(error.at, error.problem, error.fix)
        return
    for at, each in enumerate(found):
        if each.holds is None:
            yield Wrong((EXAMPLES, at), f"the condition cannot be evaluated: {each.why}")
        elif not each.is_met:
            said = "holds" if each.holds else "does not hold"
            yield Wrong((EXAMPLES, at), f"the condition {said} for this example", "Correct one of both")
    for expected, word in ((True, "holds"), (False, "does not hold")):
        if not any(each.example.expect is expected for each in found):
            text = str(expected).lower()
            yield Wrong((EXAMPLES,), f"no example shows when it {word}", f"Give one with `expect: {text}`")


def _unknown(example: Example, scope: Scope) -> tuple[tuple[object, ...], str, str] | None:
    """The first name that is no variable or fact here: its place, the problem and what to do."""
    for name, value in example.given.items():
        if name not in SEEN[scope]:
            return (name,), f"there is no `{name}` here", f"Available here: {', '.join(SEEN[scope])}"
        variable = VARIABLES[name]
        if not isinstance(value, list if variable.many else dict):
            return (name,), "is not a list" if variable.many else "is not a list of names with values", ""
        names = [fact.name for fact in SHAPES[variable.shape]]
        for at, each in enumerate(value if variable.many else [value]):
            place = (name, at) if variable.many else (name,)
            if not isinstance(each, dict):
                return place, "is not a list of names with values", ""
            for field in each:
                if field not in names:
                    shown = f"`{variable.shape.lower()}.{field}`"
                    return (*place, field), f"there is no {shown}", f"Available here: {', '.join(names)}"
    return None
