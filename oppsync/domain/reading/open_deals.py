"""What other rules would do to deals that are not approved yet: each planned by both, and compared; of one that
waits for approval the plan that waits, as it becomes active by that until somebody has it planned anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from uuid import UUID

from pydantic import computed_field

from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.reading.plan_changes import plan_changes
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reading.untried import maps_in_words
from oppsync.domain.values.findings.finding import Finding, blocking, warnings
from oppsync.domain.values.model import Code, Frozen, Text, changed
from oppsync.domain.values.money import Money
from oppsync.domain.work.states import State

# In the one line that says what differs.
_MOST_TOLD = 3


class Fate(StrEnum):
    SAME = "same"
    OTHER_PLAN = "other_plan"
    STOPPED = "stopped"  # it goes on now, and would not
    FREED = "freed"  # it is stopped now, and would go on
    OTHER_FINDINGS = "other_findings"
    OTHER_SYSTEMS = "other_systems"  # the same plan, in another ERP or PSA
    OTHER_APPROVAL = "other_approval"  # the same plan, and a rule approves it that did not, or no longer does


class DealEffect(Frozen):
    """What would become of one deal. `what` says in one line what differs; totals are None where a deal would
    have no plan. A deal that waits for approval (`keeps_until_anew`) stays as it is until it is planned anew,
    whatever its fate: only then it would be met."""

    id: UUID
    source_id: Code
    name: Text
    state: State
    fate: Fate
    total_before: Money | None = None
    total_after: Money | None = None
    what: Text = ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def keeps_until_anew(self) -> bool:
        return self.state is State.AWAITING_APPROVAL


class OpenDealEffects(Frozen):
    """The newest deals that are not approved yet, newest first. `not_tried`: how many there are besides.
    `maps_not_tried`: the connections whose maps differ, which read nothing anew."""

    rows: tuple[DealEffect, ...] = ()
    not_tried: int = 0
    maps_not_tried: tuple[Code, ...] = ()

    @property
    def maps_in_words(self) -> str:
        return maps_in_words(self.maps_not_tried)

    @property
    def waiting_in_words(self) -> str:
        """What holds for deals that wait for approval; empty where none of those that differ does."""
        if not any(each.keeps_until_anew for each in self.differing):
            return ""
        return "A deal that waits for approval keeps its plan: it would be otherwise once it is planned anew."

    @property
    def differing(self) -> tuple[DealEffect, ...]:
        return tuple(each for each in self.rows if each.fate is not Fate.SAME)


def as_it_waits(by_now: PlanPreview, waiting: Plan | None) -> PlanPreview:
    """A deal as people see it who are asked to approve it: with the plan that waits, which nothing stops."""
    if waiting is None:
        return by_now
    return changed(by_now, plan=waiting, hash=waiting.hash, findings=warnings(by_now.findings))


def fate_of(
    before: PlanPreview, after: PlanPreview, systems_in_words: Callable[[PlanSystems | None], str]
) -> tuple[Fate, str]:
    """And what differs, in one line."""
    goes = [systems_in_words(each.plan.systems if each.plan else None) for each in (before, after)]
    elsewhere = f"goes to {goes[1]} instead of {goes[0]}" if all(goes) and goes[0] != goes[1] else ""
    if before.is_blocked != after.is_blocked:
        return _stopped_or_freed(before, after)
    found_otherwise = told(before.findings) != told(after.findings)
    # Of a deal that is stopped by both, what stops it counts, and not whether it leaves a plan.
    if before.hash != after.hash and not (after.is_blocked and found_otherwise):
        return Fate.OTHER_PLAN, "; ".join(filter(None, (elsewhere, _plans(before.plan, after.plan))))
    if elsewhere and not after.is_blocked:
        return Fate.OTHER_SYSTEMS, elsewhere
    if found_otherwise:
        return Fate.OTHER_FINDINGS, findings_between(before.findings, after.findings)
    if _rules(before) != _rules(after):
        return Fate.OTHER_APPROVAL, _approvals(after)
    return Fate.SAME, ""


def _stopped_or_freed(before: PlanPreview, after: PlanPreview) -> tuple[Fate, str]:
    if after.is_blocked:
        return Fate.STOPPED, _messages(blocking(after.findings))
    return Fate.FREED, f"No longer: {_messages(blocking(before.findings))}"


def total_of(preview: PlanPreview) -> Money | None:
    return preview.plan.content.total if preview.plan else None


def _plans(before: Plan | None, after: Plan | None) -> str:
    if before is None or after is None:
        return "There is a plan" if after else "There is no plan"
    changes = [each.in_words for each in plan_changes(before.content, after.content)]
    return in_one_line(changes)


def findings_between(before: Sequence[Finding], after: Sequence[Finding]) -> str:
    """What is found anew and what is not found any more, in one line."""
    was, now = told(before), told(after)
    new = [each for each in after if _key(each) not in was]
    gone = [each for each in before if _key(each) not in now]
    return ". ".join(filter(None, (_messages(new), f"No longer: {_messages(gone)}" if gone else "")))


def _messages(found: Sequence[Finding]) -> str:
    return in_one_line([each.message for each in found])


def in_one_line(texts: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(texts) - _MOST_TOLD
    return "; ".join(texts[:_MOST_TOLD]) + (f"; and {more} more" if more > 0 else "")


def told(found: Sequence[Finding]) -> set[tuple[str, str, str]]:
    """What people read of findings, to compare two sets of them."""
    return {_key(each) for each in found}


def _key(found: Finding) -> tuple[str, str, str]:
    return found.code, found.path, found.message


def _rules(preview: PlanPreview) -> dict[str, str | None]:
    """By name: an edited row of a rule that says the same approves the same."""
    return {needed.role: needed.rule.name if needed.rule else None for needed in preview.approvals}


def _approvals(preview: PlanPreview) -> str:
    return "; ".join(
        f"{role} approved by the rule {rule}" if rule else f"{role} decided by a person"
        for role, rule in _rules(preview).items()
    )
