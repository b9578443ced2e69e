"""The table of moves: no other move is possible."""

from __future__ import annotations

from itertools import pairwise

import pytest

from oppsync.domain.work.states import BEFORE_APPROVAL, RESTARTABLE, RESTING, TRANSITIONS, State, check_move

WAY = [
    State.RECEIVED,
    State.VALIDATED,
    State.ENRICHED,
    State.PLANNED,
    State.AWAITING_APPROVAL,
    State.APPROVED,
    State.CREATED,
    State.ACTIVE,
]


def test_the_way_of_a_deal_that_meets_no_obstacle() -> None:
    for before, after in pairwise(WAY):
        check_move(before, after)


def test_a_rule_that_approves_at_once_leaves_nobody_to_wait_for() -> None:
    check_move(State.PLANNED, State.APPROVED)


def test_no_stage_can_be_skipped() -> None:
    way = [state for state in WAY if state is not State.AWAITING_APPROVAL]
    for index, before in enumerate(way):
        for after in way[index + 2 :]:
            with pytest.raises(ValueError, match="cannot go from"):
                check_move(before, after)


def test_nothing_is_created_without_an_approval() -> None:
    leading_to_created = {state for state in State if State.CREATED in TRANSITIONS[state]}

    assert leading_to_created == {State.APPROVED, State.PARKED}  # a parked deal resumes where it stopped


def test_every_state_is_reached_from_the_first() -> None:
    reached, edge = {State.RECEIVED}, {State.RECEIVED}
    while edge := {after for state in edge for after in TRANSITIONS[state]} - reached:
        reached |= edge

    assert reached == set(State)


@pytest.mark.parametrize("state", sorted(set(State) - RESTING))
def test_whatever_is_under_way_can_be_parked_and_resumed(state: State) -> None:
    check_move(state, State.PARKED)
    check_move(State.PARKED, state)


@pytest.mark.parametrize("state", sorted(RESTARTABLE - {State.RECEIVED}))
def test_a_changed_deal_starts_again_until_it_is_approved(state: State) -> None:
    check_move(state, State.RECEIVED)


@pytest.mark.parametrize("state", [State.CREATED, State.ACTIVE, State.REFUSED])
def test_a_deal_lost_after_its_projects_exist_is_not_withdrawn(state: State) -> None:
    with pytest.raises(ValueError, match="cannot go from"):
        check_move(state, State.WITHDRAWN)


def test_active_is_final() -> None:
    assert TRANSITIONS[State.ACTIVE] == frozenset()


def test_staying_is_no_move() -> None:
    for state in State:
        check_move(state, state)


def test_before_approval_ends_at_the_approval() -> None:
    assert frozenset(WAY[: WAY.index(State.APPROVED)]) == BEFORE_APPROVAL
