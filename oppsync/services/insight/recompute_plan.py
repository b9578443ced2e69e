"""Make a stored plan again from what was kept of it. Reads Postgres, asks nobody outside, writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oppsync import __version__
from oppsync.domain.approval.who_may import Action
from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.reading.recompute import recompute
from oppsync.domain.reading.recomputed import Recomputed, recomputed
from oppsync.domain.reference.book import ReferenceRow
from oppsync.kernel.errors import Conflict, NotFound
from oppsync.ports.storage.unit_of_work import UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.who_asks import admit
from oppsync.services.insight.commands import RecomputePlan


@dataclass(frozen=True)
class RecomputePlanHandler:
    uow: UnitOfWorkFactory

    def __call__(self, command: RecomputePlan) -> Recomputed:
        tenant_id, of = command.tenant_id, command.opportunity_id
        with self.uow.reading() as uow:
            admit(uow, tenant_id, command.actor, Action.READ)
            plan_hash = command.plan_hash or uow.opportunities.get(tenant_id, of).plan_hash
            if plan_hash is None:
                raise NotFound("This deal has no plan yet.")
            plan = uow.plans.get(tenant_id, of, plan_hash)
            inputs = uow.plan_inputs.get(tenant_id, of, plan_hash)
            if inputs is None:
                raise Conflict(
                    "What this plan was made from is not kept: the release that made it did not, or another "
                    "plan took its place, or its deal ended, too long ago.",
                    code="INPUTS_NOT_KEPT",
                )
            rows = rows_by_which(uow, tenant_id, inputs.configuration)
            replaced = uow.plans.get(tenant_id, of, inputs.replaced).content if inputs.replaced else None
            earlier = [uow.plans.get(tenant_id, of, each).content for each in inputs.earlier]
        return recomputed(plan, inputs, recompute(inputs, rows, replaced, earlier), __version__)


def rows_by_which(uow: UnitOfWork, tenant_id: str, used: ConfigurationUse) -> Sequence[ReferenceRow]:
    """The rows of the configuration that made a plan. Raises Conflict for rows that somebody wrote past the
    versions, and that are not those of now."""
    stored = uow.configurations
    number = used.number or stored.number_of(tenant_id, used.fingerprint)
    if number is not None:
        return stored.rows_of(tenant_id, number)
    rows = stored.rows(tenant_id)
    if fingerprint(rows) == used.fingerprint:
        return rows
    raise Conflict(
        "The rows by which this plan was made were written past the versions, and have changed since: they "
        "are not kept.",
        code="CONFIGURATION_NOT_KEPT",
    )
