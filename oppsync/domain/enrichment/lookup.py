"""Looking reference rows up for a deal: what was used, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TypeVar

from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceUse, reference_key
from oppsync.domain.reference.splitting import SplitRule
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import Frozen

Shape = TypeVar("Shape", bound=Frozen)

# What is missing, in words, and the code of its finding.
MISSING: dict[ReferenceKind, tuple[str, str]] = {
    ReferenceKind.LEGAL_ENTITY: ("LEGAL_ENTITY_UNKNOWN", "No legal entity {key} is known"),
    ReferenceKind.TAX_TREATMENT: ("TAX_TREATMENT_MISSING", "No tax treatment is set for {key}"),
    ReferenceKind.DELIVERY_MODEL: ("DELIVERY_MODEL_UNKNOWN", "No delivery model {key} is known"),
    ReferenceKind.SERVICE_LINE: ("SERVICE_LINE_UNKNOWN", "No service line {key} is known"),
    ReferenceKind.REGION: ("REGION_UNKNOWN", "No region {key} is known"),
    ReferenceKind.COST_CENTRE: ("COST_CENTRE_MISSING", "No cost centre is set for {key}"),
    ReferenceKind.PROJECT_TEMPLATE: ("TEMPLATE_MISSING", "No project template is set for {key}"),
    ReferenceKind.TRANSFER_PRICE: ("TRANSFER_PRICE_MISSING", "No transfer price is set for {key}"),
    ReferenceKind.EXCHANGE_RATE: ("EXCHANGE_RATE_MISSING", "No exchange rate is set for {key}"),
    ReferenceKind.RATE_CARD: ("RATE_MISSING", "The rate card has no rate for {key}"),
}


class Search:
    """Look-ups on one day. Remembers the rows used and, once each, the rows that are not there."""

    def __init__(self, book: ReferenceBook, day: date) -> None:
        self._book = book
        self.day = day
        rules = book.all(SplitRule, ReferenceKind.SPLIT_RULE, day)
        self._rules = {rule.code: (rule, use) for rule, use in rules}
        self._missing: set[tuple[ReferenceKind, str]] = set()
        self.findings: list[Finding] = []
        self.used: dict[tuple[ReferenceKind, str], ReferenceUse] = {}
        self.trail: list[ReferenceUse] = []  # each row found, in the order of the look-ups

    def find(self, shape: type[Shape], kind: ReferenceKind, path: str, *parts: str | None) -> Shape | None:
        """The value under the key made of `parts`. None when a part is (it has its finding already)."""
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        key = reference_key(*known)
        hit = self._book.find(shape, kind, key, self.day)
        if hit is None:
            self._miss(kind, key, path)
            return None
        return self._found(kind, key, *hit)

    def first(self, shape: type[Shape], kind: ReferenceKind, *keys: Sequence[str | None]) -> Shape | None:
        """The value under the first of these keys that has one; that there is none is no finding."""
        for parts in keys:
            known = [part for part in parts if part is not None]
            hit = self._book.find(shape, kind, reference_key(*known), self.day)
            if len(known) == len(parts) and hit is not None:
                return self._found(kind, reference_key(*known), *hit)
        return None

    def split_rules(self) -> Iterator[SplitRule]:
        """All that are valid. One counts as used once `use` says so."""
        return (rule for rule, _use in self._rules.values())

    def use(self, rule: SplitRule) -> None:
        self._found(ReferenceKind.SPLIT_RULE, rule.code, *self._rules[rule.code])

    def uncovered(
        self, kind: ReferenceKind, parts: Sequence[str | None], first: date, last: date
    ) -> date | None:
        """The first day from `first` to `last` on which the key made of `parts` has no row."""
        key = reference_key(*(part for part in parts if part is not None))
        return self._book.uncovered(kind, key, first, last)

    def _found(self, kind: ReferenceKind, key: str, value: Shape, use: ReferenceUse) -> Shape:
        self.used[kind, key] = use
        self.trail.append(use)
        return value

    def _miss(self, kind: ReferenceKind, key: str, path: str) -> None:
        if (kind, key) in self._missing:
            return
        self._missing.add((kind, key))
        self.findings.append(missing_row(kind, key, path, self.day))


def missing_row(kind: ReferenceKind, key: str, path: str, day: date) -> Finding:
    code, said = MISSING[kind]
    words = said.format(key=key.replace("|", ", "))
    return finding(code, f"{words} on {day}", path=path, value=key)
