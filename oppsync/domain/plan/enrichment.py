"""What reference data adds to a deal: the result of the `enrich` stage."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from pydantic import Field

from oppsync.domain.plan.conversion import ConversionRate
from oppsync.domain.policy.filling import FilledField
from oppsync.domain.reference.book import ReferenceUse
from oppsync.domain.reference.entities import (
    CostCentre,
    DeliveryModel,
    LegalEntity,
    ProjectTemplate,
    Region,
    ServiceLine,
)
from oppsync.domain.reference.rates import CostRate, Rate, TransferPrice
from oppsync.domain.reference.splitting import SplitRule
from oppsync.domain.reference.tax import TaxTreatment, Withholding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import Code, Frozen, omitted_at


class IntercompanyDelivery(Frozen):
    """The work is done by another entity of ours than the one that sells. The selling entity books its revenue
    on `revenue_cost_centre`, the delivering one its cost on the line's own cost centre."""

    entity: LegalEntity
    transfer_price: TransferPrice
    revenue_cost_centre: CostCentre


class LineEnrichment(Frozen):
    """The reference data of one delivery line. `rate` is set for time and materials only; `rows` are the
    reference rows that its values came from.

    `split_rule` decides the line's workstream; without one it is a workstream of its own.
    """

    line_id: Code
    service_line: ServiceLine
    region: Region
    cost_centre: CostCentre
    template: ProjectTemplate
    rate: Rate | None = None
    cost_rate: CostRate | None = Field(default=None, exclude_if=lambda value: value is None)
    split_rule: SplitRule | None = Field(default=None, exclude_if=lambda rule: rule is None)
    intercompany: IntercompanyDelivery | None = Field(
        default=None, exclude_if=lambda delivery: delivery is None
    )
    rows: tuple[ReferenceUse, ...] = Field(default=(), exclude_if=lambda value: not value)


class Enrichment(Frozen):
    """The reference data of the whole deal. `used` names every reference row a value came from; `customer` is
    the ERP's code of an account that has none, or spells it otherwise; `filled` are fields that the record
    leaves empty, as rules filled them; `warnings` did not block it.

    `replaces` is the hash of the approved plan in whose place the deal is planned anew, until it is active. It
    is kept here because a release that does not know it cannot read the enrichment, and so leaves the deal
    alone: it would not close what the old plan made.
    """

    legal_entity: LegalEntity
    customer: Code | None = omitted_at(None)
    tax: TaxTreatment
    withholding: Withholding | None = omitted_at(None)
    exchanges: tuple[ConversionRate, ...] = omitted_at(())
    delivery_model: DeliveryModel | None = None
    lines: tuple[LineEnrichment, ...]
    used: tuple[ReferenceUse, ...]
    warnings: tuple[Finding, ...] = Field(default=(), exclude_if=lambda value: not value)
    filled: tuple[FilledField, ...] = omitted_at(())
    replaces: Code | None = omitted_at(None)

    def line(self, line_id: str) -> LineEnrichment:
        return self._by_id[line_id]

    @cached_property
    def _by_id(self) -> Mapping[str, LineEnrichment]:
        """Indexed once: a deal of many lines asks for each of them."""
        return {line.line_id: line for line in self.lines}
