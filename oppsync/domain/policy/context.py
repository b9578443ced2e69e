"""What conditions of rules see of a deal: each fact with its type and its words.

The environment that conditions are compiled in, the words of their errors and the table in `docs/rules.md` come
from here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class FactType(StrEnum):
    """The type of a fact, as people read it."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole number"
    AMOUNT = "amount"
    DAY = "day"
    TRUTH = "true or false"
    TEXTS = "list of texts"
    TEXT_BY_NAME = "texts by name"


class Fact(NamedTuple):
    """`place`: where the canonical opportunity has it, below the deal or the line; empty where it is made of
    several."""

    name: str
    type: FactType
    words: str
    place: str = ""


class Variable(NamedTuple):
    """`shape` is a name of SHAPES; `many`: a list of these."""

    shape: str
    words: str
    many: bool = False


class Scope(StrEnum):
    """What a condition is about, and so what it sees."""

    DEAL = "deal"
    LINE = "line"
    PLAN = "plan"


T = FactType
_RUN = (
    Fact("starts_on", T.DAY, "first day of the work", "/starts_on"),
    Fact("ends_on", T.DAY, "last day of the work", "/ends_on"),
    Fact("days", T.WHOLE, "days from the first to the last, both counted"),
)
SHAPES: Mapping[str, tuple[Fact, ...]] = {
    "Deal": (
        Fact("name", T.TEXT, "name in the CRM", "/name"),
        Fact("amount", T.AMOUNT, "contract total", "/amount"),
        Fact("currency", T.TEXT, "currency, such as `EUR`", "/currency"),
        Fact("probability", T.NUMBER, "probability in per cent", "/probability"),
        Fact("won_on", T.DAY, "close date", "/won_on"),
        *_RUN,
        Fact("billing_model", T.TEXT, "billing model, such as `fixed_fee`", "/billing_model"),
        Fact("service_line", T.TEXT, "code of the service line", "/service_line"),
        Fact("region", T.TEXT, "code of the region", "/region"),
        Fact("delivery_model", T.TEXT, "delivery model, as in the CRM", "/delivery_model"),
        Fact("contract_type", T.TEXT, "type of the contract", "/contract/type"),
        Fact("payment_terms", T.TEXT, "payment terms", "/contract/payment_terms"),
        Fact("billing_frequency", T.TEXT, "how often is invoiced", "/contract/billing_frequency"),
        Fact("signed_on", T.DAY, "day of the signature", "/contract/signed_on"),
        Fact("po_number", T.TEXT, "number of the purchase order", "/contract/po_number"),
        Fact("po_limit", T.AMOUNT, "limit of the purchase order", "/contract/po_limit"),
        Fact("po_expires_on", T.DAY, "last day of the purchase order", "/contract/po_expires_on"),
        Fact("special_terms", T.TEXT, "clauses that people have to read", "/contract/special_terms"),
        Fact("document_url", T.TEXT, "address of the signed contract", "/contract/document_url"),
        Fact("discount_percent", T.NUMBER, "discount on the list price of all lines, in per cent"),
        Fact("owner", T.TEXT, "mail address of the owner", "/owner/email"),
        Fact("custom", T.TEXT_BY_NAME, "further fields of the CRM by name", "/custom_attributes"),
    ),
    "Line": (
        Fact("title", T.TEXT, "what is sold"),
        Fact("product_code", T.TEXT, "code of the product", "/product_code"),
        Fact("product_family", T.TEXT, "family of the product", "/product_family"),
        Fact("quantity", T.NUMBER, "quantity", "/quantity"),
        Fact("unit", T.TEXT, "`hour`, `day`, `month` or `unit`", "/unit"),
        Fact("unit_price", T.AMOUNT, "price of one unit", "/unit_price"),
        Fact("discount_percent", T.NUMBER, "discount in per cent", "/discount_percent"),
        Fact("net", T.AMOUNT, "net amount; below zero for a credit", "/net"),
        *_RUN,
        Fact("billing_model", T.TEXT, "its billing model, or the deal's", "/billing_model"),
        Fact("service_line", T.TEXT, "code of its service line, or the deal's", "/service_line"),
        Fact("region", T.TEXT, "code of its region, or the deal's", "/delivery_region"),
        Fact("role", T.TEXT, "role of whoever does the work", "/role"),
        Fact("hours", T.NUMBER, "hours sold or planned", "/planned_hours"),
        Fact("phase", T.TEXT, "phase", "/phase"),
    ),
    "Entity": (
        Fact("code", T.TEXT, "code of the contracting entity"),
        Fact("name", T.TEXT, "name"),
        Fact("country", T.TEXT, "country, such as `DE`"),
        Fact("currency", T.TEXT, "currency of its books"),
    ),
    "Customer": (
        Fact("code", T.TEXT, "code in the ERP, as the CRM has it", "/account/code"),
        Fact("name", T.TEXT, "name in the CRM", "/account/name"),
        Fact("country", T.TEXT, "country, such as `US`", "/account/country"),
        Fact("subdivision", T.TEXT, "state or province, such as `TX`", "/account/subdivision"),
        Fact("tax_id", T.TEXT, "tax id", "/account/tax_id"),
        Fact("po_required", T.TRUTH, "whether it requires a purchase order", "/account/po_required"),
    ),
    "Plan": (
        Fact("total", T.AMOUNT, "what may be invoiced"),
        Fact("reporting_total", T.AMOUNT, "the same in the reporting currency; missing without a rate"),
        Fact("reporting_currency", T.TEXT, "the group's currency, or the entity's where it has none"),
        Fact("beyond_cap", T.AMOUNT, "what was sold beyond caps"),
        Fact("workstreams", T.WHOLE, "how many workstreams"),
        Fact("billing_models", T.TEXTS, "its billing models"),
        Fact("service_lines", T.TEXTS, "codes of its service lines"),
        Fact("intercompany", T.TRUTH, "whether another entity delivers any of it"),
        Fact("new_customer", T.TRUTH, "whether the customer is created in the ERP"),
        Fact("tax_percent", T.NUMBER, "tax in per cent"),
    ),
    "Margin": (
        Fact("percent", T.NUMBER, "margin of the whole plan in per cent; missing where no cost is known"),
        Fact("cost", T.AMOUNT, "planned cost"),
    ),
}
VARIABLES: Mapping[str, Variable] = {
    "deal": Variable("Deal", "the deal as the CRM has it"),
    "lines": Variable("Line", "its lines", many=True),
    "line": Variable("Line", "the line in question"),
    "entity": Variable("Entity", "the contracting entity"),
    "customer": Variable("Customer", "the customer"),
    "plan": Variable("Plan", "the plan"),
    "margin": Variable("Margin", "its margin"),
}
# A condition about one line does not see all of them: a thousand lines would be looked at a thousand times.
SEEN: Mapping[Scope, tuple[str, ...]] = {
    Scope.DEAL: ("deal", "lines", "entity", "customer"),
    Scope.LINE: ("deal", "line", "entity", "customer"),
    Scope.PLAN: ("deal", "lines", "entity", "customer", "plan", "margin"),
}


def fact(name: str, scope: Scope) -> Fact | None:
    """The fact that a condition would call `deal.po_number`; None where there is none in this scope."""
    variable, _, field = name.partition(".")
    if variable not in SEEN[scope]:
        return None
    return next((each for each in SHAPES[VARIABLES[variable].shape] if each.name == field), None)
