"""What a connected system can do, as its connector says of the connection's settings.

They live beside the plan, since validation and planning go by them; the ports hand them on.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from oppsync.domain.plan.plan import LineKind
from oppsync.domain.values.model import Frozen

# Of a price, unless the ERP says otherwise: as many as most of them keep.
PRICE_DECIMALS = 4


class ErpCapabilities(Frozen):
    """`line_kinds`: the billing lines that it lands. `own_currency_only`: those of them that it invoices in the
    company's own currency alone, whatever the deal is in. `price_decimals`: of an hour's price.

    `creates_customers`: whether we may create one there. `cancels`: whether what was created can be closed by
    us; where not, closing raises VendorRejected and a person does it there.
    """

    line_kinds: frozenset[LineKind]
    own_currency_only: frozenset[Literal[LineKind.TIME, LineKind.PROGRESS]] = frozenset()
    price_decimals: Annotated[int, Field(ge=0, le=10)] = PRICE_DECIMALS
    creates_customers: bool = True
    cancels: bool = True


class CrmCapabilities(Frozen):
    """`polls`: whether it can be asked what changed; where not, a lost webhook is noticed by nobody."""

    polls: bool = True


class PsaCapabilities(Frozen):
    """`staffing`: whether it takes requests for somebody; where not, people staff the project themselves."""

    staffing: bool = True


Capabilities = ErpCapabilities | CrmCapabilities | PsaCapabilities
