"""Put a deal back to the start of a stage, to be worked from there at once."""

from __future__ import annotations

from typing import Any

from oppsync.domain.values.model import changed
from oppsync.domain.work.events import Replayed
from oppsync.domain.work.states import BEFORE_APPROVAL, State, check_move
from oppsync.domain.work.tracked import TrackedOpportunity
from oppsync.pipeline.table import stage_for
from oppsync.ports.storage.opportunities import HANDED_ON
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork


def resume(
    uow: UnitOfWork,
    publish: Publish,
    before: TrackedOpportunity,
    target: State,
    *,
    actor: str,
    after_what: str,
    detail: dict[str, Any],
    anew: TrackedOpportunity | None = None,
) -> None:
    """`before` is locked in this transaction; `anew`: it with what else changes. Its record is read again
    first, so that a fix in the CRM counts even if no webhook reported it."""
    check_move(before.state, target)
    from_there: dict[str, Any] = {
        "reread_requested": before.reread_requested + 1,
        "tries": 0,
        "crashes": 0,
        "waits_for": None,
    }
    if target in BEFORE_APPROVAL:
        from_there |= {"approved_record": None, "changes_since_approval": ()}
    after = changed(anew or before, state=target, resume_state=None, **from_there)
    uow.opportunities.change(before, after, HANDED_ON)
    stage = stage_for(target).name
    uow.outbox.add(before.tenant_id, before.id, stage, before.traceparent)
    event = Replayed(
        opportunity_id=before.id,
        actor=actor,
        before={"state": before.state.value},
        after={"state": target.value},
        detail=detail,
        summary=f"Replayed from {stage} {after_what}",
    )
    publish(uow, before.tenant_id, before.traceparent, event)
