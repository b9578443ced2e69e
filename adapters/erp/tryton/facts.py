"""What Tryton knows: as the memory has it where this is young enough, or else as Tryton says when it is asked.

Needed because on SQLite Tryton accepts an id that does not exist. Only what is there is believed from memory:
what is missing, or would stop a deal, is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TypeVar

from adapters.erp.tryton import wire
from adapters.erp.tryton.client import TrytonClient
from adapters.erp.tryton.sources import SOURCES, Domain, Source, source_of
from oppsync.domain.master_data.rows import Company, MasterKey, MasterKind, MasterPage, MasterRow, key_of
from oppsync.kernel.errors import NO_ANSWER, VendorRejected
from oppsync.ports.master_data import MasterMemory

# A search is a URL, and a proxy may refuse one of more than 8 KB.
CODES_AT_ONCE = 20
ROWS_AT_ONCE = 500
Item = TypeVar("Item")
Shape = TypeVar("Shape", bound=MasterRow)
Rows = dict[MasterKey, MasterRow]


def any_row(row: MasterRow) -> bool:
    return True


@dataclass(frozen=True)
class Facts:
    """`trusted_for`: how long what Tryton said counts. `to_write`: what is older does not count either while
    Tryton does not answer or is paused, because something is to be written."""

    client: TrytonClient
    memory: MasterMemory
    trusted_for: timedelta
    to_write: bool = False

    def find(
        self,
        keys: Collection[MasterKey],
        *,
        heard_within: timedelta | None = None,
        is_enough: Callable[[MasterRow], bool] = any_row,
    ) -> Rows:
        """The rows of these keys that exist: by one read of the memory, and a call for each kind of the others.
        `heard_within`: what is older than this does not count at all. `is_enough`: whether a row that is
        remembered answers the question."""
        known = self.memory.rows(keys)
        trusted_for = self.trusted_for if heard_within is None else min(heard_within, self.trusted_for)
        found = {key: each.row for key, each in known.items() if each.age < trusted_for and is_enough(each.row)}
        others = [key for key in keys if key not in found]
        if not others:
            return found
        try:
            asked = self._ask(others, found)
        except NO_ANSWER:
            old = {key: known[key].row for key in others if key in known and is_enough(known[key].row)}
            if heard_within is not None or self.to_write or len(old) < len(others):
                raise
            return found | old
        self.memory.keep(asked.values(), absent=[key for key in others if key not in asked])
        return found | {key: asked[key] for key in others if key in asked}

    def of_company(
        self, kind: MasterKind, company: str, is_enough: Callable[[Sequence[MasterRow]], bool]
    ) -> Sequence[MasterRow]:
        """The rows of a kind: those that are remembered where they answer the question, or else all there
        are."""
        known = self.memory.of_company(kind, company)
        young = [each.row for each in known if each.age <= self.trusted_for]
        if is_enough(young):
            return young
        try:
            asked = self._all_of(kind, company)
        except NO_ANSWER:
            old = [each.row for each in known]
            if self.to_write or not is_enough(old):
                raise
            return old
        self.memory.keep(asked)
        return asked

    def company(self, code: str) -> Company | None:
        key = MasterKey(MasterKind.COMPANY, "", code)
        return of_shape(Company, self.find([key]).get(key))

    def page(self, kind: MasterKind, after: str | None) -> MasterPage:
        """`after` names the source, the company and the record after which it goes on."""
        index, company, record = (int(part) for part in (after or "0:0:0").split(":"))
        source = SOURCES[kind][index]
        code = ""
        if source.of_company:
            among = [["id", ">=" if record else ">", company]]
            companies = self.client.search("company.company", among, ["party.code"], first=1)
            if not companies:
                return MasterPage((), _next_source(kind, index))
            company, code, record = companies[0]["id"], companies[0]["party"]["code"] or "", max(record, 0)
        domain = [*source.domain, ["id", ">", record]]
        if source.of_company and source.code:
            domain.append(["company", "=", company])
        found = self.client.search(source.model, domain, source.fields, company or None, first=ROWS_AT_ONCE)
        rows = _rows(source, found, code) if code or not source.of_company else ()
        if len(found) == ROWS_AT_ONCE:
            return MasterPage(tuple(rows), f"{index}:{company}:{found[-1]['id']}")
        done = f"{index}:{company}:0" if source.of_company else _next_source(kind, index)
        return MasterPage(tuple(rows), done)

    def _ask(self, keys: Sequence[MasterKey], found: Mapping[MasterKey, MasterRow]) -> Rows:
        companies = {key.company for key in keys if key.company}
        asked: Rows = {key: row for key, row in found.items() if key.kind is MasterKind.COMPANY}
        wanted = [key for key in keys if key.kind is MasterKind.COMPANY]
        asked |= self._of_one_source(SOURCES[MasterKind.COMPANY][0], wanted, None) if wanted else {}
        for code in companies - {key.code for key in asked if key.kind is MasterKind.COMPANY}:
            if (company := self.company(code)) is not None:
                asked[key_of(company)] = company
        others = (key for key in keys if key.kind is not MasterKind.COMPANY)
        ordered = sorted(others, key=lambda key: (key.kind, key.company, key.code.partition(" ")[0], key.code))
        for (source, of), group in groupby(ordered, lambda key: (source_of(key.kind, key.code), key.company)):
            company = of_shape(Company, asked.get(MasterKey(MasterKind.COMPANY, "", of))) if of else None
            if of and company is None:
                continue
            asked |= self._of_one_source(source, list(group), company)
        return asked

    def _of_one_source(self, source: Source, keys: Sequence[MasterKey], company: Company | None) -> Rows:
        """The first record of each code, as Tryton orders them."""
        rows: Rows = {}
        for some in _parts(keys):
            for row in self._records(source, _codes_in(source, some), company):
                rows.setdefault(key_of(row), row)
        return {key: rows[key] for key in keys if key in rows}

    def _all_of(self, kind: MasterKind, company: str) -> Sequence[MasterRow]:
        of = self.company(company)
        return self._records(SOURCES[kind][0], [], of) if of is not None else ()

    def _records(
        self, source: Source, domain: Sequence[Domain], company: Company | None
    ) -> Sequence[MasterRow]:
        of = int(company.record) if company else None
        ours = [["company", "=", of]] if company and source.code else []
        found = self.client.search(source.model, [*domain, *ours, *source.domain], source.fields, of)
        return _rows(source, found, company.code if company else "")


def of_shape(shape: type[Shape], row: MasterRow | None) -> Shape | None:
    """Raises TypeError for a row of another kind: a bug."""
    if row is not None and not isinstance(row, shape):
        raise TypeError(f"{row!r} is no {shape.__name__}")
    return row


def no_company(code: str) -> VendorRejected:
    return VendorRejected(f"Tryton has no company {code}", code="LEGAL_ENTITY_NOT_READY")


def _codes_in(source: Source, keys: Sequence[MasterKey]) -> Sequence[Domain]:
    if not source.code:  # the one record of a company
        return []
    codes = [key.code.removeprefix(f"{source.what} ") if source.what else key.code for key in keys]
    return [[source.code, "in", codes]]


def _rows(source: Source, found: Sequence[wire.Wire], company: str) -> Sequence[MasterRow]:
    rows = (source.read(record, company) for record in found)
    return [row for row in rows if row is not None]


def _next_source(kind: MasterKind, index: int) -> str | None:
    return f"{index + 1}:0:0" if index + 1 < len(SOURCES[kind]) else None


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[first : first + CODES_AT_ONCE] for first in range(0, len(items), CODES_AT_ONCE))
