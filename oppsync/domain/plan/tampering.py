"""A stored plan that is not the one whose hash was approved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oppsync.domain.plan.plan import Plan, plan_hash, short_hash
from oppsync.kernel.errors import BusinessError
from oppsync.kernel.json_pointer import leaves

_ABSENT = "nothing"


class PlanTampered(BusinessError):
    """`stored` is the plan that stands under the hash `wanted`, where it can be read at all."""

    code = "PLAN_TAMPERED"

    def __init__(self, wanted: str, stored: Plan | None = None) -> None:
        self.wanted = wanted
        self.stored = stored
        super().__init__(f"The stored plan is not the one with the hash {short_hash(wanted)}: {self.what}.")

    @property
    def found(self) -> str | None:
        """The hash of what is stored."""
        return plan_hash(self.stored.content) if self.stored else None

    @property
    def what(self) -> str:
        if self.stored is None:
            return f"what is stored under {self.wanted} cannot be read as a plan, or is gone"
        return f"{self.wanted} was signed, {self.found} is stored, over {self.stored.content.total}"


def checked(plan: Plan, wanted: str) -> Plan:
    """`plan`, whose content has the hash `wanted`. Raises PlanTampered."""
    if plan.hash != wanted:
        raise PlanTampered(wanted, plan)
    return plan


def differences(signed: Any, found: Any) -> Sequence[str]:
    """Where two JSON-ready documents differ, in words: the place, what was signed, what is found."""
    was, now = dict(leaves(signed)), dict(leaves(found))
    return [
        f"{place}: {was.get(place, _ABSENT)} signed, {now.get(place, _ABSENT)} found"
        for place in {**was, **now}
        if (place in was, was.get(place)) != (place in now, now.get(place))
    ]
