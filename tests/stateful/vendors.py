"""The outside systems: books that accept every write, doubles too, and never forget. The oracle."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.orders import LineOrder, Message, NodeOrder, PsaOrder, StaffingOrder, WriteBack
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.values.model import changed
from tests.stateful.faults import SEARCH_LAG


@dataclass(frozen=True)
class Thing:
    """An external record; a search finds it from `visible_at` on."""

    key: str
    outside_id: str
    content: Mapping[str, Any]
    visible_at: datetime
    closed: bool = False

    @property
    def number(self) -> str:
        return f"N-{self.outside_id}"

    def external(
        self,
        wanted: Mapping[str, Any] | None = None,
        was: Sequence[Mapping[str, Any]] = (),
        *,
        closed_by_us: bool = False,
    ) -> ExternalRecord:
        differences = {
            name: (str(value), str(self.content.get(name)))
            for name, value in (wanted or self.content).items()
            if self.content.get(name) != value
        }
        ours = {name for name in differences if any(self.content.get(name) == each.get(name) for each in was)}
        if self.closed:
            differences["closed"] = ("no", "yes")
            ours |= {"closed"} if closed_by_us else set()
        return ExternalRecord(
            outside_id=self.outside_id,
            number=self.number,
            url=f"https://outside.example/{self.outside_id}",
            differences=differences,
            revisable=frozenset(ours),
            closed=self.closed,
        )


@dataclass
class Books:
    """A vendor that accepts everything: preventing doubles is our task."""

    things: list[Thing] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def create(self, key: str, content: Mapping[str, Any], now: datetime) -> ExternalRecord:
        thing = Thing(key, str(next(self._numbers)), content, now + SEARCH_LAG)
        self.things.append(thing)
        return thing.external()

    def find(
        self,
        key: str,
        wanted: Mapping[str, Any],
        now: datetime,
        was: Sequence[Mapping[str, Any]] = (),
        *,
        closed_by_us: bool = False,
    ) -> ExternalRecord | None:
        for thing in self.things:
            if thing.key == key and thing.visible_at <= now:
                return thing.external(wanted, was, closed_by_us=closed_by_us)
        return None

    def revise(self, outside_id: str, content: Mapping[str, Any]) -> ExternalRecord:
        """Harmless to repeat; what was closed is open again."""
        (before,) = (thing for thing in self.things if thing.outside_id == outside_id)
        revised = replace(before, content=content, closed=False)
        self.things[self.things.index(before)] = revised
        return revised.external()

    def close(self, outside_id: str) -> ExternalRecord:
        """Harmless to repeat."""
        closed = {thing.outside_id: replace(thing, closed=True) for thing in self.things}
        self.things = [closed[it.outside_id] if it.outside_id == outside_id else it for it in self.things]
        return closed[outside_id].external()

    def of(self, key: str) -> list[Thing]:
        return [thing for thing in self.things if thing.key == key]


def node_content(order: NodeOrder) -> dict[str, Any]:
    return {"node": order.node.model_dump(mode="json"), "parent": order.parent_id}


def line_content(order: LineOrder) -> dict[str, Any]:
    """An invoice names the customer."""
    customer = {"customer": order.plan.customer} if order.line.kind is LineKind.DATED else {}
    return {"line": order.line.model_dump(mode="json"), "project": order.project_id, **customer}


def content_of(order: NodeOrder | LineOrder) -> dict[str, Any]:
    return node_content(order) if isinstance(order, NodeOrder) else line_content(order)


def line_was(order: LineOrder) -> dict[str, Any]:
    """What may be set otherwise later: not whom it is for."""
    return {name: value for name, value in line_content(order).items() if name != "customer"}


@dataclass
class Erp:
    """`line_kinds`: the kinds of billing lines it can hold. `together`: how many records one call creates.
    `refused`: it takes no record whose key ends so; a call of many is refused as a whole, unless it answers
    `each_by_itself`. `unnamed`: whose keys end so, its answer leaves out."""

    books: Books = field(default_factory=Books)
    line_kinds: frozenset[LineKind] = frozenset(LineKind)
    together: int = 1
    refused: set[str] = field(default_factory=set)
    each_by_itself: bool = False
    unnamed: set[str] = field(default_factory=set)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    customers: set[str] = field(default_factory=lambda: {"CUST-1001", "CUST-1004"})


@dataclass
class CrmRecord:
    """A deal in the CRM: all its versions, and the fields that we write back."""

    versions: list[Opportunity]
    written: WriteBack | None = None
    deleted: bool = False
    was_deleted: bool = False

    @property
    def now(self) -> Opportunity:
        return self.versions[-1]

    def save(self, at: datetime, **changes: Any) -> None:
        """Any save, our own write-back's too, gives the record a new version."""
        number = len(self.versions) + 1
        new = changed(self.now, **changes, version=f"v{number}", modified_at=at)
        self.versions.append(new)

    def find(self, wanted: WriteBack) -> ExternalRecord | None:
        if self.written is None:
            return None
        there, wish = self.written.model_dump(mode="json"), wanted.model_dump(mode="json")
        differences = {name: (str(wish[name]), str(there[name])) for name in wish if wish[name] != there[name]}
        return ExternalRecord(outside_id=self.now.id, differences=differences)


@dataclass
class Psa:
    books: Books = field(default_factory=Books)
    statuses: dict[str, WriteBack] = field(default_factory=dict)


def psa_content(order: PsaOrder) -> dict[str, Any]:
    return {"title": order.title, "number": order.project_number}


def staffing_content(order: StaffingOrder) -> dict[str, Any]:
    return {"asked": order.request.model_dump(mode="json"), "project": order.project_id}


@dataclass
class Outside:
    erp: Erp = field(default_factory=Erp)
    psa: Psa = field(default_factory=Psa)
    crm: dict[str, CrmRecord] = field(default_factory=dict)
    mail: list[Message] = field(default_factory=list)
