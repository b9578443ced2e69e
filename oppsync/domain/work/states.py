"""The states of an opportunity and the one table of moves between them."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    RECEIVED = "received"
    VALIDATED = "validated"
    ENRICHED = "enriched"
    PLANNED = "planned"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    CREATED = "created"
    ACTIVE = "active"
    REFUSED = "refused"  # decided, not yet written back
    REJECTED = "rejected"
    PARKED = "parked"
    WITHDRAWN = "withdrawn"  # no longer won, or given up; won again resumes
    COMPENSATING = "compensating"  # given up by a person: what was created is being closed


BEFORE_APPROVAL = frozenset(
    {State.RECEIVED, State.VALIDATED, State.ENRICHED, State.PLANNED, State.AWAITING_APPROVAL}
)
# States from which a changed or newly won deal may start again.
RESTARTABLE = BEFORE_APPROVAL | {State.PARKED, State.WITHDRAWN, State.REJECTED}
# A deal that stands at one of these was approved: it can be planned anew, and, while it is parked, given up.
COMPENSABLE = frozenset({State.APPROVED, State.CREATED})
# It has a plan and is not active: a person can have the plan made anew.
PLANNABLE_ANEW = COMPENSABLE | {State.PLANNED, State.AWAITING_APPROVAL}
# Nothing is due in these until the record changes in the CRM or a person acts.
RESTING = frozenset({State.ACTIVE, State.REJECTED, State.PARKED, State.WITHDRAWN})
# Nothing more happens to these by themselves or by a replay.
ENDED = RESTING - {State.PARKED}

_FORWARD: dict[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.VALIDATED}),
    State.VALIDATED: frozenset({State.ENRICHED}),
    State.ENRICHED: frozenset({State.PLANNED}),
    State.PLANNED: frozenset({State.AWAITING_APPROVAL, State.APPROVED}),
    # Back to `planned` when a decision does not stand any more: it is asked anew.
    State.AWAITING_APPROVAL: frozenset({State.APPROVED, State.REFUSED, State.PLANNED}),
    State.APPROVED: frozenset({State.CREATED, State.PLANNED}),
    State.CREATED: frozenset({State.ACTIVE}),
    State.REFUSED: frozenset({State.REJECTED}),
    State.ACTIVE: frozenset(),
    State.REJECTED: frozenset(),
    State.PARKED: frozenset(
        {
            State.RECEIVED,
            State.VALIDATED,
            State.ENRICHED,
            State.PLANNED,
            State.AWAITING_APPROVAL,
            State.APPROVED,
            State.CREATED,
            State.REFUSED,
            State.COMPENSATING,
        }
    ),
    State.WITHDRAWN: frozenset(),
    State.COMPENSATING: frozenset({State.WITHDRAWN}),
}


def _moves_from(state: State) -> frozenset[State]:
    moves = _FORWARD[state]
    if state not in RESTING:
        moves |= {State.PARKED}
    if state in RESTARTABLE:
        moves |= {State.RECEIVED, State.WITHDRAWN}
    if state is State.APPROVED:  # changed or lost before the first effect was sent
        moves |= {State.RECEIVED, State.WITHDRAWN}
    if state is State.CREATED:  # a person plans it anew
        moves |= {State.RECEIVED}
    if state in (State.AWAITING_APPROVAL, State.APPROVED, State.REFUSED):
        moves |= {State.PLANNED}  # a decision that does not stand, or has no seal, is asked for again
    return moves - {state}


TRANSITIONS: dict[State, frozenset[State]] = {state: _moves_from(state) for state in State}


def standing(state: State, resume_state: State | None) -> State:
    """How far a deal has come: its state, or the state that a parked one resumes."""
    return (resume_state or State.RECEIVED) if state is State.PARKED else state


def check_move(before: State, after: State) -> None:
    """Raise ValueError for a move that is not in the table: a bug, never a user's fault."""
    if after is not before and after not in TRANSITIONS[before]:
        raise ValueError(f"an opportunity cannot go from {before} to {after}")
