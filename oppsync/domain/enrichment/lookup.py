"""Look up reference rows for a deal: remembers which were used and which are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cached_property, partial

from oppsync.domain.catalog import CATALOG
from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.reading import FieldOfCrm, some_of, takes
from oppsync.domain.reference.book import ReferenceBook, ReferenceKind, ReferenceUse, Shape, reference_key
from oppsync.domain.reference.splitting import SplitRule
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import require

# Kinds whose keys people choose in the CRM: what else could be chosen stands in the finding.
CHOSEN_IN_THE_CRM = frozenset(
    {
        ReferenceKind.LEGAL_ENTITY,
        ReferenceKind.SERVICE_LINE,
        ReferenceKind.REGION,
        ReferenceKind.DELIVERY_MODEL,
    }
)


class Lookup:
    """Look-ups on one day. Remembers the rows used, and makes one finding for each missing row."""

    def __init__(
        self, book: ReferenceBook, day: date, field_at: Callable[[str], FieldOfCrm] = field_words
    ) -> None:
        """`field_at`: what the CRM calls the field of a place in the deal."""
        self._book, self._field_at = book, field_at
        self.day = day
        self._missing: set[tuple[ReferenceKind, str]] = set()
        self.findings: list[Finding] = []
        self.used: dict[tuple[ReferenceKind, str], ReferenceUse] = {}
        self.trail: list[ReferenceUse] = []  # each row found, in the order of the look-ups

    def find(self, shape: type[Shape], kind: ReferenceKind, path: str, *parts: str | None) -> Shape | None:
        """The value under the key made of `parts`; None when a part is None, which has a finding of its
        own."""
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        key = reference_key(*known)
        hit = self._book.find(shape, kind, key, self.day)
        if hit is None:
            self._miss(kind, key, path, choices=partial(self._choices, kind, known))
            return None
        return self._found(kind, key, *hit)

    def expect(self, kind: ReferenceKind, path: str, key: str | None) -> None:
        """Make a finding where the key has no row. A row that it has does not count as used."""
        if key is not None and self._book.row(kind, key, self.day) is None:
            self._miss(kind, key, path, choices=partial(self._choices, kind, [key]))

    def by_code(
        self, shape: type[Shape], kind: ReferenceKind, path: str, code: str, under: str = ""
    ) -> Shape | None:
        """The value of this code, among the keys that begin with the part `under`."""
        codes = []
        for value, use in self._book.all(shape, kind, self.day):
            if under and not use.key.startswith(f"{under}|"):
                continue
            if getattr(value, "code", None) == code:
                return self._found(kind, use.key, value, use)
            codes.append(getattr(value, "code", ""))
        whose = f" for {under}" if under else ""
        words = f"No {kind.replace('_', ' ')} {code} is known{whose}"
        key = reference_key(under, code) if under else code
        self._miss(kind, key, path, words, choices=lambda: sorted(set(codes)))
        return None

    def first(self, shape: type[Shape], kind: ReferenceKind, *keys: Sequence[str | None]) -> Shape | None:
        """The value under the first of these keys that has one; None, without a finding, when none has."""
        for parts in keys:
            known = [part for part in parts if part is not None]
            hit = self._book.find(shape, kind, reference_key(*known), self.day)
            if len(known) == len(parts) and hit is not None:
                return self._found(kind, reference_key(*known), *hit)
        return None

    @cached_property
    def _rules(self) -> dict[str, tuple[SplitRule, ReferenceUse]]:
        rules = self._book.all(SplitRule, ReferenceKind.SPLIT_RULE, self.day)
        return {rule.code: (rule, use) for rule, use in rules}

    def split_rules(self) -> Iterator[SplitRule]:
        """All rules that are valid. A rule counts as used once it is given to `use`."""
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

    def _choices(self, kind: ReferenceKind, parts: Sequence[str]) -> Sequence[str] | None:
        """List what people can choose in the place of what has no row; None where they choose nothing."""
        if kind in CHOSEN_IN_THE_CRM:
            return self._book.keys(kind, self.day)
        if kind is not ReferenceKind.RATE_CARD:
            return None
        region, _, currency = parts
        cards = (key.split("|") for key in self._book.keys(kind, self.day))
        return [role for where, role, of in (card[-3:] for card in cards) if (where, of) == (region, currency)]

    def _miss(
        self,
        kind: ReferenceKind,
        key: str,
        path: str,
        words: str | None = None,
        *,
        choices: Callable[[], Sequence[str] | None],
    ) -> None:
        if (kind, key) in self._missing:
            return
        self._missing.add((kind, key))
        also = self._also(path, choices())
        self.findings.append(missing_row(kind, key, path, self.day, words, also=also))

    def _also(self, path: str, known: Sequence[str] | None) -> str:
        """Name the field that a person corrects, and what it takes. A whole line is no field: another row names
        the one that is missing."""
        if known is None:
            return ""
        if path.rpartition("/")[2].isdigit():
            return f"; known are {some_of(known)}" if known else ""
        return takes(self._field_at(path), known)


def missing_row(
    kind: ReferenceKind, key: str, path: str, day: date, words: str | None = None, *, also: str = ""
) -> Finding:
    """The finding for a missing row; `words` replace the catalog's, `also` ends the message.

    Raises ValueError for a kind that no deal needs: a bug."""
    row = CATALOG[kind]
    text = words or row.words.format(key=key.replace("|", ", "))
    code = require(row.code, f"the code of a missing {kind}")
    return finding(code, f"{text} on {day}{also}", path=path, value=key)
