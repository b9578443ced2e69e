"""The tax of a service sold to a business, decided from who sells, who buys, where, and what is registered.

Follows Directive 2006/112/EC: Article 44 (the place of supply is where the customer is), Article 196 (reverse
charge); in the United States the states in which the entity has nexus, and what each of them taxes. All of it
is a default: an explicit `TaxTreatment` row of reference data comes first.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from oppsync.domain.values.model import Code, Frozen, Quantity, Text, omitted_at


class TaxKind(StrEnum):
    STANDARD = "standard"
    REVERSE_CHARGE = "reverse_charge"
    OUTSIDE_SCOPE = "outside_scope"
    EXEMPT = "exempt"
    NOT_TAXABLE = "not_taxable"


class TaxTreatment(Frozen):
    """Key: `<entity code>|<customer country>`. `code` is the ERP tax's; `percent` 19 means 19 %."""

    code: Code
    percent: Quantity = Decimal(0)
    reason: Text
    needs_tax_id: bool = False
    kind: TaxKind | None = omitted_at(None)


class TaxRegime(Frozen):
    """Key: `<entity code>`. The name of the entity's tax, its standard rate, and the ERP's codes of taxes.

    Where a code is None, finance decides by explicit rows; a deal without such a row gets a finding.
    """

    name: Text
    standard_code: Code | None = None
    standard_percent: Quantity = Decimal(0)
    reverse_charge_code: Code | None = None
    outside_scope_code: Code | None = None
    exempt_code: Code | None = None
    not_taxable_code: Code | None = None


class TaxNexus(Frozen):
    """Key: `<entity code>|<state>`. The entity collects tax there on these service lines; on all when
    empty."""

    code: Code
    percent: Quantity
    service_lines: tuple[Code, ...] = ()

    def taxes(self, service_line: str) -> bool:
        return not self.service_lines or service_line in self.service_lines


class TaxExemption(Frozen):
    """Key: `<entity code>|<customer code>`. The certificate on file."""

    certificate: Text
    expires_on: date | None = None


class Withholding(Frozen):
    """Key: `<entity country>|<customer country>`. What the customer pays to its tax office instead of us."""

    percent: Quantity
    reason: Text
