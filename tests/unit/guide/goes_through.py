"""Take a deal with a success fee from validation to its plan, in a tree to which that model was added."""

from __future__ import annotations

import json
import sys

from oppsync.domain.reading.why import why
from oppsync.domain.reference.billing_policy import BillingPolicy
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.reference.entities import ProjectTemplate
from oppsync.domain.validation.table import validate
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.pipeline import enrich
from oppsync.pipeline.stage import Advance, Outcome
from sandbox.firm.demo_firm import BEGIN, reference_rows
from tests.harness import builders as make
from web.pages.statuses import BILLING_MODELS


def recognising() -> ReferenceRow:
    """The contracting entity, with a policy that asks for revenue schedules."""
    known = next(row for row in reference_rows() if row.key == "ACME-DE" and row.kind == "legal_entity")
    policy = BillingPolicy(recognises_revenue=True).model_dump(mode="json")
    return changed(known, value=known.value | {"billing_policy": policy})


def template() -> ReferenceRow:
    """What the firm's configuration says of the new model."""
    value = ProjectTemplate(code="TPL-CLOUD-DACH-SF", name="Success fee").model_dump(mode="json")
    key = "CLOUD|DACH|success_fee"
    return ReferenceRow(kind=ReferenceKind.PROJECT_TEMPLATE, key=key, valid_from=BEGIN, value=value)


def advanced(outcome: Outcome) -> Advance:
    assert isinstance(outcome, Advance), outcome
    return outcome


def main() -> None:
    deal = make.opportunity(
        make.fixed_line(id="00kL9", billing_model="success_fee", description="A tenth cheaper"),
        make.time_line(),
    )
    book = make.book(recognising(), template(), without=frozenset({ReferenceKind.MARGIN_POLICY}))
    unsaid = make.opportunity(make.fixed_line(billing_model="success_fee", description=None))

    validated = make.tracked(deal, state=State.VALIDATED)
    enriched = advanced(enrich.decide(validated, book)).opportunity
    plan = advanced(make.planned(enriched, book)).plan
    assert plan is not None
    index, node = next((n, each) for n, each in enumerate(plan.content.nodes) if each.path == "00kL9")
    (billed,) = why(plan, f"/nodes/{index}/lines/0/due_on").reasons
    seen = {
        "findings": [found.code for found in validate(deal, make.facts())],
        "findings of a line that says nothing": [found.code for found in validate(unsaid, make.facts())],
        "template": node.template,
        "lines": [[line.kind, line.amount.text, str(line.due_on)] for line in node.lines],
        "revenue": [node.revenue.method, node.revenue.lines[0].period] if node.revenue else None,
        "why": billed.says.partition(";")[0],
        "title": BILLING_MODELS[node.billing_model] if node.billing_model else None,
    }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
