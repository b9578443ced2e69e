"""Which customer of the ERP a CRM account is: what the ERP has, and what was found of it."""

from __future__ import annotations

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.values.model import Code, Frozen, Text, changed


class CustomerLink(Frozen):
    """Key: `<CRM>|<account id>`. The cross-reference to the ERP's customer, and who or what made it."""

    customer: Code
    linked_by: Text


class ErpCustomer(Frozen):
    """A customer as the ERP has it: the countries of its addresses, and the tax ids it is registered under."""

    code: Code
    name: Text
    countries: tuple[Code, ...] = ()
    tax_ids: tuple[Code, ...] = ()

    def __str__(self) -> str:
        return f"{self.code} {self.in_words}"

    @property
    def in_words(self) -> str:
        more = ", ".join((*self.countries, *self.tax_ids))
        return f"{self.name} ({more})" if more else self.name


class CustomerMatch(Frozen):
    """`customer` when it is sure, and `by` what; else the `candidates` that a person has to choose from. Beside
    a customer that the account was linked to, they are those that have its tax id instead.

    `code`: the customer code it was looked for by, of the account or of its cross-reference.
    """

    customer: ErpCustomer | None = None
    by: Text = ""
    candidates: tuple[ErpCustomer, ...] = ()
    code: Code | None = None


def with_customer(opportunity: Opportunity, code: str | None) -> Opportunity:
    """The deal with its customer's code as the ERP writes it; as it is where none is known."""
    account = opportunity.account
    if code is None or account is None or account.code == code:
        return opportunity
    return changed(opportunity, account=changed(account, code=code))
