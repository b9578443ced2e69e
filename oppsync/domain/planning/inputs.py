"""What a plan was made from: kept with it, so that it can be made again as it was."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime

from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import PlanOverride
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.reference.book import ReferenceRow
from oppsync.domain.validation.confirmations import Confirmation
from oppsync.domain.validation.erp_facts import ErpFacts
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.model import Code, Frozen, omitted_at


class PlanInputs(Frozen):
    """All that the plan's content follows from, with the rows of `configuration`; and the `warnings` of
    validation.

    `release`: of the code that made it. `moment`: when; by it today's date at the entity. `customer`: as the
    ERP had it. `erp`: what the ERP of `systems` could do. `books_open_until`: of the entity in the ERP, where
    it was asked for an overridden end; `erp_facts`: what else the ERP said, when the deal was validated.
    `knows_customer`: whether a deal of theirs had been active, where an approval step asked. `links`: rows of
    the account that no configuration has. `overrides`: all, those taken back too.

    `replaced` and `earlier`: hashes of the deal's other plans, where they had a say in the paths of its lines.
    `enrichment`: where it is not what the rows of `configuration` give, because they changed meanwhile.
    """

    release: Code
    configuration: ConfigurationUse
    moment: AwareDatetime
    record: Opportunity
    customer: ErpCustomer | None = omitted_at(None)
    knows_customer: bool = omitted_at(False)
    systems: PlanSystems
    erp: ErpCapabilities
    books_open_until: date | None = omitted_at(None)
    erp_facts: ErpFacts | None = omitted_at(None)
    confirmations: tuple[Confirmation, ...] = omitted_at(())
    warnings: tuple[Finding, ...] = omitted_at(())
    links: tuple[ReferenceRow, ...] = omitted_at(())
    overrides: tuple[PlanOverride, ...] = omitted_at(())
    replaced: Code | None = omitted_at(None)
    earlier: tuple[Code, ...] = omitted_at(())
    enrichment: Enrichment | None = omitted_at(None)
