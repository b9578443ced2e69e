"""What a connected system can do under its connection's settings, as its connector reports.

Capabilities live beside the plan because validation and planning use them; the ports pass them on.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.plan.limits import Limit
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.values.model import Frozen

# Decimals of a price unless the ERP's connector gives another number: most ERPs keep four.
PRICE_DECIMALS = 4


class ErpCapabilities(Frozen):
    """`line_kinds`: the kinds of billing lines it can hold. `own_currency_only`: those kinds that it invoices
    only in the company's own currency, whatever the deal's currency is. `price_decimals`: of an hour's price.

    `holds`: the limits at which it stops invoices by itself; all others people have to watch, and the plan says
    so. `creates_customers`: whether we may create customers there. `cancels`: whether we can close what was
    created; where not, closing raises VendorRejected and a person does it there.
    `revises`: whether what was created can be changed when the deal is planned anew; `reopens`: whether what
    we closed can be opened again. Where not, a person does it there. `mirrors`: the kinds of master data that
    it gives page by page (`oppsync.ports.master_data.MasterData`). `creates_together`: how many nodes or
    billing lines one call creates (`oppsync.ports.erp.CreatesTogether`).
    """

    line_kinds: frozenset[LineKind]
    own_currency_only: frozenset[Literal[LineKind.TIME, LineKind.PROGRESS]] = frozenset()
    price_decimals: Annotated[int, Field(ge=0, le=10)] = PRICE_DECIMALS
    holds: frozenset[Limit] = frozenset()
    creates_customers: bool = True
    cancels: bool = True
    revises: bool = False
    reopens: bool = False
    mirrors: frozenset[MasterKind] = frozenset()
    creates_together: Annotated[int, Field(ge=1)] = 1


class CrmCapabilities(Frozen):
    """`polls`: whether it can be asked what changed; where not, nobody notices a lost webhook.
    `owner_history`: whether it tells who owned a deal before; where not, only owners that were read are barred
    from approving, and nobody notices a transfer there and back between two readings."""

    polls: bool = True
    owner_history: bool = False


class PsaCapabilities(Frozen):
    """`staffing`: whether it takes staffing requests; where not, people staff the project themselves.
    `revises`, `reopens`: as of an ERP, of the project."""

    staffing: bool = True
    revises: bool = False
    reopens: bool = False


Capabilities = ErpCapabilities | CrmCapabilities | PsaCapabilities
