"""What an order names by its codes, as Tryton's ids: read together before something is written.

Every look-up raises VendorRejected, with what is missing in words, for what Tryton does not have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar

from adapters.erp.tryton.client import TrytonClient
from adapters.erp.tryton.facts import Facts, no_company
from adapters.erp.tryton.sources import (
    ACCOUNTS,
    CLOSED,
    COUNTRY,
    CURRENCY,
    JOURNAL,
    RECEIVABLE,
    REVENUE,
    UNIT,
    setting_code,
    source_of,
)
from adapters.erp.tryton.wire import Wire
from oppsync.domain.master_data.rows import (
    Company,
    CostCentre,
    Customer,
    MasterKey,
    MasterKind,
    MasterRow,
    Setting,
)
from oppsync.domain.plan.orders import CustomerOrder, LineOrder, NodeOrder
from oppsync.domain.plan.plan import NodeKind
from oppsync.kernel.errors import Misconfigured, VendorRejected

PIECE = "Unit"  # of measure for a line that is invoiced as a whole
JOURNAL_OF_INVOICES = "revenue"
Shape = TypeVar("Shape", bound=MasterRow)


def setting(what: str, value: str = "", company: str = "") -> MasterKey:
    return MasterKey(MasterKind.SETTING, company, setting_code(what, value))


def of_all(kind: MasterKind, code: str) -> MasterKey:
    return MasterKey(kind, "", code)


class Status(NamedTuple):
    """A work status. `progress` is the least progress that work of this status must have, between 0 and 1."""

    id: int
    progress: Decimal | None


class OfCompany(NamedTuple):
    """A company of Tryton's: the id that calls name, its code, the currency of its books."""

    id: int
    code: str
    currency: str


class Named:
    """`keys`: all that the order names besides its company."""

    def __init__(self, facts: Facts, company: str, keys: Collection[MasterKey]) -> None:
        self._code = company
        self._found: Mapping[MasterKey, MasterRow] = facts.find(
            [of_all(MasterKind.COMPANY, company), *keys], is_enough=_can_be_written
        )

    @property
    def company(self) -> OfCompany:
        found = self._row(Company, of_all(MasterKind.COMPANY, self._code))
        if found is None:
            raise no_company(self._code)
        return OfCompany(int(found.record), found.code, found.currency)

    def customer(self, code: str) -> Customer:
        found = self._row(Customer, of_all(MasterKind.CUSTOMER, code))
        if found is None:
            raise VendorRejected(f"Tryton has no customer {code}", code="ACCOUNT_UNKNOWN")
        return found

    def account(self, name: str) -> int:
        """One of the default accounts of the company's books."""
        found = self._row(Setting, setting(ACCOUNTS, company=self._code))
        account = found.values.get(name) if found else None
        if account is None or account == CLOSED:
            words = f"Tryton's company has no {name.replace('_', ' ')}"
            raise VendorRejected(words, code="LEGAL_ENTITY_NOT_READY")
        return int(account)

    def receivable(self, customer: Customer) -> int:
        """The account of this customer's invoices: its own in this company, or the books' default."""
        own = customer.receivable.get(self._code) or customer.receivable.get("")
        return int(own) if own else self.account(RECEIVABLE)

    def cost_centre(self, code: str) -> Wire:
        """An analytic account, as an entry of an invoice line."""
        key = MasterKey(MasterKind.COST_CENTRE, self._code, code)
        found = self._row(CostCentre, key)
        if found is None or found.group is None:
            raise _missing(key)
        return {"root": int(found.group), "account": int(found.record)}

    def id(self, key: MasterKey) -> int:
        found = self._found.get(key)
        if found is None:
            raise _missing(key)
        return int(found.record)

    def of_company(self, kind: MasterKind, code: str) -> int:
        return self.id(MasterKey(kind, self._code, code))

    def _row(self, shape: type[Shape], key: MasterKey) -> Shape | None:
        found = self._found.get(key)
        return found if isinstance(found, shape) else None


def for_customer(facts: Facts, order: CustomerOrder) -> Named:
    return Named(facts, order.erp_company, [setting(COUNTRY, order.customer.country)])


def for_node(facts: Facts, order: NodeOrder) -> Named:
    is_task = order.node.kind is NodeKind.TASK
    keys = [] if is_task else [of_all(MasterKind.CUSTOMER, order.plan.customer)]
    return Named(facts, order.plan.erp_company, keys)


def for_task(facts: Facts, order: LineOrder, product: str) -> Named:
    return Named(facts, order.plan.erp_company, [of_all(MasterKind.PRODUCT, product)])


def for_invoice(facts: Facts, order: LineOrder, product: str) -> Named:
    plan, centre = order.plan, order.node.revenue_cost_centre
    company = plan.erp_company
    centres = [MasterKey(MasterKind.COST_CENTRE, company, centre)] if centre else []
    keys = [
        of_all(MasterKind.CUSTOMER, plan.customer),
        of_all(MasterKind.PRODUCT, product),
        of_all(MasterKind.PAYMENT_TERMS, plan.payment_terms),
        MasterKey(MasterKind.TAX, company, plan.tax),
        setting(CURRENCY, order.line.amount.currency),
        setting(UNIT, PIECE),
        setting(JOURNAL, JOURNAL_OF_INVOICES),
        setting(ACCOUNTS, company=company),
        *centres,
    ]
    return Named(facts, company, keys)


def status(client: TrytonClient, name: str, setting: str = "closed_status") -> Status:
    """A work status by its name, as `setting` says it. Not remembered. Raises Misconfigured when there is
    none."""
    found = client.search("project.work.status", [["name", "=", name]], ["progress"])
    if not found:
        raise Misconfigured(f"Tryton has no work status {name}: correct the connection's {setting}")
    return Status(found[0]["id"], found[0]["progress"])


def _can_be_written(row: MasterRow) -> bool:
    """Whether what is remembered is whole: what was missing of it may be there by now."""
    match row:
        case Customer():
            return row.invoice_address is not None
        case CostCentre():
            return row.group is not None
        case Setting(code=code) if code == ACCOUNTS:
            return accounts_are_open(row)
        case _:
            return True


def accounts_are_open(row: Setting) -> bool:
    return not lacking_accounts(row)


def lacking_accounts(row: Setting | None) -> Sequence[str]:
    values = row.values if row else {}
    return [name for name in (RECEIVABLE, REVENUE) if values.get(name, CLOSED) == CLOSED]


def _missing(key: MasterKey) -> VendorRejected:
    source = source_of(key.kind, key.code)
    value = key.code.removeprefix(f"{source.what} ") if source.what else key.code
    return VendorRejected(f"Tryton has no {source.model} with {source.code} {value}")
