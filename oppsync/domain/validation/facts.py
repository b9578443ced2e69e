"""What validation needs to know besides the deal itself, gathered before any rule runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date

from pydantic import AwareDatetime, Field

from oppsync.domain.billing.terms import with_periods
from oppsync.domain.deal.customers import CustomerMatch
from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.policy.firm_rules import FirmRules
from oppsync.domain.reference.entities import LegalEntity
from oppsync.domain.validation.confirmations import Confirmation
from oppsync.domain.validation.other_deals import OtherDeal
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import Frozen, Text

# Lists to choose from, of which validation quotes a value that it does not know.
NAMED = (
    "/billing_model",
    "/lines/billing_model",
    "/currency",
    "/contracting_entity",
    "/contract/payment_terms",
    "/delivery_model",
    "/service_line",
    "/lines/service_line",
    "/region",
    "/lines/delivery_region",
)


class ValidationFacts(Frozen):
    """`legal_entity` is the reference row valid on the day the deal was won; None when there is none.

    `missing_in_erp` lists in words what that entity lacks in the ERP, `erp` is what the ERP can do. `today` is
    the date in the entity's time zone. `payment_terms`: those the ERP has, read where it does not know the
    deal's. `books_open_until`: the last day of the entity's open fiscal years in the ERP, where known.
    `customer`: who in the ERP the account is, or may be. `waits_until`: when the close date begins at the
    entity, where it is waited for. `confirmations`: what people confirmed of this deal. `others`: deals that
    may share its purchase order, or be its clones. `legal_entities`: those valid on the day of the deal.
    `rules`: those of the firm. `crm_fields`: what the CRM calls some of its fields, by the place in the deal
    (`NAMED`).
    """

    legal_entity: LegalEntity | None
    missing_in_erp: tuple[Text, ...] = ()
    erp: ErpCapabilities
    today: date
    payment_terms_known: bool = True
    payment_terms: tuple[Text, ...] = ()
    books_open_until: date | None = None
    customer: CustomerMatch = CustomerMatch()
    waits_until: AwareDatetime | None = None
    confirmations: tuple[Confirmation, ...] = ()
    others: tuple[OtherDeal, ...] = ()
    legal_entities: tuple[Text, ...] = ()
    rules: FirmRules = FirmRules()
    crm_fields: dict[Text, FieldOfCrm] = Field(default_factory=dict)

    def with_periods(self, opportunity: Opportunity) -> Opportunity:
        """Say on the deal what its periods are."""
        entity = self.legal_entity
        return with_periods(opportunity, entity.billing_policy) if entity else opportunity

    def field_at(self, place: str) -> FieldOfCrm:
        """Return the name that people have for the field of a place in the deal."""
        return self.crm_fields.get(_POSITION.sub("", place)) or field_words(place)


_POSITION = re.compile(r"/\d+(?=/)")
# A rule whose input is missing is silent: the missing field has a finding of its own.
Rule = Callable[[Opportunity, ValidationFacts], Iterable[Finding]]
