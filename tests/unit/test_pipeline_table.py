"""The engine's tables are complete: no state without a stage, no error without a text."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar, get_args, get_type_hints

import pytest

from oppsync.domain.values.findings.codes import CODES
from oppsync.domain.work.events import Event
from oppsync.domain.work.states import RESTING, TRANSITIONS, State
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.kernel import errors
from oppsync.kernel.errors import BusinessError, OppsyncError, RequestRefused, TransientError
from oppsync.pipeline import refresh
from oppsync.pipeline.retry import MAX_TRIES
from oppsync.pipeline.stage import Outcome, StageRun
from oppsync.pipeline.table import PIPELINE, STAGE_OF, stage_for
from web.pages.statuses import STATES

Class = TypeVar("Class")


def below(base: type[Class]) -> Iterator[type[Class]]:
    for each in base.__subclasses__():
        yield each
        yield from below(each)


@pytest.mark.parametrize("state", State)
def test_a_state_has_one_stage_or_rests(state: State) -> None:
    stages = [stage.name for stage in PIPELINE if state in stage.starts]

    assert len(stages) == (0 if state in RESTING else 1)
    assert stage_for(state).name == (stages or [PIPELINE[0].name])[0]


def test_every_state_has_words_for_people() -> None:
    assert set(STATES) == set(State)


def test_the_six_stages_stand_in_the_order_of_the_way() -> None:
    assert [stage.name for stage in PIPELINE[:6]] == [
        "validate",
        "enrich",
        "split_workstreams",
        "approve",
        "create_projects",
        "write_back",
    ]
    firsts = [stage.starts[0] for stage in PIPELINE[:6]]
    for before, after in pairwise(firsts):
        reached = TRANSITIONS[before] | {next_ for state in TRANSITIONS[before] for next_ in TRANSITIONS[state]}
        assert after in reached


def test_every_stage_has_a_queue_of_its_own_and_hours_of_patience() -> None:
    assert len({stage.queue for stage in PIPELINE}) == len(PIPELINE)
    assert {stage.max_tries for stage in PIPELINE} == {MAX_TRIES}
    assert set(STAGE_OF) == set(State) - RESTING


# The pure functions of the stages that have another than one `decide`. `approve` decides something else in each
# of the states it starts from; the others apply what was decided before them.
DECIDING = {
    "approve": ("open_tasks", "weigh_decisions"),
    "create_projects": (),
    "write_back": (),
    "compensate": (),
}
REACHES_OUTSIDE = re.compile(r"oppsync\.ports|StageContext|Sources")


@pytest.mark.parametrize(
    "run", [*(stage.run for stage in PIPELINE), refresh.run], ids=lambda run: run.__module__
)
def test_a_stage_decides_from_facts_alone(run: StageRun) -> None:
    module = sys.modules[run.__module__]
    names = DECIDING.get(module.__name__.rpartition(".")[2], ("decide",))

    assert hasattr(module, "decide") == ("decide" in names)
    for name in names:
        hints = get_type_hints(getattr(module, name))
        returned = hints.pop("return")
        assert set(get_args(returned) or [returned]) <= set(get_args(Outcome))
        assert next(iter(hints.items())) == ("opportunity", TrackedOpportunity)
        assert not [hint for hint in hints.values() if REACHES_OUTSIDE.search(str(hint))]


@pytest.mark.parametrize("error", [BusinessError, *below(BusinessError)], ids=lambda error: error.__name__)
def test_what_parks_has_a_text_and_an_owner(error: type[OppsyncError]) -> None:
    assert error.code in CODES or error is BusinessError


@pytest.mark.parametrize("code", ["WORKER_CRASHED", "RETRIES_EXHAUSTED", "BUG"])
def test_what_becomes_a_dead_letter_has_a_text_and_an_owner(code: str) -> None:
    assert code in CODES


def test_an_error_s_base_says_what_happens_next() -> None:
    """No error is both worth a retry and parked, and none is neither by accident."""
    for error in below(OppsyncError):
        bases = [base for base in (TransientError, BusinessError, RequestRefused) if issubclass(error, base)]
        assert len(bases) == (0 if error is errors.NeverLands else 1), error


def test_codes_of_errors_are_their_own() -> None:
    codes = [error.code for error in below(OppsyncError) if error.__module__ == OppsyncError.__module__]

    assert len(set(codes)) == len(codes)


def test_an_error_can_always_be_stored() -> None:
    error = BusinessError("a\x00b" + "c" * 10_000)

    assert error.message.startswith("abc")
    assert len(error.message) <= 2_000


@pytest.mark.parametrize("event", list(below(Event)), ids=lambda event: event.__name__)
def test_an_event_is_stored_under_its_versioned_name(event: type[Event]) -> None:
    words = re.findall("[A-Z][a-z]+", event.__name__)

    assert event.type == ".".join(word.lower() for word in words) + ".v1"


def test_a_summary_is_cut_to_what_the_timeline_holds() -> None:
    event = next(iter(below(Event)))(opportunity_id=None, actor="a", summary="s" * 3_000)

    assert len(event.summary) == 2_000
