"""Where a plan's values come from, as the approval's page lists them: one group for the deal and one per
project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from oppsync.domain.plan.plan import Plan
from oppsync.domain.reading.why import PlanReasons, Reason, why

_OF_DEAL = "The deal"
_EMPTY: tuple[Any, ...] = (None, [], {})


class KnownOrigin(NamedTuple):
    """A value whose origin is known. `name` is its place inside the group, for people: `lines 1 amount`."""

    name: str
    reason: Reason


class Group(NamedTuple):
    title: str
    known: Sequence[KnownOrigin]


def groups_of(plan: Plan) -> tuple[str, tuple[Group, ...]]:
    """A note on what is unknown about this plan's origins, and the origins of its values that are not empty."""
    answer = why(plan, "")
    projects = [
        Group(node.name, _values(answer, f"/nodes/{index}/")) for index, node in enumerate(plan.content.nodes)
    ]
    deal = [known for known in _values(answer, "/") if not known.reason.place.startswith("/nodes/")]
    return answer.note, (Group(_OF_DEAL, deal), *projects)


def _values(answer: PlanReasons, below: str) -> list[KnownOrigin]:
    """The values below a place. Currencies of amounts are left out: every amount of a plan has the deal's."""
    return [
        KnownOrigin(_name(reason.place.removeprefix(below)), reason)
        for reason in answer.reasons
        if reason.place.startswith(below)
        and reason.value not in _EMPTY
        and not reason.place.endswith(("/amount/currency", "/price/currency", "/cost/currency"))
    ]


def _name(place: str) -> str:
    """A place as people read it: items are counted from 1."""
    parts = [str(int(part) + 1) if part.isdigit() else part for part in place.split("/")]
    if parts[-2:] == ["amount", "amount"] or parts[-2:-1] in (["price"], ["cost"]):
        parts.pop()
    return " ".join(parts).replace("_", " ")
