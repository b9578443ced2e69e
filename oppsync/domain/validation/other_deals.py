"""Other deals that a deal is judged together with: those that share its purchase order, and its clones."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from uuid import UUID

from oppsync.domain.billing.caps import beyond_caps
from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.reference.vat_territory import may_be_one_country
from oppsync.domain.values.identifiers import (
    customer_code_key,
    is_same_tax_id,
    name_key,
    purchase_order_key,
    words_key,
)
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.values.money import amount_text


class OtherDeal(Frozen):
    """A won deal that is stored here. `amount`: the approved one, once there is one. `customer`: its code in
    the ERP, where known; `project`: the number of its project there. `is_committed`: its plan was approved."""

    id: UUID
    record: Opportunity
    amount: Decimal | None = None
    customer: Code | None = None
    project: Text | None = None
    is_committed: bool = False

    @property
    def billable(self) -> Decimal:
        """The part that may be invoiced: hours beyond a cap never are."""
        return Decimal(0) if self.amount is None else self.amount - beyond_caps(self.record)

    @property
    def in_words(self) -> str:
        """`Portal relaunch (EUR 12,000.00; 006Ws0000000002IAA; project 17)`."""
        amount = None if self.amount is None else amount_text(self.amount, self.record.currency)
        project = f"project {self.project}" if self.project else None
        return f"{self.record.name} ({'; '.join(part for part in (amount, self.record.id, project) if part)})"


def is_same_customer(deal: Opportunity, customer: str | None, other: OtherDeal) -> bool:
    """Whether both are sold to one customer. `customer`: the code of the deal's own in the ERP, where known."""
    one, two = deal.account, other.record.account
    if one is None or two is None:
        return False
    if deal.system == other.record.system and one.id == two.id:
        return True
    codes = [customer or one.code, other.customer or two.code]
    if all(codes):
        return len({customer_code_key(code) for code in codes if code}) == 1
    if one.tax_id and two.tax_id:
        return is_same_tax_id(one.tax_id, two.tax_id)
    countries = one.country is None or two.country is None or may_be_one_country(one.country, two.country)
    return countries and name_key(one.name) == name_key(two.name)


def shares_purchase_order(deal: Opportunity, other: OtherDeal) -> bool:
    """Whether both name the same purchase order; whose, is not asked."""
    one, two = deal.contract.po_number, other.record.contract.po_number
    key = purchase_order_key(one) if one else ""
    return two is not None and key != "" and key == purchase_order_key(two)


def is_clone(deal: Opportunity, other: OtherDeal) -> bool:
    """Whether everything that was sold is the same, under the same name and at the same time; whose, is not
    asked. The same sale in another year is a renewal."""
    record = other.record
    same = (deal.amount, deal.currency) == (record.amount, record.currency)
    if not same or words_key(deal.name) != words_key(record.name) or not _overlap(deal, record):
        return False
    return Counter(map(_sold, deal.lines)) == Counter(map(_sold, record.lines))


def _sold(line: OpportunityLine) -> tuple[object, ...]:
    product = line.product_code or words_key(line.product_name or "")
    money = (line.quantity, line.unit, line.unit_price, line.discount_percent, line.net)
    return (product, words_key(line.description or ""), line.role, line.planned_hours, *money)


def _overlap(one: Opportunity, two: Opportunity) -> bool:
    """Whether some day belongs to both runs; where one is not known, they may."""
    days = (one.starts_on, one.ends_on, two.starts_on, two.ends_on)
    if any(day is None for day in days):
        return True
    starts, ends, other_starts, other_ends = (day for day in days if day is not None)
    return starts <= other_ends and other_starts <= ends
