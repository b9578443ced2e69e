"""Which system owns each field: the one table. It is changed there, and nowhere else.

An override changes a plan and not the field. What a row only names (the ERP's cost centre, say) belongs to the
system that has it, under the name that stands there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from oppsync.domain.catalog import CATALOG
from oppsync.domain.configuration.files import FILES, VALID_FROM, VALID_TO
from oppsync.domain.deal.billing_terms import BillingTerms, Cap, Deposit, Retainer
from oppsync.domain.deal.customers import CustomerLink, ErpCustomer
from oppsync.domain.deal.opportunity import (
    Account,
    ContractTerms,
    Milestone,
    Opportunity,
    OpportunityLine,
    Owner,
)
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.orders import WriteBack
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.model import Code, Frozen, Text


class SystemOfRecord(StrEnum):
    CRM = "crm"
    ERP = "erp"
    CONFIGURATION = "configuration"
    OPPSYNC = "oppsync"


CRM, ERP = SystemOfRecord.CRM, SystemOfRecord.ERP
CONFIGURATION, OPPSYNC = SystemOfRecord.CONFIGURATION, SystemOfRecord.OPPSYNC
WHERE_CHANGED: Mapping[SystemOfRecord, str] = {
    CRM: "In the CRM; the deal is read again by itself",
    ERP: "In the ERP",
    CONFIGURATION: "In the configuration, by whoever may propose one",
    OPPSYNC: "By oppsync alone",
}


class FieldOwner(Frozen):
    """`group`: what the field is a part of. `names`: the system of the record that its value names, where it
    is another's."""

    group: Text
    field: Code
    owner: SystemOfRecord
    names: SystemOfRecord | None = None


class _Group(NamedTuple):
    """A shape whose fields belong to `owner`; `besides`: further ones, such as the parts of a row's key.
    `but`: those that belong to another. `names`: those whose value names another's record. `within`: fields
    that are groups of their own."""

    title: str
    shape: type[Frozen]
    owner: SystemOfRecord
    within: frozenset[str] = frozenset()
    but: Mapping[str, SystemOfRecord] = MappingProxyType({})
    names: Mapping[str, SystemOfRecord] = MappingProxyType({})
    besides: tuple[str, ...] = ()


_DEAL_GROUPS = (
    _Group(
        "Deal",
        Opportunity,
        CRM,
        within=frozenset({"account", "owner", "created_by", "past_owners", "contract", "lines"}),
        but={"schema_version": OPPSYNC, "unread": OPPSYNC},
        names=dict.fromkeys(("contracting_entity", "region", "service_line", "delivery_model"), CONFIGURATION),
    ),
    _Group("Account", Account, CRM, names={"code": ERP}),
    _Group("Owner and requester", Owner, CRM),
    _Group("Contract", ContractTerms, CRM, within=frozenset({"billing"}), names={"payment_terms": ERP}),
    _Group("Terms of billing", BillingTerms, CRM, within=frozenset({"cap", "deposit", "retainer"})),
    _Group("Cap", Cap, CRM),
    _Group("Deposit", Deposit, CRM),
    _Group("Retainer", Retainer, CRM),
    _Group(
        "Line",
        OpportunityLine,
        CRM,
        within=frozenset({"milestones", "billing"}),
        names=dict.fromkeys(("service_line", "delivery_region", "role"), CONFIGURATION),
    ),
    _Group("Milestone", Milestone, CRM),
    _Group(
        "Write-back in the CRM and the PSA", WriteBack, OPPSYNC, but={"project_number": ERP, "project_url": ERP}
    ),
    _Group("Customer", ErpCustomer, ERP),
    _Group("Link of an account to its customer", CustomerLink, OPPSYNC, names={"customer": ERP}),
    _Group(
        "Project, task or invoice",
        ExternalRecord,
        ERP,
        but={"differences": OPPSYNC, "revisable": OPPSYNC},
    ),
)
# What rows name of other systems. Names and codes of the CRM are what rows are found by.
_ROWS_NAME: Mapping[ReferenceKind, Mapping[str, SystemOfRecord]] = {
    ReferenceKind.LEGAL_ENTITY: {"crm_name": CRM, "erp_company": ERP},
    ReferenceKind.SERVICE_LINE: {"crm_name": CRM},
    ReferenceKind.DELIVERY_MODEL: {"crm_name": CRM},
    ReferenceKind.REGION: {"crm_name": CRM},
    ReferenceKind.COST_CENTRE: {"code": ERP},
    ReferenceKind.RATE_CARD: {"customer": ERP},
    ReferenceKind.TAX_TREATMENT: {"code": ERP},
    ReferenceKind.TAX_REGIME: dict.fromkeys(
        ("standard_code", "reverse_charge_code", "outside_scope_code", "exempt_code", "not_taxable_code"), ERP
    ),
    ReferenceKind.TAX_NEXUS: {"code": ERP},
    ReferenceKind.TAX_EXEMPTION: {"customer": ERP},
}
GROUPS = (
    *_DEAL_GROUPS,
    *(
        _Group(
            file.name,
            CATALOG[kind].shape,
            CONFIGURATION,
            names=_ROWS_NAME.get(kind, {}),
            besides=(*file.parts, VALID_FROM, VALID_TO),
        )
        for kind, file in FILES.items()
    ),
)


def systems_of_record() -> tuple[FieldOwner, ...]:
    return tuple(
        FieldOwner(
            group=group.title, field=name, owner=group.but.get(name, group.owner), names=group.names.get(name)
        )
        for group in GROUPS
        for name in dict.fromkeys((*group.besides, *group.shape.model_fields))
        if name not in group.within
    )
