"""The demo firm: its configuration, which is the folder `acme`, and what belongs to its installation."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

from adapters.documents.bundle_files import FirmBundle, read_bundle
from oppsync.domain.deal.customers import CustomerLink
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow

FOLDER = Path(__file__).parent / "acme"
BEGIN = date(2025, 1, 1)

# An account that entered the CRM before the ERP had codes.
CUSTOMER_LINKS = (
    ReferenceRow(
        kind=ReferenceKind.CUSTOMER_LINK,
        key="salesforce|001000000000001AAA",
        valid_from=BEGIN,
        value=CustomerLink(customer="CUST-1004", linked_by="Group controlling").model_dump(mode="json"),
    ),
)


@cache
def bundle() -> FirmBundle:
    files = (each for each in FOLDER.iterdir() if each.suffix != ".md")
    return read_bundle({each.name: each.read_bytes() for each in files})


def reference_rows() -> tuple[ReferenceRow, ...]:
    """Every row, ready for the store."""
    return (*bundle().rows, *CUSTOMER_LINKS)
