"""Conditions in CEL: compiled against the facts of `context`, evaluated within limits.

The library checks every name and type when it compiles, looks at no more than 10,000 items of lists in one
evaluation and nests at most 32 deep. Ten thousand times, though, is long for a regular expression, and fills
the memory with texts and lists that are made anew: what does so is left out, and so are lists inside of lists.
The library cannot be stopped, so how much an evaluation looks at is counted before it begins (`effort`).
What goes wrong in an evaluation is either raised or handed back as a value of the type ERROR, so only the truth
value true counts as holding.

Amounts are floats that are only compared: `messages` refuses one that would compare otherwise than its digits
do, and nothing is calculated from them. The library could call Python to compare decimals, and loses some
memory with each such call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import cache, lru_cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple

from cel_expr_python import cel

from oppsync.domain.policy.compile_errors import Problem, place_of, problems
from oppsync.domain.policy.context import SEEN, VARIABLES, Scope
from oppsync.domain.policy.effort import MOST, MOST_AT_ONCE, Effort, Work, effort_of, refused, steps_of
from oppsync.domain.policy.failures import explained
from oppsync.domain.policy.messages import BadFact, facts_of, messages
from oppsync.domain.policy.trees import UNKNOWN_ITEM, asked_for, tree_of, with_unknown
from oppsync.domain.values.condition import LONGEST_CONDITION

# Distinct conditions of all configurations that a process holds at once.
_KEPT = 2_048
_STATUS = re.compile(r"^[A-Z_]+: |(?: \[[A-Z_]+\])?$")
LINE = "line"
_TOO_LONG = "Iteration budget exceeded"
_LEFT_OUT = ("matches", "string", "bytes", "dyn", "type")
_MACROS_LEFT_OUT = ("map", "filter")


class BadCondition(ValueError):
    """The condition cannot be used: `problems` with their places in the text."""

    def __init__(self, found: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(each.problem for each in found))
        self.problems = found


class ConditionFailed(Exception):
    """The condition could not be evaluated for these facts: it neither holds nor does not. `why`: in words."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class TooMuch(ConditionFailed):
    """It was not evaluated, because it would take too long for these facts."""


class Context(NamedTuple):
    """The facts of one deal, one of its lines or its plan, as the library takes them. `unusable`: why no
    condition can be evaluated for them. `unknown`: facts that are there and not known, and why: no condition
    that needs one can be evaluated, while what a deal leaves out is zero. `work`: what was looked at so far,
    together with all that share it."""

    scope: Scope
    facts: Mapping[str, Any]
    work: Work
    unusable: str = ""
    unknown: Mapping[str, str] = MappingProxyType({})

    def with_line(self, values: Mapping[str, Any]) -> Context:
        """Of one line of this deal, whose other facts are not made again."""
        line = context_of_deal(Scope.LINE, {"line": values})
        facts = {name: self.facts[name] for name in SEEN[Scope.LINE] if name in self.facts}
        return Context(
            Scope.LINE, facts | {"line": line.facts.get("line")}, self.work, self.unusable or line.unusable
        )


def context_of(scope: Scope, values: Mapping[str, Any], work: Work | None = None) -> Context:
    """`values`: variable -> its facts by name, a list of them for `lines`. `work`: what is looked at together
    with others. Raises BadFact."""
    missing: dict[str, Any] = {
        name: [] if VARIABLES[name].many else {} for name in SEEN[scope] if name not in values
    }
    return Context(scope, facts_of(missing | dict(values)), work or Work())


def context_of_deal(scope: Scope, values: Mapping[str, Any]) -> Context:
    """As `context_of`, of what a CRM states: that may be no fact."""
    try:
        return context_of(scope, values)
    except BadFact as error:
        return Context(scope, {}, Work(), f"{'.'.join(map(str, error.at))}: {error.problem}")


class Compiled(NamedTuple):
    expression: Any
    scope: Scope
    effort: Effort

    def holds(self, context: Context) -> bool:
        """Raises ConditionFailed."""
        if context.unusable:
            raise ConditionFailed(context.unusable)
        _count(steps_of(self.effort, context.facts), context.work)
        try:
            found = self.expression.eval(data=context.facts)
            kind, value = found.type(), found.value()
        except Exception as error:  # the library raises RuntimeError, and whatever a function here raises
            raise ConditionFailed(_why(error)) from None
        if kind != cel.Type.BOOL:
            raise ConditionFailed(_why(value))
        return value is True


def _count(steps: int, work: Work) -> None:
    """Raises TooMuch."""
    if steps > MOST_AT_ONCE:
        raise TooMuch("it looks at too much: ask for less, or make two rules of it")
    if work.steps + steps > MOST:
        raise TooMuch("all conditions together look at too much: this one is not asked any more")
    work.steps += steps


def holds(condition: str, context: Context) -> bool:
    """Whether the condition holds for these facts. Raises ConditionFailed where it cannot be said, also for a
    condition that does not compile: what is stored was checked, perhaps by another release."""
    try:
        return _used(condition, context).holds(context)
    except BadCondition as error:
        raise ConditionFailed("; ".join(each.in_words for each in error.problems)) from None
    except TooMuch:
        raise
    except ConditionFailed as error:
        if context.unusable:
            raise
        if str(UNKNOWN_ITEM) in error.why:
            raise ConditionFailed(_unknown(condition, context)) from None
        raise ConditionFailed(
            explained(condition, context.facts, error.why, partial(_fails, context))
        ) from None


def _used(condition: str, context: Context) -> Compiled:
    """Raises BadCondition."""
    if not context.unknown:
        return compiled(condition, context.scope)
    return _without(condition, context.scope, frozenset(map(_of_shape, context.unknown)))


@lru_cache(maxsize=_KEPT)
def _without(condition: str, scope: Scope, facts: frozenset[str]) -> Compiled:
    """The condition for a deal of which these facts are not known."""
    whole = compiled(condition, scope)
    if not any(asked_for(whole.expression, facts)):
        return whole
    return whole._replace(expression=_environment(scope).deserialize(with_unknown(whole.expression, facts)))


def _unknown(condition: str, context: Context) -> str:
    """Where the condition first asks for a fact that is not known, and why it is not."""
    facts = {_of_shape(name): name for name in context.unknown}
    at, fact = min(asked_for(compiled(condition, context.scope).expression, facts))
    return f"{place_of(condition, at)}: {facts[fact]}: {context.unknown[facts[fact]]}"


def _of_shape(name: str) -> str:
    """`Plan.total` for `plan.total`."""
    variable, _, field = name.partition(".")
    return f"{VARIABLES[variable].shape}.{field}"


def _fails(context: Context, part: str) -> bool:
    """Whether this part of a condition cannot be evaluated by itself; not one that is no condition."""
    try:
        compiled(part, context.scope).holds(context)
    except (BadCondition, TooMuch):
        return False
    except ConditionFailed:
        return True
    return False


def scope_of(condition: str) -> Scope:
    """Whether it is about the deal or about each of its lines: a condition is about lines if it needs `line`.
    Raises BadCondition."""
    try:
        return compiled(condition, Scope.DEAL).scope
    except BadCondition as of_deal:
        if not any(each.lacks == LINE for each in of_deal.problems):
            raise
    return compiled(condition, Scope.LINE).scope


@lru_cache(maxsize=_KEPT)
def compiled(condition: str, scope: Scope) -> Compiled:
    """Raises BadCondition."""
    if len(condition) > LONGEST_CONDITION:
        raise BadCondition((Problem("", f"it is longer than {LONGEST_CONDITION} characters"),))
    if not condition.isascii() and condition.encode(errors="replace").decode() != condition:
        raise BadCondition((Problem("", "it has half of a character"),))
    try:
        expression = _environment(scope).compile(condition)
    except RuntimeError as error:
        raise BadCondition(problems(str(error), scope, condition)) from None
    if expression.return_type() != cel.Type.BOOL:
        fix = "Compare it with something, such as `deal.amount > 1000`"
        raise BadCondition((Problem("", "it is neither true nor false", fix),))
    tree = tree_of(expression)
    if found := refused(tree):
        raise BadCondition((Problem("", *found),))
    return Compiled(expression, scope, effort_of(tree))


def _why(error: object) -> str:
    text = str(error)
    if _TOO_LONG in text:
        return "it looks at more than 10,000 items"
    return _STATUS.sub("", text).partition("\n")[0]


@cache
def _environment(scope: Scope) -> Any:
    """What the library has, less what is left out, and some of that declared anew: numbers compare with whole
    numbers, and what is calculated is whole."""
    functions = "".join(f'    - name: "{name}"\n' for name in (*_DECLARED_ANEW, *_LEFT_OUT))
    macros = "".join(f"    - {name}\n" for name in _MACROS_LEFT_OUT)
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(
            f"stdlib:\n  exclude_macros:\n{macros}  exclude_functions:\n{functions}"
        ),
        descriptor_pool=messages().pool,
        variables={name: _type_of(name) for name in SEEN[scope]},
        functions=[*(_declared(*each) for each in _DECLARED_ANEW.items()), _day_function()],
    )


def _type_of(name: str) -> Any:
    variable = VARIABLES[name]
    shape = cel.Type(variable.shape)
    return cel.Type.List(shape) if variable.many else shape


def _compared(word: str) -> Mapping[str, Sequence[Any]]:
    of = cel.Type
    types = {
        "bool": (of.BOOL, of.BOOL),
        "int64": (of.INT, of.INT),
        "uint64": (of.UINT, of.UINT),
        "double": (of.DOUBLE, of.DOUBLE),
        "string": (of.STRING, of.STRING),
        "timestamp": (of.TIMESTAMP, of.TIMESTAMP),
        "duration": (of.DURATION, of.DURATION),
        "double_int64": (of.DOUBLE, of.INT),
        "int64_double": (of.INT, of.DOUBLE),
    }
    return {f"{word}_{name}": (*given, of.BOOL) for name, given in types.items()}


# Operator -> its overloads by the names under which the library has its own code: types taken, type returned.
_DECLARED_ANEW: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "_<_": _compared("less"),
    "_<=_": _compared("less_equals"),
    "_>_": _compared("greater"),
    "_>=_": _compared("greater_equals"),
    "_+_": {
        "add_int64": (cel.Type.INT, cel.Type.INT, cel.Type.INT),
        "add_timestamp_duration": (cel.Type.TIMESTAMP, cel.Type.DURATION, cel.Type.TIMESTAMP),
    },
    "_-_": {
        "subtract_int64": (cel.Type.INT, cel.Type.INT, cel.Type.INT),
        "subtract_timestamp_timestamp": (cel.Type.TIMESTAMP, cel.Type.TIMESTAMP, cel.Type.DURATION),
        "subtract_timestamp_duration": (cel.Type.TIMESTAMP, cel.Type.DURATION, cel.Type.TIMESTAMP),
    },
    "_*_": {"multiply_int64": (cel.Type.INT, cel.Type.INT, cel.Type.INT)},
    "_/_": {"divide_int64": (cel.Type.INT, cel.Type.INT, cel.Type.INT)},
}


def _declared(name: str, overloads: Mapping[str, Sequence[Any]]) -> Any:
    return cel.FunctionDecl(
        name, [cel.Overload(each, returns, given, False) for each, (*given, returns) in overloads.items()]
    )


def _day_function() -> Any:
    def day(written: str) -> datetime:
        return datetime.combine(date.fromisoformat(written), time.min, UTC)

    overload = cel.Overload("day_string", cel.Type.TIMESTAMP, [cel.Type.STRING], False, impl=day)
    return cel.FunctionDecl("day", [overload])
