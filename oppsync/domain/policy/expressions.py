"""Conditions in CEL: compiled against the facts of `context`, evaluated within limits.

The library checks every name and type when it compiles, looks at no more than 10,000 items of lists in one
evaluation and nests at most 32 deep. Ten thousand times, though, is long for a regular expression, and fills
the memory with texts and lists that are made anew: what does so is left out, and so are lists inside of lists.
What goes wrong in an evaluation is either raised or handed back as a value of the type ERROR, so only the truth
value true counts as holding.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple

from cel_expr_python import cel

from oppsync.domain.policy.compile_errors import Problem, problems
from oppsync.domain.policy.context import SEEN, VARIABLES, Scope
from oppsync.domain.policy.loops import has_loop_in_loop
from oppsync.domain.policy.messages import MONEY, facts_of, figure_of, messages, money_message
from oppsync.domain.values.condition import LONGEST_CONDITION
from oppsync.domain.values.money import current_currencies, why_not_current

# Distinct conditions of all configurations that a process holds at once.
_KEPT = 2_048
_STATUS = re.compile(r"^[A-Z_]+: |(?: \[[A-Z_]+\])?$")
_TOO_LONG = "Iteration budget exceeded"
_LEFT_OUT = ("_+_", "matches", "string", "bytes", "dyn", "type")
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


class Context(NamedTuple):
    """The facts of one deal, one of its lines or its plan, as the library takes them."""

    scope: Scope
    facts: Mapping[str, Any]


def context_of(scope: Scope, values: Mapping[str, Any]) -> Context:
    """`values`: variable -> its facts by name, a list of them for `lines`. Raises BadFact."""
    missing: dict[str, Any] = {
        name: [] if VARIABLES[name].many else {} for name in SEEN[scope] if name not in values
    }
    return Context(scope, facts_of(missing | dict(values)))


class Compiled(NamedTuple):
    expression: Any
    scope: Scope

    def holds(self, context: Context) -> bool:
        """Raises ConditionFailed."""
        try:
            found = self.expression.eval(data=context.facts)
            kind, value = found.type(), found.value()
        except Exception as error:  # the library raises RuntimeError, and whatever a function here raises
            raise ConditionFailed(_why(error)) from None
        if kind != cel.Type.BOOL:
            raise ConditionFailed(_why(value))
        return value is True


def holds(condition: str, context: Context) -> bool:
    """Whether the condition holds for these facts. Raises ConditionFailed where it cannot be said, also for a
    condition that does not compile: what is stored was checked, perhaps by another release."""
    try:
        return compiled(condition, context.scope).holds(context)
    except BadCondition as error:
        raise ConditionFailed(str(error)) from None


def scope_of(condition: str) -> Scope:
    """Whether it is about the deal or about each of its lines: a condition is about lines if it needs `line`.
    Raises BadCondition."""
    try:
        return compiled(condition, Scope.DEAL).scope
    except BadCondition:
        return compiled(condition, Scope.LINE).scope


@lru_cache(maxsize=_KEPT)
def compiled(condition: str, scope: Scope) -> Compiled:
    """Raises BadCondition."""
    if len(condition) > LONGEST_CONDITION:
        raise BadCondition((Problem("", f"it is longer than {LONGEST_CONDITION} characters"),))
    if not condition.isascii() and condition.encode(errors="replace").decode() != condition:
        raise BadCondition((Problem("", "it has half of a character"),))
    if has_loop_in_loop(condition):
        raise BadCondition((Problem("", "it has one list inside another", "Ask for one list after the other"),))
    try:
        expression = _environment(scope).compile(condition)
    except RuntimeError as error:
        raise BadCondition(problems(str(error), scope)) from None
    if expression.return_type() != cel.Type.BOOL:
        fix = "Compare it with something, such as `deal.amount > 1000`"
        raise BadCondition((Problem("", "it is neither true nor false", fix),))
    return Compiled(expression, scope)


def _why(error: object) -> str:
    text = str(error)
    if _TOO_LONG in text:
        return "it looks at more than 10,000 items"
    return _STATUS.sub("", text).partition("\n")[0]


@cache
def _environment(scope: Scope) -> Any:
    """The library's own comparisons are declared anew together with those of money, its sums without those of
    texts and lists."""
    functions = "".join(f'    - name: "{name}"\n' for name in (*_COMPARISONS, *_LEFT_OUT))
    macros = "".join(f"    - {name}\n" for name in _MACROS_LEFT_OUT)
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(
            f"stdlib:\n  exclude_macros:\n{macros}  exclude_functions:\n{functions}"
        ),
        descriptor_pool=messages().pool,
        variables={name: _type_of(name) for name in SEEN[scope]},
        functions=[
            *(_comparison(*each) for each in _COMPARISONS.items()),
            _sum_function(),
            _money_function(),
            _day_function(),
        ],
    )


def _type_of(name: str) -> Any:
    variable = VARIABLES[name]
    shape = cel.Type(variable.shape)
    return cel.Type.List(shape) if variable.many else shape


class _Comparison(NamedTuple):
    word: str
    compare: Callable[[Any, Any], bool]


_COMPARISONS: Mapping[str, _Comparison] = {
    "_<_": _Comparison("less", operator.lt),
    "_<=_": _Comparison("less_equals", operator.le),
    "_>_": _Comparison("greater", operator.gt),
    "_>=_": _Comparison("greater_equals", operator.ge),
}


def _comparison(symbol: str, comparison: _Comparison) -> Any:
    of = cel.Type
    money = of(MONEY)
    # The library finds its own code by these names.
    own = {
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
    of_money = {
        "money": (money, money),
        "money_int64": (money, of.INT),
        "money_double": (money, of.DOUBLE),
        "int64_money": (of.INT, money),
        "double_money": (of.DOUBLE, money),
    }

    def compare(one: Any, other: Any) -> bool:
        return comparison.compare(*_comparable(one, other))

    overloads = [_overload(f"{comparison.word}_{name}", of.BOOL, types) for name, types in own.items()]
    overloads += [
        _overload(f"{comparison.word}_{name}", of.BOOL, types, compare) for name, types in of_money.items()
    ]
    return cel.FunctionDecl(symbol, overloads)


def _overload(
    name: str, returns: Any, types: Sequence[Any], implementation: Callable[..., Any] | None = None
) -> Any:
    if implementation is None:
        return cel.Overload(name, returns, list(types), False)
    return cel.Overload(name, returns, list(types), False, impl=implementation)


def _comparable(one: Any, other: Any) -> tuple[Decimal, Decimal]:
    """The figures of two amounts. A plain number is of the other's currency."""
    currencies = {each.currency for each in (one, other) if not isinstance(each, int | float) and each.currency}
    if len(currencies) > 1:
        raise ValueError(f"{' and '.join(sorted(currencies))} cannot be compared")
    return _figure(one), _figure(other)


def _figure(amount: Any) -> Decimal:
    # The shortest text of a float is the number as people wrote it: 0.1 and not 0.1000000000000000055.
    return Decimal(repr(amount)) if isinstance(amount, int | float) else figure_of(amount)


def _sum_function() -> Any:
    of = cel.Type
    types = {
        "int64": (of.INT, of.INT, of.INT),
        "double": (of.DOUBLE, of.DOUBLE, of.DOUBLE),
        "timestamp_duration": (of.TIMESTAMP, of.DURATION, of.TIMESTAMP),
    }
    overloads = [_overload(f"add_{name}", returns, given) for name, (*given, returns) in types.items()]
    return cel.FunctionDecl("_+_", overloads)


def _money_function() -> Any:
    of = cel.Type

    def money(figure: float, currency: str) -> Any:
        if currency not in current_currencies():
            raise ValueError(f"{currency!r} {why_not_current(currency)}")
        return money_message(_figure(figure), currency)

    types = {"int64": (of.INT, of.STRING), "double": (of.DOUBLE, of.STRING)}
    overloads = [_overload(f"money_{name}", of(MONEY), each, money) for name, each in types.items()]
    return cel.FunctionDecl("money", overloads)


def _day_function() -> Any:
    def day(written: str) -> datetime:
        return datetime.combine(date.fromisoformat(written), time.min, UTC)

    return cel.FunctionDecl("day", [_overload("day_string", cel.Type.TIMESTAMP, (cel.Type.STRING,), day)])
