"""Open an exception item for a deal, and get an open item to work on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.work.events import ExceptionRaised
from oppsync.domain.work.exceptions import Disposition, ExceptionItem, ExceptionStatus, NewException
from oppsync.domain.work.payload_references import record_reference
from oppsync.domain.work.states import RESTING, State
from oppsync.kernel.errors import Conflict
from oppsync.pipeline.exception_items import raise_or_reopen
from oppsync.pipeline.table import PIPELINE
from oppsync.ports.storage.unit_of_work import UnitOfWork


def raise_for_deal(
    uow: UnitOfWork,
    tenant_id: str,
    opportunity_id: UUID,
    findings: Sequence[Finding],
    *,
    actor: str,
    record: Opportunity | None,
    stage: str | None = None,
    payload_reference: str | None = None,
    disposition: Disposition = Disposition.BUSINESS,
) -> ExceptionRaised:
    """Open one item for all findings; the first gives it its code and owner. Returns the event to publish.
    `record`: of the deal, as it is read now. The payload is that unless another reference is given."""
    first = findings[0]
    new = NewException(
        tenant_id=tenant_id,
        opportunity_id=opportunity_id,
        stage=stage,
        disposition=disposition,
        code=first.code,
        message=first.message,
        owner=first.owner,
        findings=tuple(findings),
        payload_reference=payload_reference or record_reference(opportunity_id),
    )
    item_id = raise_or_reopen(uow, new, lambda item: uow.exceptions.went_on(item, _starts(item.stage)), record)
    return ExceptionRaised(
        opportunity_id=opportunity_id,
        actor=actor,
        detail={"exception": str(item_id), "codes": [found.code for found in findings]},
        summary="; ".join(f"{found.code}: {found.message}" for found in findings),
    )


def _starts(stage: str | None) -> Collection[State]:
    """The states from which a stage works: a deal that went on from one of them has done it. What is no stage
    may stop a deal anywhere."""
    starts = next((each.starts for each in PIPELINE if each.name == stage), None)
    return starts or [state for state in State if state not in RESTING]


def open_item(uow: UnitOfWork, tenant_id: str, item_id: UUID) -> ExceptionItem:
    """The item, locked until the transaction ends. Raises NotFound; Conflict when it is closed already."""
    item = uow.exceptions.get(tenant_id, item_id)
    if item.status is not ExceptionStatus.OPEN:
        raise Conflict(f"This item was already {item.status} by {item.closed_by}.", code="ALREADY_CLOSED")
    return item
