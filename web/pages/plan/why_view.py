"""Where a plan's values come from, as the approval's page lists them: one group for the deal, one a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from oppsync.domain.plan.plan import Plan
from oppsync.domain.reading.why import PlanReasons, Reason, why

_OF_DEAL = "The deal"
_EMPTY: tuple[Any, ...] = (None, [], {})


class Known(NamedTuple):
    """`name` is the place below the group's own, as people read it: `lines 1 amount`."""

    name: str
    reason: Reason


class Group(NamedTuple):
    title: str
    known: Sequence[Known]


def groups_of(plan: Plan) -> tuple[str, tuple[Group, ...]]:
    """What is not known of this plan, and its values that are not empty."""
    answer = why(plan, "")
    projects = [
        Group(node.name, _values(answer, f"/nodes/{index}/")) for index, node in enumerate(plan.content.nodes)
    ]
    deal = [known for known in _values(answer, "/") if not known.reason.place.startswith("/nodes/")]
    return answer.note, (Group(_OF_DEAL, deal), *projects)


def _values(answer: PlanReasons, below: str) -> list[Known]:
    """An amount's currency is not a value of its own: every amount of a plan has the deal's."""
    return [
        Known(_name(reason.place.removeprefix(below)), reason)
        for reason in answer.reasons
        if reason.place.startswith(below)
        and reason.value not in _EMPTY
        and not reason.place.endswith(("/amount/currency", "/price/currency", "/cost/currency"))
    ]


def _name(place: str) -> str:
    """Items are counted from 1."""
    parts = [str(int(part) + 1) if part.isdigit() else part for part in place.split("/")]
    if parts[-2:] == ["amount", "amount"] or parts[-2:-1] in (["price"], ["cost"]):
        parts.pop()
    return " ".join(parts).replace("_", " ")
