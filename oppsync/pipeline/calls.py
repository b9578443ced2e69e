"""What is sent outside, and in which call: each effect in one of its own, or many of one deal in one call where
the vendor takes them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from oppsync.domain.effects.effects import Effect, ExternalRecord, LedgerRow
from oppsync.domain.plan.orders import LineOrder, NodeOrder
from oppsync.kernel.errors import AmbiguousAnswer
from oppsync.ports.erp import CameOfIt

Find = Callable[[], ExternalRecord | None]
Send = Callable[[], ExternalRecord]
ExistingKeys = Callable[[Sequence[str]], Iterable[str]]
Order = NodeOrder | LineOrder


class LookUp(NamedTuple):
    """Keys, and what says in one call which of them exist."""

    keys: Sequence[str]
    existing_keys: ExistingKeys


@dataclass(frozen=True)
class Together:
    """How this effect is created in one call with others whose `call` is the same, at most `most` of them."""

    call: str
    most: int
    order: Order
    create: Callable[[Sequence[Order]], Mapping[str, CameOfIt]]


@dataclass(frozen=True)
class Wanted:
    """An effect, how it is looked up and how it is sent. `revise` changes what exists, by its outside id.
    `carries`: what `send` carries out besides, in what it makes; it may be carried out by itself too."""

    effect: Effect
    find: Find
    send: Send
    revise: Callable[[str], ExternalRecord] | None = None
    together: Together | None = None
    carries: Effect | None = None


@dataclass(frozen=True)
class Outgoing:
    """A wanted effect that is not on record as carried out. `existing`: the entry of what exists and is changed
    by this; `send` changes it then."""

    wanted: Wanted
    digest: str
    row: LedgerRow | None
    send: Send
    existing: LedgerRow | None = None

    @property
    def effect(self) -> Effect:
        return self.wanted.effect

    @property
    def together(self) -> Together | None:
        """None for what has to go alone: what exists and is changed, and what was sent before with an unclear
        outcome. Of an unclear call of many perhaps all exist, or one of them is what the vendor fails on."""
        was_unclear = self.row is not None and self.row.outcome_unknown
        return None if self.existing is not None or was_unclear else self.wanted.together


@dataclass(frozen=True)
class Call:
    """One call to a vendor. All its members are created, or none, unless the vendor says otherwise of one."""

    members: Sequence[Outgoing]

    @property
    def connection_id(self) -> str:
        return self.members[0].effect.connection_id

    @property
    def is_of_many(self) -> bool:
        return len(self.members) > 1

    def __call__(self) -> Mapping[str, CameOfIt]:
        """Send it. Returns what came of each member by its key, raises what came of all."""
        together = [each.together for each in self.members]
        if not self.is_of_many or together[0] is None:
            return {each.effect.key: each.send() for each in self.members}
        return together[0].create([each.order for each in together if each is not None])


def calls_of(outgoing: Iterable[Outgoing]) -> Iterator[Call]:
    """Records of two deals never share a call."""
    groups: dict[Hashable, list[Outgoing]] = {}
    for each in outgoing:
        shared = each.together and (each.effect.opportunity_id, each.effect.connection_id, each.together.call)
        groups.setdefault(shared or each.effect.key, []).append(each)
    for members in groups.values():
        most = members[0].together.most if members[0].together else 1
        for first in range(0, len(members), most):
            yield Call(members[first : first + most])


def each_alone(outgoing: Iterable[Outgoing]) -> Iterator[Call]:
    return (Call([each]) for each in outgoing)


def shares(calls: Iterable[Call], at_once: Callable[[str], int]) -> Iterator[Sequence[Call]]:
    """As many at once as each connection stands."""
    left = list(calls)
    while left:
        count = Counter[str]()
        share, later = list[Call](), list[Call]()
        for call in left:
            fits = count[call.connection_id] < at_once(call.connection_id)
            (share if fits else later).append(call)
            count[call.connection_id] += 1
        yield share
        left = later


def came_of(each: Outgoing, answer: Mapping[str, CameOfIt] | Exception) -> ExternalRecord | Exception:
    """What came of this member of a call. Answers are matched by key: vendors promise no order."""
    if isinstance(answer, Exception):
        return answer
    effect = each.effect
    unnamed = AmbiguousAnswer(f"{effect.kind} {effect.path}: the answer does not say what came of it")
    return answer.get(effect.key, unnamed)
