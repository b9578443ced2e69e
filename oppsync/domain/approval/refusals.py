"""Why a person may not decide about a plan, in words."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why a person may not decide a task."""

    NOT_AN_APPROVER = "NOT_AN_APPROVER"
    OWN_OPPORTUNITY = "OWN_OPPORTUNITY"
    ALREADY_DECIDED_OTHER_ROLE = "ALREADY_DECIDED_OTHER_ROLE"
    EDITED_PLAN = "EDITED_PLAN"
    EDITED_REFERENCE_DATA = "EDITED_REFERENCE_DATA"
    OUTSIDE_LIMITS = "OUTSIDE_LIMITS"
    STOOD_IN = "STOOD_IN"


REFUSAL_TEXTS: dict[Refusal, str] = {
    Refusal.NOT_AN_APPROVER: "You do not have the approver role that this task needs.",
    Refusal.OWN_OPPORTUNITY: (
        "You own this opportunity, owned it before, or requested it; another approver has to decide."
    ),
    Refusal.EDITED_PLAN: (
        "You changed this plan, linked its customer or confirmed a finding of it; another approver decides."
    ),
    Refusal.EDITED_REFERENCE_DATA: (
        "You made or approved a change of the configuration that this plan uses; another approver decides."
    ),
    Refusal.ALREADY_DECIDED_OTHER_ROLE: (
        "You already decided this plan for another role; each approval needs a different person."
    ),
    Refusal.OUTSIDE_LIMITS: "Your role does not count for this deal's legal entity and regions.",
    Refusal.STOOD_IN: (
        "You stand in for somebody who owns this opportunity, requested it or changed its plan, or did for a "
        "working day while it waited; another approver has to decide."
    ),
}


# Reasons in the third person: a name stands before them.
REFUSAL_REASONS: dict[Refusal, str] = {
    Refusal.NOT_AN_APPROVER: "does not have the approver role that this task needs",
    Refusal.OWN_OPPORTUNITY: "owns this opportunity, owned it before, or requested it",
    Refusal.EDITED_PLAN: "changed this plan, linked its customer or confirmed a finding of it",
    Refusal.EDITED_REFERENCE_DATA: "made or approved a change of the configuration that this plan uses",
    Refusal.ALREADY_DECIDED_OTHER_ROLE: "decided this plan for another role too",
    Refusal.OUTSIDE_LIMITS: "has a role that does not count for this deal's legal entity and regions",
    Refusal.STOOD_IN: (
        "stands in for somebody who owns this opportunity, requested it or changed its plan, or did while it "
        "waited"
    ),
}


# Separation of duties: different people decide, and none of them sold the deal or shaped the plan. Whoever has
# a part in the plan, or stood in for somebody who has, is barred from it for good.
BARRED_FOR_GOOD = (
    Refusal.OWN_OPPORTUNITY,
    Refusal.EDITED_PLAN,
    Refusal.EDITED_REFERENCE_DATA,
    Refusal.STOOD_IN,
)
BARRED = (*BARRED_FOR_GOOD, Refusal.ALREADY_DECIDED_OTHER_ROLE)
