"""Write-back: staff is requested only from a PSA that takes requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from oppsync.domain.approval.tasks import ApprovalTask, TaskStatus
from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord, LedgerRow
from oppsync.domain.plan.capabilities import PsaCapabilities
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.work.states import State
from oppsync.pipeline import write_back
from oppsync.pipeline.calls import Wanted
from oppsync.pipeline.stage import StageContext
from tests.harness import builders as make

BUDGET = [{"role": "Consultant", "percent": 100, "location": "DACH"}]
TEMPLATE = make.template_row("CLOUD|DACH|fixed_fee", budget=BUDGET)
PLAN = make.changed(
    make.plan(make.opportunity(make.fixed_line()), make.book(TEMPLATE)), systems=PlanSystems(erp="e", psa="p")
)


class Surroundings:
    """A deal whose projects exist, and a PSA; records the writes outside, in order."""

    quarantine = timedelta(0)

    def __init__(self, capabilities: PsaCapabilities) -> None:
        self.capabilities = capabilities
        self.performed: list[set[EffectKind]] = []
        self.ledger = SimpleNamespace(get=lambda tenant_id, key: PARENT, of=lambda *_: [PARENT])
        self.approvals = SimpleNamespace(of=lambda tenant_id, opportunity_id: APPROVED)
        self.plans = SimpleNamespace(get=lambda tenant_id, opportunity_id, plan_hash: PLAN)

    @contextmanager
    def reading(self) -> Iterator[Surroundings]:
        yield self

    def crm(self, connection_id: str) -> Surroundings:
        return self

    def psa_at(self, connection_id: str) -> Surroundings:
        assert connection_id == "p"
        return self

    def perform_all(self, wave: Sequence[Wanted]) -> list[ExternalRecord]:
        if wave:
            self.performed.append({each.effect.kind for each in wave})
        return [ExternalRecord(outside_id="17") for _ in wave]

    def perform(self, effect: Effect, *_: object) -> None:
        self.performed.append({effect.kind})

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Attributes that only `perform` would use."""
        return lambda *_: None

    def closed_by_us(self, key: str, closing_key: str) -> bool:
        return False


APPROVED = [
    ApprovalTask(
        id=uuid4(),
        opportunity_id=make.OPPORTUNITY_ID,
        plan_hash=PLAN.hash,
        role=role,
        status=TaskStatus.APPROVED,
        candidates=(),
        opened_at=make.NOW,
    )
    for role in ApprovalRole
]
PARENT = LedgerRow(
    key="k",
    kind=EffectKind.PARENT,
    path="project",
    state=EffectState.CONFIRMED,
    request_digest="d",
    attempts=1,
    confirmed_at=make.NOW,
    outside_id="1",
)


@pytest.mark.parametrize("staffing", [True, False])
def test_somebody_is_asked_for_only_where_the_psa_takes_requests(staffing: bool) -> None:
    assert list(PLAN.content.staffing())
    surroundings: Any = Surroundings(PsaCapabilities(staffing=staffing))
    context = StageContext(
        opportunity=make.tracked(make.opportunity(), state=State.CREATED, plan_hash=PLAN.hash),
        lease=cast(Any, None),
        systems=surroundings,
        clock=surroundings,
        uow=surroundings,
        effects=surroundings,
        seals=surroundings,
        base_url="http://localhost",
        stage="write_back",
    )

    write_back.run(context)

    asked = [{EffectKind.STAFFING}] if staffing else []
    assert surroundings.performed == [
        {EffectKind.CRM_WRITE_BACK, EffectKind.PSA_PROJECT},
        *asked,
        {EffectKind.PSA_WRITE_BACK},
    ]
