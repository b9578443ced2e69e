"""Which system owns each field of a deal, of a customer and of their link: the part of the table of systems of
record (`oppsync.domain.reading.system_of_record`) that refusals name as well. It is changed here, and nowhere
else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

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
from oppsync.domain.values.model import Frozen


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


class Group(NamedTuple):
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


DEAL_GROUPS = (
    Group(
        "Deal",
        Opportunity,
        CRM,
        within=frozenset({"account", "owner", "created_by", "past_owners", "contract", "lines"}),
        but={"schema_version": OPPSYNC, "unread": OPPSYNC},
        names=dict.fromkeys(("contracting_entity", "region", "service_line", "delivery_model"), CONFIGURATION),
    ),
    Group("Account", Account, CRM, names={"code": ERP}),
    Group("Owner and requester", Owner, CRM),
    Group("Contract", ContractTerms, CRM, within=frozenset({"billing"}), names={"payment_terms": ERP}),
    Group("Terms of billing", BillingTerms, CRM, within=frozenset({"cap", "deposit", "retainer"})),
    Group("Cap", Cap, CRM),
    Group("Deposit", Deposit, CRM),
    Group("Retainer", Retainer, CRM),
    Group(
        "Line",
        OpportunityLine,
        CRM,
        within=frozenset({"milestones", "billing"}),
        names=dict.fromkeys(("service_line", "delivery_region", "role"), CONFIGURATION),
    ),
    Group("Milestone", Milestone, CRM),
    Group("Customer", ErpCustomer, ERP),
    Group("Link of an account to its customer", CustomerLink, OPPSYNC, names={"customer": ERP}),
)
_SUBJECTS: Mapping[SystemOfRecord, str] = {
    CRM: "The CRM",
    ERP: "The ERP",
    CONFIGURATION: "The configuration",
    OPPSYNC: "oppsync",
}


def who_owns(name: str, groups: Iterable[Group] = DEAL_GROUPS) -> str | None:
    """In words, for a field, for a group of them, or for several of such a group. None: nobody does."""
    singular = f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")
    titles: dict[SystemOfRecord, list[str]] = {}
    for group in groups:
        if {name, singular} & {group.title.casefold(), group.shape.__name__.casefold()} or name in group.within:
            return _owned(f"the {name}" if name == singular else name, group.owner, several=name != singular)
        if name in group.shape.model_fields:
            title = group.title[0].lower() + group.title[1:]
            titles.setdefault(group.but.get(name, group.owner), []).append(title)
    said = (_owned(f"{name} ({', '.join(each)})", owner) for owner, each in titles.items())
    return ". ".join(said) or None


def _owned(what: str, owner: SystemOfRecord, *, several: bool = False) -> str:
    where = WHERE_CHANGED[owner]
    are = "are" if several else "is"
    return f"{_SUBJECTS[owner]} owns {what}, which {are} changed {where[0].lower()}{where[1:]}"
