"""Warnings: findings that do not stop a deal. Its pages show them, and its timeline shows each once."""

from __future__ import annotations

from collections.abc import Sequence

from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.work.events import WarningsFound
from oppsync.domain.work.tracked import TrackedOpportunity


def tell_warnings(
    opportunity: TrackedOpportunity, found: Sequence[Finding], known: Sequence[Finding], actor: str
) -> tuple[WarningsFound, ...]:
    """The event for the warnings that were not known before; none when all were."""
    new = [warning for warning in found if warning not in known]
    if not new:
        return ()
    event = WarningsFound(
        opportunity_id=opportunity.id,
        actor=actor,
        detail={"codes": [warning.code for warning in new]},
        summary="; ".join(f"{warning.code}: {warning.message}" for warning in new),
    )
    return (event,)
