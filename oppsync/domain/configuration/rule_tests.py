"""The examples of all rules, tried one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from oppsync.domain.configuration.files import FILES, key_in_words
from oppsync.domain.configuration.rule_checks import CONDITIONALS, tried_examples
from oppsync.domain.policy.expressions import BadCondition
from oppsync.domain.policy.messages import BadFact
from oppsync.domain.reference.book import ReferenceRow


class RuleTest(NamedTuple):
    """One example of a row; `example` counts from 1, 0: none of it can be tried. `expected` and `came` are None
    where there is no answer; `why` then says so."""

    file: str
    row: str
    example: int
    expected: bool | None
    came: bool | None
    why: str = ""

    @property
    def is_met(self) -> bool:
        return self.came is not None and self.came is self.expected


def rule_tests(rows: Iterable[ReferenceRow]) -> Iterator[RuleTest]:
    for row in rows:
        if row.kind in CONDITIONALS:
            yield from _of_row(row)


def _of_row(row: ReferenceRow) -> Iterator[RuleTest]:
    file, words = FILES[row.kind].name, f"{key_in_words(row.kind, row.key)} from {row.valid_from}"
    try:
        for number, each in enumerate(tried_examples(row), 1):
            yield RuleTest(file, words, number, each.example.expect, each.holds, each.why)
    except BadCondition as error:
        for problem in error.problems:
            yield RuleTest(file, words, 0, None, None, f"{problem.in_words}. {problem.fix}".strip())
    except BadFact as error:
        yield RuleTest(file, words, 0, None, None, f"{'.'.join(map(str, error.at))}: {error.problem}")
