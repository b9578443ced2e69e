"""What is wrong with the conditions of a bundle's rows: each has to compile and to do what its examples say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, groupby
from typing import Protocol, runtime_checkable

from oppsync.domain.configuration.bundle import read_value
from oppsync.domain.configuration.conditionals import CONDITIONALS, rule_in_words, scope_of_row
from oppsync.domain.configuration.faults import Fault
from oppsync.domain.configuration.records import PlacedRow
from oppsync.domain.policy.context import Scope, fact
from oppsync.domain.policy.effort import Work
from oppsync.domain.policy.examples import Tried, Wrong, tried, wrong_with
from oppsync.domain.policy.expressions import BadCondition, scope_of
from oppsync.domain.policy.rule import Rule, name_of
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.condition import Example


def wrong_rules(rows: Sequence[PlacedRow]) -> Iterator[Fault]:
    work = Work()
    for each in rows:
        if each.row.kind in CONDITIONALS:
            for wrong in (*_of_condition(each.row, work), *_of_rule(each.row)):
                yield each.place.fault(wrong.at, f"{rule_in_words(each.row.key)}: {wrong.problem}", wrong.fix)
    yield from _ambiguous([each for each in rows if each.row.kind is ReferenceKind.RULE])


def tried_examples(row: ReferenceRow, work: Work) -> Iterator[Tried]:
    """What the condition of a row makes of each of its examples; nothing for a row without a condition. `work`:
    of all rows. Raises BadCondition and BadFact, which the checks of a bundle refuse."""
    value = _conditional(row)
    if value is None or value.condition is None:
        return iter(())
    return tried(value.condition, value.examples, _scope(row), work)


def has_condition(row: ReferenceRow) -> bool:
    value = _conditional(row)
    return value is not None and value.condition is not None


@runtime_checkable
class Conditional(Protocol):
    """What rows of these kinds have."""

    condition: str | None
    examples: tuple[Example, ...]


def _conditional(row: ReferenceRow) -> Conditional | None:
    """None for a row that this release cannot read."""
    value = read_value(row) if row.kind in CONDITIONALS else None
    return value if isinstance(value, Conditional) else None


def _of_condition(row: ReferenceRow, work: Work) -> Iterator[Wrong]:
    value = _conditional(row)
    if value is None:
        return
    if value.condition is not None:
        yield from wrong_with(value.condition, value.examples, _scope(row), work)
    elif value.examples:
        yield Wrong(("examples",), "are of no condition", "Give the `condition`, or leave them out")


def _scope(row: ReferenceRow) -> Scope | None:
    return scope_of_row(row.kind, row.value)


def _of_rule(row: ReferenceRow) -> Iterator[Wrong]:
    rule = _conditional(row)
    if not isinstance(rule, Rule):
        return
    if name_of(row.key) != row.key and not rule.narrowness:
        yield Wrong(("overlay",), "holds everywhere, as the rule itself", "Give `regions` or `entities`")
    if rule.field is None:
        return
    try:
        scope = scope_of(rule.condition)
    except BadCondition:  # told already
        return
    about = fact(rule.field, scope)
    if about is None or not about.place:
        known = "Write it as in conditions, such as deal.po_number"
        yield Wrong(("field",), f"there is no field {rule.field!r} of the {scope} in the CRM", known)


def _ambiguous(rows: Sequence[PlacedRow]) -> Iterator[Fault]:
    """Of two rules of one name that are equally narrow nobody could say which holds for a deal."""
    by_name = sorted(rows, key=lambda each: name_of(each.row.key))
    for name, group in groupby(by_name, lambda each: name_of(each.row.key)):
        for one, other in combinations(group, 2):
            if one.row.key != other.row.key and _meet(one.row, other.row):
                problem = f"another rule {name} holds for the same places"
                yield other.place.fault(["overlay"], problem, "Name other regions or entities")


def _meet(one: ReferenceRow, other: ReferenceRow) -> bool:
    """Whether both hold for some deal, and equally narrowly."""
    first, second = _conditional(one), _conditional(other)
    return (
        isinstance(first, Rule)
        and isinstance(second, Rule)
        and first.narrowness == second.narrowness
        and _overlap(first.entities, second.entities)
        and _overlap(first.regions, second.regions)
        and (one.valid_to is None or other.valid_from < one.valid_to)
        and (other.valid_to is None or one.valid_from < other.valid_to)
    )


def _overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    return not (one and other) or not set(one).isdisjoint(other)
