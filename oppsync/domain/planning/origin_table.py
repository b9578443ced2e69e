"""What each value of a plan is made of.

A table for each kind of thing in a plan: field -> the rule that made it, the fields of the CRM's record and the
kinds of reference rows it was made of. A new field of the plan gets its row here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from oppsync.domain.billing.fixed_fee_deposit import DEPOSIT
from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.opportunity import BillingModelCode, Opportunity, OpportunityLine, Unit
from oppsync.domain.plan.enrichment import Enrichment
from oppsync.domain.plan.overrides import AppliedOverride, OverrideField
from oppsync.domain.plan.plan import BillingLine, ContractFacts, LineKind
from oppsync.domain.policy.rule import PLACE_OF
from oppsync.domain.reference.book import ReferenceKind, ReferenceUse
from oppsync.kernel.json_pointer import pointer

BILLING = "billing."
OVERRIDDEN = "overridden"
STATED, FILLED = "stated", "filled"

# What each rule does, as `why` explains it. Billing models have rules named after them: `billing.fixed_fee`.
RULES: dict[str, str] = {
    "form": "the form of this document",
    OVERRIDDEN: "a person overrode it before the plan was approved",
    STATED: "as in the CRM",
    FILLED: "filled by a rule of the firm, because the CRM has nothing there",
    "in_the_erp": "as the ERP had the customer of this code when the deal was validated",
    "looked_up": "from the reference data",
    "tree": "where it stands in the tree: parents first, a workstream alone is the project itself",
    "path": "made of the CRM's ids, or of the split rule and its group",
    "named": "the name of what was sold, by the split rule and the template where they name it",
    "split": "what was sold on its lines, spread by the split rule where there is one",
    "billable": "the amount that was signed, less what lies beyond caps",
    "capped": "what was sold; a cap allows less of it to be invoiced",
    "rounded": "by how much the lines' net amounts miss the amount that was signed, part of the amount",
    "converted": "total and cost at the rate of the day, into the currencies of the contracting entity",
    "taxed": "decided from the contracting entity, where the customer is and how it is registered",
    "withheld": "what the customer's country withholds, shown and not deducted",
    "patterned": "by the template's numbering pattern",
    "staffed": "hours by the template's budget, or those of the roles that were sold",
    "phased": "the run of its workstream, or of the template's phase",
    "recognised": "by the method of the entity's policy for its billing model, a discount spread by list price",
    "terms": "the billing terms that its model uses, the line's before the contract's",
    "cost": "hours at their cost rates",
    "margin": "what is left of the price after the cost, in per cent of the price",
    "sum": "the sum of the workstreams below",
    "span": "from the first start to the last end of the workstreams below",
    "task": "a task of the template, which carries no money of its own",
    "matrix": "finance and delivery, and whom the approval steps that were valid when it was planned add",
    "delivered": "another entity delivers than the one that sells",
}


class DealIndex:
    """A deal's lines and the reference rows they used, indexed once: a plan of many lines asks for each of
    them."""

    def __init__(self, opportunity: Opportunity, enrichment: Enrichment) -> None:
        self._position = {line.id: index for index, line in enumerate(opportunity.lines)}
        self._lines = opportunity.lines
        self._of_line = {line.line_id: line.rows for line in enrichment.lines}
        self._order = {use: number for number, use in enumerate(enrichment.used)}
        by_lines = {use for rows in self._of_line.values() for use in rows}
        self._of_deal = [use for use in enrichment.used if use not in by_lines]
        self._rows: dict[tuple[str, ...], Sequence[ReferenceUse]] = {}

    def position(self, line: OpportunityLine) -> int:
        return self._position[line.id]

    def lines(self, ids: Iterable[str]) -> tuple[OpportunityLine, ...]:
        """In the order of the opportunity."""
        return tuple(self._lines[position] for position in sorted(self._position[each] for each in ids))

    def rows(self, lines: Sequence[OpportunityLine]) -> Sequence[ReferenceUse]:
        """The rows that these lines used and those that no line used, which are the deal's own, in their
        order. Kept, because every instalment of a line asks for the same ones."""
        ids = tuple(line.id for line in lines)
        if ids not in self._rows:
            uses = {use for line_id in ids for use in self._of_line[line_id] if use in self._order}
            self._rows[ids] = sorted((*self._of_deal, *uses), key=self._order.__getitem__)
        return self._rows[ids]


@dataclass(frozen=True)
class Basis:
    """The inputs of one thing in a plan. `lines` are the CRM's lines it is made of, `deliverer` is the entity
    that delivers it, `applied` are its overrides. Where it `is_shared` by several lines with terms of their
    own, the CRM's fields count beside the overrides."""

    opportunity: Opportunity
    enrichment: Enrichment
    index: DealIndex
    lines: tuple[OpportunityLine, ...]
    applied: tuple[AppliedOverride, ...] = ()
    is_shared: bool = True
    deliverer: str = ""
    billing_line: BillingLine | None = None
    billing_model: str = ""

    @cached_property
    def filled(self) -> Mapping[str, ReferenceUse]:
        """Fields that the record leaves empty, and the rule that filled each."""
        return {PLACE_OF[each.field]: each.use for each in self.enrichment.filled}

    @cached_property
    def rows(self) -> Sequence[ReferenceUse]:
        """The rows of the lines in question and of the deal itself; rows of overrides replace them."""
        rows = self.index.rows(self.lines)
        for new in (use for each in self.applied for use in each.rows):
            rows = [*(use for use in rows if not _replaces(new, use)), new]
        return rows

    def at(self, line: OpportunityLine, *parts: object) -> str:
        return pointer(("lines", self.index.position(line), *parts))


def _replaces(new: ReferenceUse, old: ReferenceUse) -> bool:
    """Whether `new` takes the place of `old`: a workstream has one row of a kind, or one a kind and entity."""
    by_entity = new.kind in (ReferenceKind.COST_CENTRE, ReferenceKind.LEGAL_ENTITY)
    same = not by_entity or new.key.partition("|")[0] == old.key.partition("|")[0]
    return new.kind is old.kind and same


Fields = Callable[[Basis], Iterator[str]]
Picks = Callable[[ReferenceUse, Basis], bool]


class Row(NamedTuple):
    """`rule` is a name in RULES. `pick` leaves out rows of the right kinds that belong to another field."""

    rule: str
    fields: Sequence[Fields] = ()
    rows: Sequence[ReferenceKind] = ()
    pick: Picks = lambda use, basis: True


def of_deal(*pointers: str) -> Fields:
    return lambda basis: iter(pointers)


def of_lines(name: str) -> Fields:
    """A field of each line, where the line has it."""
    return lambda basis: (basis.at(line, name) for line in basis.lines if getattr(line, name) not in (None, ""))


def of_lines_or_deal(name: str, above: str) -> Fields:
    """A line's own field, or the deal's that it falls back to."""

    def fields(basis: Basis) -> Iterator[str]:
        return (f"/{above}" if getattr(line, name) is None else basis.at(line, name) for line in basis.lines)

    return fields


def customer(basis: Basis) -> Iterator[str]:
    """The fields that decide the tax: where the customer is, and how it is registered."""
    account = basis.opportunity.account
    for name in ("country", "subdivision", "tax_id"):
        if account is not None and getattr(account, name, None) is not None:
            yield f"/account/{name}"
    if basis.opportunity.contract.place_of_supply is not None:
        yield "/contract/place_of_supply"


def customer_code(basis: Basis) -> Iterator[str]:
    """The customer's code, or the account from which the customer was found."""
    account = basis.opportunity.account
    yield "/account/code" if account is not None and account.code is not None else "/account/id"


def contract_facts(basis: Basis) -> Iterator[str]:
    """The fields of the contract besides money, where they are set."""
    for name in ContractFacts.model_fields:
        if getattr(basis.opportunity.contract, name) is not None:
            yield f"/contract/{name}"


def hours_sold(basis: Basis) -> Iterator[str]:
    for line in basis.lines:
        if line.unit is Unit.HOUR:
            yield basis.at(line, "quantity")
        elif line.planned_hours is not None:
            yield basis.at(line, "planned_hours")


def titles(basis: Basis) -> Iterator[str]:
    """The field that `OpportunityLine.title` comes from."""
    for line in basis.lines:
        names = ("description", "product_name", "product_code")
        yield basis.at(line, next((name for name in names if getattr(line, name)), "id"))


def terms(basis: Basis) -> Iterator[str]:
    """The terms that the billing model uses, a line's own or the contract's; for dated lines the frequency
    too."""
    model, contract = BILLING_MODELS.get(basis.billing_model), basis.opportunity.contract
    names = set(model.uses) if model else set()
    if basis.billing_line is not None and basis.billing_line.kind is LineKind.DATED:
        names.add("frequency")
    for line in basis.lines:
        for name in sorted(names):
            if getattr(line.billing, name) is not None:
                yield basis.at(line, "billing", name)
            elif getattr(contract.billing, name) is not None:
                yield f"/contract/billing/{name}"
            elif name == "frequency":
                yield "/contract/billing_frequency"
            elif name == "periods" and contract.billing_periods is not None:
                yield "/contract/billing_periods"


def caps(basis: Basis) -> Iterator[str]:
    """The caps of the lines, where they have one: what lies beyond it is not billable."""
    contract = basis.opportunity.contract
    for line in basis.lines:
        if basis.opportunity.billing_model_of(line) == BillingModelCode.TIME_AND_MATERIALS_CAPPED:
            if line.billing.cap is not None:
                yield basis.at(line, "billing", "cap")
            elif contract.billing.cap is not None:
                yield "/contract/billing/cap"


def of_milestone(name: str) -> Fields:
    """A field of the milestone that a billing line is for."""

    def fields(basis: Basis) -> Iterator[str]:
        _, _, known = (basis.billing_line.path if basis.billing_line else "").rpartition("/milestone/")
        for line in basis.lines:
            for index, milestone in enumerate(line.milestones):
                if milestone.id == known:
                    yield basis.at(line, "milestones", index, name)

    return fields


def signing(basis: Basis) -> Iterator[str]:
    """The signing date, where it decides when a deposit is due."""
    line, signed_on = basis.billing_line, basis.opportunity.contract.signed_on
    if line is not None and signed_on is not None and line.path.endswith(f"/{DEPOSIT}"):
        yield "/contract/signed_on"


def contracting(use: ReferenceUse, basis: Basis) -> bool:
    """Leaves out the entities that only deliver."""
    return use.kind is not ReferenceKind.LEGAL_ENTITY or use.key == basis.opportunity.contracting_entity


def selling_centre(use: ReferenceUse, basis: Basis) -> bool:
    return use.key.startswith(f"{basis.enrichment.legal_entity.code}|")


def own_centre(use: ReferenceUse, basis: Basis) -> bool:
    """The cost centre of whoever delivers."""
    return use.key.startswith(f"{basis.deliverer}|")


def of_delivery(use: ReferenceUse, basis: Basis) -> bool:
    """The two entities, and the cost centre of the one that sells."""
    if use.kind is ReferenceKind.LEGAL_ENTITY:
        return use.key in (basis.enrichment.legal_entity.code, basis.deliverer)
    return use.kind is not ReferenceKind.COST_CENTRE or selling_centre(use, basis)


K = ReferenceKind
MODEL = of_lines_or_deal("billing_model", "billing_model")
SERVICE_LINE = of_lines_or_deal("service_line", "service_line")
REGION = of_lines_or_deal("delivery_region", "region")
RUN = (of_lines_or_deal("starts_on", "starts_on"), of_lines_or_deal("ends_on", "ends_on"))
ENTITY = of_deal("/contracting_entity")
NET = of_lines("net")
LIST = of_lines("unit_price")

# The override that replaces the CRM's fields.
SAID_INSTEAD: dict[Fields, OverrideField] = {
    titles: OverrideField.NAME,
    RUN[0]: OverrideField.STARTS_ON,
    RUN[1]: OverrideField.ENDS_ON,
    hours_sold: OverrideField.HOURS,
    SERVICE_LINE: OverrideField.SERVICE_LINE,
}

TAX = Row(
    "taxed",
    [ENTITY, customer],
    [K.TAX_TREATMENT, K.TAX_REGIME, K.TAX_NEXUS, K.TAX_EXEMPTION, K.LEGAL_ENTITY],
    contracting,
)

OF_DEAL: dict[str, Row] = {
    "schema": Row("form"),
    "record_id": Row("stated", [of_deal("/id")]),
    "name": Row("stated", [of_deal("/name")]),
    "customer": Row("stated", [customer_code], [K.CUSTOMER_LINK]),
    "customer_name": Row("stated", [of_deal("/account/name")]),
    "legal_entity": Row("looked_up", [ENTITY], [K.LEGAL_ENTITY], contracting),
    "erp_company": Row("looked_up", [ENTITY], [K.LEGAL_ENTITY], contracting),
    "entity_currency": Row("looked_up", [ENTITY], [K.LEGAL_ENTITY], contracting),
    "currency": Row("stated", [of_deal("/currency")]),
    "total": Row("billable", [of_deal("/amount", "/currency"), caps]),
    "conversions": Row(
        "converted",
        [of_deal("/amount", "/currency"), ENTITY, hours_sold],
        [K.LEGAL_ENTITY, K.EXCHANGE_RATE],
        contracting,
    ),
    "tax": TAX,
    "tax_percent": TAX,
    "tax_reason": TAX,
    "tax_kind": TAX,
    "withholding": Row("withheld", [of_deal("/account/country", "/amount")], [K.WITHHOLDING]),
    "tax_rounding": Row("looked_up", [ENTITY], [K.LEGAL_ENTITY], contracting),
    "payment_terms": Row("stated", [of_deal("/contract/payment_terms")]),
    "po_number": Row("stated", [of_deal("/contract/po_number")]),
    "po_expires_on": Row("stated", [of_deal("/contract/po_expires_on")]),
    "contract": Row("stated", [contract_facts]),
    "new_customer": Row("stated", [customer_code, of_deal("/account/name", "/account/country")]),
    "erp_customer": Row("in_the_erp", [customer_code], [K.CUSTOMER_LINK]),
    "po_limit": Row("stated", [of_deal("/contract/po_limit", "/currency")]),
    "delivery_model": Row("looked_up", [of_deal("/delivery_model")], [K.DELIVERY_MODEL]),
    "compliance": Row("looked_up", [REGION], [K.REGION]),
    "approvals": Row("matrix", rows=[K.APPROVAL_STEP]),
}

# The parent project of workstreams.
OF_PARENT: dict[str, Row] = {
    "path": Row("tree"),
    "kind": Row("tree"),
    "name": Row("stated", [of_deal("/name")]),
    "amount": Row("sum", [NET, caps]),
    "estimate": Row("sum", [NET]),
    "rounding": Row("rounded", [of_deal("/amount"), NET]),
    "hours": Row("sum", [hours_sold]),
    "cost": Row("cost", [hours_sold], [K.COST_RATE]),
    "margin_percent": Row("margin", [NET, hours_sold], [K.COST_RATE]),
    "starts_on": Row("span", [RUN[0]]),
    "ends_on": Row("span", [RUN[1]]),
}

OF_WORKSTREAM: dict[str, Row] = {
    "path": Row("path", [of_lines("id")], [K.SPLIT_RULE]),
    "parent": Row("tree"),
    "kind": Row("tree"),
    "name": Row("named", [titles, of_deal("/name")], [K.SPLIT_RULE, K.PROJECT_TEMPLATE]),
    "number": Row("patterned", [of_deal("/id", "/name"), of_lines("id"), titles], [K.PROJECT_TEMPLATE]),
    "role": Row("stated", [of_lines("role")]),
    "time_entry": Row("looked_up", [SERVICE_LINE, REGION, MODEL], [K.PROJECT_TEMPLATE]),
    "staffing": Row("staffed", [hours_sold, *RUN, of_lines("role")], [K.PROJECT_TEMPLATE, K.REGION]),
    "billing_model": Row("stated", [MODEL]),
    "amount": Row("split", [NET, caps], [K.SPLIT_RULE]),
    "estimate": Row("capped", [NET], [K.SPLIT_RULE]),
    "rounding": Row("rounded", [of_deal("/amount"), NET], [K.SPLIT_RULE]),
    "hours": Row("split", [hours_sold], [K.SPLIT_RULE]),
    "starts_on": Row("split", [RUN[0]], [K.SPLIT_RULE]),
    "ends_on": Row("split", [RUN[1]], [K.SPLIT_RULE]),
    "revenue": Row("recognised", [NET, LIST, *RUN], [K.LEGAL_ENTITY], contracting),
    "terms": Row("terms", [terms]),
    "cost": Row("cost", [hours_sold, of_lines("role")], [K.COST_RATE, K.SPLIT_RULE]),
    "margin_percent": Row("margin", [NET, hours_sold], [K.COST_RATE, K.SPLIT_RULE]),
    "rate_card": Row("looked_up", [REGION, of_lines("role")], [K.RATE_CARD]),
    "service_line": Row("looked_up", [SERVICE_LINE], [K.SERVICE_LINE]),
    "cost_centre": Row("looked_up", [ENTITY, SERVICE_LINE], [K.COST_CENTRE], own_centre),
    "template": Row("looked_up", [SERVICE_LINE, REGION, MODEL], [K.PROJECT_TEMPLATE]),
    "intercompany": Row(
        "delivered",
        [ENTITY, REGION, SERVICE_LINE],
        [K.REGION, K.SPLIT_RULE, K.LEGAL_ENTITY, K.TRANSFER_PRICE, K.COST_CENTRE],
        of_delivery,
    ),
}

OF_TASK: dict[str, Row] = {
    "path": Row("tree", rows=[K.PROJECT_TEMPLATE]),
    "parent": Row("tree"),
    "kind": Row("tree"),
    "name": Row("task", rows=[K.PROJECT_TEMPLATE]),
    "role": Row("task", rows=[K.PROJECT_TEMPLATE]),
    "time_entry": Row("task", rows=[K.PROJECT_TEMPLATE]),
    "amount": Row("task", [of_deal("/currency")]),
    "starts_on": Row("phased", [*RUN], [K.SPLIT_RULE, K.PROJECT_TEMPLATE]),
    "ends_on": Row("phased", [*RUN], [K.SPLIT_RULE, K.PROJECT_TEMPLATE]),
}

OF_BILLING_LINE: dict[str, Row] = {
    "path": Row("path", [of_lines("id")], [K.SPLIT_RULE]),
    "kind": Row(BILLING, [MODEL]),
    "description": Row(BILLING, [titles]),
    "amount": Row(BILLING, [NET, terms], [K.LEGAL_ENTITY, K.SPLIT_RULE], contracting),
    "estimate": Row("capped", [NET], [K.SPLIT_RULE]),
    "due_on": Row(BILLING, [*RUN, terms], [K.LEGAL_ENTITY, K.SPLIT_RULE], contracting),
    "period_starts_on": Row(BILLING, [*RUN, terms], [K.SPLIT_RULE]),
    "period_ends_on": Row(BILLING, [*RUN, terms], [K.SPLIT_RULE]),
    "hours": Row(BILLING, [hours_sold, terms], [K.SPLIT_RULE]),
    "rate": Row(BILLING, [of_lines("role"), of_lines("discount_percent")], [K.RATE_CARD]),
    "role": Row("stated", [of_lines("role")]),
}

# Rows that replace these for a dated billing line, one of several for parts of the workstream's time.
OF_DATED: dict[str, Row] = {
    "description": Row(BILLING, [titles, *RUN]),
    "amount": Row(BILLING, [NET, *RUN, terms], [K.LEGAL_ENTITY, K.SPLIT_RULE], contracting),
    "due_on": Row(BILLING, [signing, *RUN, terms], [K.LEGAL_ENTITY, K.SPLIT_RULE], contracting),
}

# Rows that replace these for a milestone's billing line.
OF_MILESTONE: dict[str, Row] = {
    "path": Row("path", [of_milestone("id")]),
    "description": Row(BILLING, [titles, of_milestone("name")]),
    "amount": Row(BILLING, [NET, of_milestone("percent")]),
    "due_on": Row(BILLING, [of_milestone("planned_on")]),
}

OF_KIND = {LineKind.DATED: OF_DATED, LineKind.MILESTONE: OF_MILESTONE}
