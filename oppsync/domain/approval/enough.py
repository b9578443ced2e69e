"""Whether those who may decide are enough for all of a plan's seats together: one person decides once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.approval.involved import keys_of
from oppsync.domain.approval.tasks import Person
from oppsync.domain.plan.approvals import RequiredApproval, Seat


class Short(NamedTuple):
    """Steps that need more people, `needed`, than there are for all of them together, `people`."""

    steps: Sequence[RequiredApproval]
    needed: int
    people: Sequence[Person]


def too_few(missing: Sequence[Seat], able: Mapping[str, Sequence[Person]]) -> Short | None:
    """The first steps that cannot all be decided, each seat by another of the people who may (`able`, by step);
    None where they can. A largest matching of seats with people: a seat whose person could as well take another
    one makes room."""
    people = _one_account_each(person for step in able.values() for person in step)
    choices = [
        tuple(dict.fromkeys(people[person.id].id for person in able[seat.asks.step])) for seat in missing
    ]
    taken: dict[UUID, int] = {}
    for seat in range(len(missing)):
        tried: set[UUID] = set()
        if not _seated(seat, choices, taken, tried):
            # Whoever was tried has a seat, and each of these seats has nobody besides them.
            stuck = [seat, *(taken[person] for person in tried)]
            steps = tuple(dict.fromkeys(missing[each].asks for each in sorted(stuck)))
            return Short(steps, len(stuck), [each for each in people.values() if each.id in tried])
    return None


def _seated(seat: int, choices: Sequence[Sequence[UUID]], taken: dict[UUID, int], tried: set[UUID]) -> bool:
    """Give the seat to somebody, moving others where need be. `tried`: whom it was asked of."""
    for person in choices[seat]:
        if person in tried:
            continue
        tried.add(person)
        if person not in taken or _seated(taken[person], choices, taken, tried):
            taken[person] = seat
            return True
    return False


def _one_account_each(people: Iterable[Person]) -> Mapping[UUID, Person]:
    """By the id of each account, one account of its person."""
    first: dict[tuple[str, str], Person] = {}
    found: dict[UUID, Person] = {}
    for person in people:
        if person.id not in found:
            keys = keys_of(person)
            known = next((first[key] for key in keys if key in first), person)
            first |= {key: known for key in keys if key not in first}
            found[person.id] = known
    return found
