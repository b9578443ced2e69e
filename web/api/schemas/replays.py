"""Replays of a selection."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from oppsync.domain.values.model import Code, Frozen
from oppsync.domain.work.replays import MOST, Previewed, ReplayOf, Selection


class ReplaySelection(Frozen):
    """`from_stage`: an earlier stage to start again from; without it each goes on from where it stands."""

    selection: Selection
    from_stage: Code | None = None


class ReplayRequest(Frozen):
    """Items as a preview named them, with the versions it named; `from_stage` as it was asked."""

    of: ReplayOf = ReplayOf.OPPORTUNITIES
    items: Annotated[tuple[Previewed, ...], Field(min_length=1, max_length=MOST)]
    from_stage: Code | None = None
