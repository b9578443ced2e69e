"""The catalog of reference data: the shape that each kind of row has."""

from __future__ import annotations

from oppsync.domain.deal.customers import CustomerLink
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.reference.entities import (
    CostCentre,
    DeliveryModel,
    LegalEntity,
    ProjectTemplate,
    Region,
    ServiceLine,
)
from oppsync.domain.reference.exchange import ExchangeRate
from oppsync.domain.reference.rates import CostRate, MarginPolicy, Rate, TransferPrice
from oppsync.domain.reference.splitting import SplitRule
from oppsync.domain.reference.tax import TaxExemption, TaxNexus, TaxRegime, TaxTreatment, Withholding
from oppsync.domain.values.model import Frozen

SHAPES: dict[ReferenceKind, type[Frozen]] = {
    ReferenceKind.LEGAL_ENTITY: LegalEntity,
    ReferenceKind.SERVICE_LINE: ServiceLine,
    ReferenceKind.COST_CENTRE: CostCentre,
    ReferenceKind.PROJECT_TEMPLATE: ProjectTemplate,
    ReferenceKind.RATE_CARD: Rate,
    ReferenceKind.TAX_TREATMENT: TaxTreatment,
    ReferenceKind.DELIVERY_MODEL: DeliveryModel,
    ReferenceKind.REGION: Region,
    ReferenceKind.SPLIT_RULE: SplitRule,
    ReferenceKind.TRANSFER_PRICE: TransferPrice,
    ReferenceKind.COST_RATE: CostRate,
    ReferenceKind.MARGIN_POLICY: MarginPolicy,
    ReferenceKind.APPROVAL_RULE: ApprovalRule,
    ReferenceKind.TAX_REGIME: TaxRegime,
    ReferenceKind.TAX_NEXUS: TaxNexus,
    ReferenceKind.TAX_EXEMPTION: TaxExemption,
    ReferenceKind.WITHHOLDING: Withholding,
    ReferenceKind.EXCHANGE_RATE: ExchangeRate,
    ReferenceKind.CUSTOMER_LINK: CustomerLink,
}
