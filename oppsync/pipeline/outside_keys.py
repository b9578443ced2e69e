"""Under which key of ours each part of a deal's plan exists outside."""

from __future__ import annotations

from oppsync.domain.plan.plan import NodeKind
from oppsync.domain.values.keys import EffectKind, outside_key, within_limit
from oppsync.domain.work.tracked import TrackedOpportunity

KIND_OF: dict[NodeKind, EffectKind] = {
    NodeKind.PROJECT: EffectKind.PARENT,
    NodeKind.WORKSTREAM: EffectKind.CHILD,
    NodeKind.TASK: EffectKind.TASK,
}


def key_of(opportunity: TrackedOpportunity, kind: EffectKind, path: str) -> str:
    return outside_key(opportunity.tenant_id, opportunity.connection_id, opportunity.source_id, kind, path)


def closing_path(kind: EffectKind, path: str) -> str:
    """The path of the effect that closes what the effect of this kind and path created."""
    return within_limit(f"{kind}/{path}")
