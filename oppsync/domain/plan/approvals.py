"""Who has to approve a plan: steps, each of one or more people, kept in the plan and so in its hash."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.values.roles import ApprovalRole

# Where findings about a step stand.
APPROVALS = "/approvals/"
_SEAT = "#"


class RequiredApproval(Frozen):
    """One step. `count` different people decide it: anybody with one of `roles`, or named in `people` by mail
    address. Steps of one `order` are asked side by side, those of a later one when all earlier are approved."""

    step: Code
    name: Text
    roles: tuple[Code, ...] = ()
    people: tuple[Code, ...] = ()
    count: int = 1
    order: int = 1

    @property
    def words(self) -> str:
        """As it stands after `for`: `finance`, or the name that the firm gave it."""
        return self.step if self in DEFAULT_APPROVALS else self.name


class Seat(NamedTuple):
    """One of the people whom a step needs, counted from 1."""

    asks: RequiredApproval
    number: int = 1

    @property
    def code(self) -> str:
        """`tax`, and `tax#2` for the second."""
        return self.asks.step if self.number == 1 else f"{self.asks.step}{_SEAT}{self.number}"

    @property
    def name(self) -> str:
        return f"{self.asks.name}{self._which}"

    @property
    def words(self) -> str:
        return f"{self.asks.words}{self._which}"

    @property
    def _which(self) -> str:
        return f" ({self.number} of {self.asks.count})" if self.asks.count > 1 else ""


DEFAULT_APPROVALS = (
    RequiredApproval(step=ApprovalRole.FINANCE.value, name="Finance", roles=(ApprovalRole.FINANCE.value,)),
    RequiredApproval(step=ApprovalRole.DELIVERY.value, name="Delivery", roles=(ApprovalRole.DELIVERY.value,)),
)


def _of_whom(step: RequiredApproval) -> str:
    """Nothing where the step's name is that of its one role, and one person decides."""
    count = f"{step.count} people" if step.count > 1 else ""
    asked = () if step.roles == (step.step,) and not step.people else (*step.roles, *step.people)
    said = " of ".join(part for part in (count, ", ".join(asked)) if part)
    return f" ({said})" if said else ""


def seats(required: Iterable[RequiredApproval]) -> tuple[Seat, ...]:
    return tuple(Seat(step, number + 1) for step in required for number in range(step.count))


def seat_of(code: str, required: Iterable[RequiredApproval]) -> Seat:
    """Of a code that no step has, as an earlier release stored it: the role of that name."""
    step, _, number = code.partition(_SEAT)
    default = RequiredApproval(step=step, name=step, roles=(step,))
    return Seat(next((each for each in required if each.step == step), default), int(number or 1))


def to_ask(required: Iterable[RequiredApproval], approved: Collection[str]) -> tuple[Seat, ...]:
    """The seats to be decided next: of the lowest order that is not approved, the first of each step. So each
    person of a group takes the next seat, and nobody is asked for two."""
    missing = [seat for seat in seats(required) if seat.code not in approved]
    order = min((seat.asks.order for seat in missing), default=0)
    first: dict[str, Seat] = {}
    for seat in missing:
        if seat.asks.order == order:
            first.setdefault(seat.asks.step, seat)
    return tuple(first.values())


def required_in_words(required: Iterable[RequiredApproval]) -> str:
    """Such as `Finance and Delivery, then Tax review (2 people of tax, ann@example.com)`."""
    by_order: dict[int, list[str]] = {}
    for step in required:
        by_order.setdefault(step.order, []).append(f"{step.name}{_of_whom(step)}")
    return ", then ".join(" and ".join(names) for _order, names in sorted(by_order.items()))
