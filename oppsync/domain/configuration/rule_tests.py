"""The examples of all rules, tried one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from oppsync.domain.configuration.conditionals import CONDITIONALS
from oppsync.domain.configuration.files import FILES, key_in_words
from oppsync.domain.configuration.place_words import place_in_words
from oppsync.domain.configuration.rule_checks import has_condition, tried_examples
from oppsync.domain.policy.effort import Work
from oppsync.domain.policy.expressions import BadCondition
from oppsync.domain.policy.messages import BadFact
from oppsync.domain.reference.book import ReferenceRow
from oppsync.kernel.json_pointer import leaves


class Outcome(StrEnum):
    MET = "met"
    FAILED = "failed"
    UNTESTED = "untested"


class RuleTest(NamedTuple):
    """One example of a row; `example` counts from 1, 0: none of it can be tried, or there is none. `expected`
    and `came` are None where there is no answer; `why` then says so. `outcome`: untested where nothing is wrong
    that anybody could know of. `of`: the row itself. `given`: the facts of the example."""

    file: str
    row: str
    example: int
    expected: bool | None
    came: bool | None
    outcome: Outcome
    why: str = ""
    of: ReferenceRow | None = None
    given: str = ""

    @property
    def condition(self) -> str:
        return str(self.of.value.get("condition") or "") if self.of else ""


_NO_EXAMPLES = "It has no examples, so that nothing shows what it means"
_UNSHOWN = {True: "No example shows when it holds", False: "No example shows when it does not hold"}


def rule_tests(rows: Iterable[ReferenceRow]) -> Iterator[RuleTest]:
    work = Work()
    for row in rows:
        if row.kind in CONDITIONALS:
            for each in _of_row(row, work):
                yield each._replace(of=row, given=_given(row, each.example))


def _of_row(row: ReferenceRow, work: Work) -> Iterator[RuleTest]:
    file, words = FILES[row.kind].name, f"{key_in_words(row.kind, row.key)} from {row.valid_from}"
    try:
        tried = list(tried_examples(row, work))
        for number, each in enumerate(tried, 1):
            outcome = Outcome.MET if each.is_met else Outcome.FAILED
            yield RuleTest(file, words, number, each.example.expect, each.holds, outcome, each.why)
        for missing in _missing(row, [each.example.expect for each in tried]):
            yield RuleTest(file, words, 0, None, None, Outcome.UNTESTED, missing)
    except BadCondition as error:
        for problem in error.problems:
            yield RuleTest(
                file, words, 0, None, None, Outcome.FAILED, f"{problem.in_words}. {problem.fix}".strip()
            )
    except BadFact as error:
        yield RuleTest(
            file, words, 0, None, None, Outcome.FAILED, f"{'.'.join(map(str, error.at))}: {error.problem}"
        )


def _given(row: ReferenceRow, example: int) -> str:
    """Such as `deal.amount 100001`."""
    if not example:
        return ""
    facts = leaves(row.value["examples"][example - 1].get("given") or {})
    places = (
        (place_in_words(at[1:].replace("/", ".")).replace(" > ", "."), value) for at, value in facts if at
    )
    return ", ".join(f"{place} {value}" for place, value in places)


def _missing(row: ReferenceRow, expected: Sequence[bool]) -> Iterator[str]:
    """What examples would show, of a row with a condition."""
    if not has_condition(row):
        return
    if not expected:
        yield _NO_EXAMPLES
        return
    yield from (_UNSHOWN[each] for each in (True, False) if each not in expected)
