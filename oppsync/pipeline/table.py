"""The pipeline: read this table and you know the product. Actor and queue of a stage follow from its row."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.work.states import State
from oppsync.pipeline import (
    approve,
    compensate,
    create_projects,
    enrich,
    split_workstreams,
    validate,
    write_back,
)
from oppsync.pipeline.retry import MAX_TRIES
from oppsync.pipeline.stage import StageRun


@dataclass(frozen=True)
class Stage:
    """`starts`: the states it works from. `max_tries`: transient failures before it becomes a dead letter.

    `decides`: it writes nothing outside, so its advance is committed with the outcome of the stage that follows
    at once. A crash before that costs nothing: deciding again gives the same.
    """

    name: str
    starts: tuple[State, ...]
    run: StageRun
    max_tries: int = MAX_TRIES
    decides: bool = False

    @property
    def queue(self) -> str:
        return self.name


PIPELINE: tuple[Stage, ...] = (
    Stage("validate", (State.RECEIVED,), validate.run, decides=True),
    Stage("enrich", (State.VALIDATED,), enrich.run, decides=True),
    Stage("split_workstreams", (State.ENRICHED,), split_workstreams.run, decides=True),
    Stage("approve", (State.PLANNED, State.AWAITING_APPROVAL), approve.run),
    Stage("create_projects", (State.APPROVED,), create_projects.run),
    Stage("write_back", (State.CREATED, State.REFUSED), write_back.run),
    Stage("compensate", (State.COMPENSATING,), compensate.run),
)

STAGE_OF: dict[State, Stage] = {state: stage for stage in PIPELINE for state in stage.starts}


def stage_for(state: State) -> Stage:
    """The stage that works this state. A deal in a resting state is only re-read, on the first stage's
    queue."""
    return STAGE_OF.get(state, PIPELINE[0])
