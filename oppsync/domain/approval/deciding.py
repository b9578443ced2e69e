"""Who may decide which step of a plan: by role or by name, within limits, for somebody absent, and never about
a deal in which they have a part."""

from __future__ import annotations

from collections.abc import Iterable

from oppsync.domain.approval.involved import NOBODY_INVOLVED, Involved
from oppsync.domain.approval.refusals import BARRED_FOR_GOOD, REFUSAL_TEXTS, Refusal
from oppsync.domain.approval.tasks import ApprovalTask, Person
from oppsync.domain.approval.who_may import ADMINS, Action, may, outside_in_words
from oppsync.domain.plan.approvals import RequiredApproval
from oppsync.domain.values.limits import Place
from oppsync.domain.values.roles import PersonRole, held_as, role_name


def may_decide(
    person: Person,
    step: RequiredApproval,
    involved: Involved = NOBODY_INVOLVED,
    others: Iterable[ApprovalTask] = (),
) -> Refusal | None:
    """Why `person` may not decide for `step`; None when they may, in their own right or for an absent
    colleague. `others`: the same plan's other tasks."""
    tasks = tuple(others)
    lacks = lacks_right(person, step, involved.place)
    if lacks is not None and decides_for(person, step, involved, tasks) is None:
        return lacks
    return barred(person, involved, tasks)


def lacks_right(person: Person, step: RequiredApproval, place: Place | None) -> Refusal | None:
    roles = deciding_roles(person, step)
    if not roles:
        return Refusal.NOT_AN_APPROVER
    if not _is_named(person, step) and not person.granted.covers(roles, place):
        return Refusal.OUTSIDE_LIMITS
    return None


def decides_for(
    person: Person, step: RequiredApproval, involved: Involved, others: Iterable[ApprovalTask]
) -> Person | None:
    """The absent colleague whom the person stands in for, who may decide this in their own right; None where
    the person may. Who stands in for somebody hands nothing on."""
    if lacks_right(person, step, involved.place) is None or not may(person, Action.DECIDE_APPROVAL):
        return None
    tasks = tuple(others)
    for away in involved.away:
        absent = away.person
        is_able = lacks_right(absent, step, involved.place) is None and not barred(absent, involved, tasks)
        if away.delegate_id == person.id and is_able:
            return absent
    return None


def deciding_roles(person: Person, step: RequiredApproval) -> frozenset[str]:
    """The roles by which `person` decides for `step`; none where they may not. Who is named has to hold some
    approver's role too: two administrators make an approver, a configuration does not."""
    if not may(person, Action.DECIDE_APPROVAL):
        return frozenset()
    asked = frozenset(held_as(role) for role in step.roles) & person.roles
    return person.roles if _is_named(person, step) else asked


def may_put_to_others(person: Person, step: RequiredApproval, involved: Involved) -> bool:
    """Whether `person` may put an approval to colleagues: of the step that they decide, or of any for
    operations and administrators, within the limits of their role; of no deal of theirs."""
    decides = lacks_right(person, step, involved.place) is None
    works_on_it = person.granted.covers(ADMINS | {PersonRole.OPERATIONS}, involved.place)
    is_able = may(person, Action.REASSIGN_APPROVAL) and (decides or works_on_it)
    return is_able and not involved.owns(person)


def _is_named(person: Person, step: RequiredApproval) -> bool:
    return person.email.lower() in step.people


def asked_in_words(step: RequiredApproval) -> str:
    """Whom a step asks: `the role finance approver or approver for tax`, `ann@example.com`."""
    roles = " or ".join(sorted(role_name(held_as(role)) for role in step.roles))
    return " or ".join(filter(None, [f"the role {roles}" if roles else "", *sorted(step.people)]))


def refusal_in_words(refusal: Refusal, person: Person, step: RequiredApproval, involved: Involved) -> str:
    if refusal is Refusal.OUTSIDE_LIMITS:
        return outside_in_words(person, deciding_roles(person, step), involved.place)
    return REFUSAL_TEXTS[refusal]


def barred(person: Person, involved: Involved, others: Iterable[ApprovalTask]) -> Refusal | None:
    """Why a decision of `person` does not count, whatever roles they have. `others`: the plan's other tasks."""
    for_good = bars_for_good(person, involved)
    if for_good:
        return for_good[0]
    return Refusal.ALREADY_DECIDED_OTHER_ROLE if involved.decided(person, others) else None


def bars_for_good(person: Person, involved: Involved) -> tuple[Refusal, ...]:
    """Why `person` decides nothing of this plan, whatever becomes of it."""
    bars = {
        Refusal.OWN_OPPORTUNITY: involved.owns(person),
        Refusal.EDITED_PLAN: involved.edited(person),
        Refusal.EDITED_REFERENCE_DATA: involved.changed_configuration(person),
        Refusal.STOOD_IN: involved.stood_in(person),
    }
    return tuple(bar for bar in BARRED_FOR_GOOD if bars[bar] or involved.is_kept(person, bar))
