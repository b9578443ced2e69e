"""Send an old delivery once more, as CRMs do: it must be recognised, and change nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from adapters.bootstrap import Application
from oppsync.domain.reading.readings import OpportunitySummary
from oppsync.domain.work.states import State
from oppsync.kernel import canonical_json
from sandbox.demo.comparison import Compared, DealComparison
from sandbox.standins.control import SalesforceControl

DELIVERED = "delivered"


@dataclass(frozen=True)
class Resent:
    """The deal of the repeated delivery, and the comparison of both answers."""

    opportunity: OpportunitySummary
    comparison: DealComparison


def resend_old(application: Application, crm: SalesforceControl, of_this_run: Collection[str]) -> Resent | None:
    """Repeat a delivery of an earlier run when there is one, else of this run. None when no deal became
    active."""
    found = [each for each in crm.deliveries() if each["state"] == DELIVERED]
    earlier = [each for each in found if _record_id(each) not in of_this_run]
    for delivery in (*earlier, *found):
        opportunity = _active(application, _record_id(delivery))
        if opportunity is not None:
            return Resent(opportunity, _sent_again(crm, delivery, opportunity))
    return None


def _sent_again(
    crm: SalesforceControl, delivery: dict[str, Any], opportunity: OpportunitySummary
) -> DealComparison:
    answer = crm.resend(delivery["id"])
    row = Compared(
        "delivery sent again",
        delivery["id"],
        {"answer": "200", "event": _event_id(delivery)},
        {"answer": str(answer["status"]), "event": _event_id(answer)},
    )
    title = f"{opportunity.name}: delivered a second time"
    return DealComparison(opportunity.id, title, opportunity.project_number or "", (row,))


def _active(application: Application, record_id: str) -> OpportunitySummary | None:
    rows = application.queries.opportunities(application.tenant_id, state=State.ACTIVE, text=record_id).rows
    return next((row for row in rows if row.source_id == record_id), None)


def _record_id(delivery: dict[str, Any]) -> str:
    return str(canonical_json.loads(delivery["body"])["opportunities"][0]["id"])


def _event_id(delivery: dict[str, Any]) -> str:
    return str(canonical_json.loads(delivery["answer"]).get("event_id", ""))
