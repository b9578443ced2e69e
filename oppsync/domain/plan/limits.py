"""Limits that a contract sets to invoices. An ERP holds them, or only notes them, and people watch them."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class Limit(StrEnum):
    CAP = "cap"  # of time and materials: nothing beyond it is billable
    PO_LIMIT = "po_limit"
    PO_EXPIRY = "po_expiry"
    INCLUDED_HOURS = "included_hours"  # of a retainer


_WORDS: dict[Limit, str] = {
    Limit.CAP: "the cap of the hours",
    Limit.PO_LIMIT: "the limit of the purchase order",
    Limit.PO_EXPIRY: "the last day of the purchase order",
    Limit.INCLUDED_HOURS: "the hours that the retainer includes",
}


def watched_in_words(limits: Collection[Limit]) -> str:
    """List what people have to watch because the ERP does not; empty where there is nothing."""
    words = [_WORDS[limit] for limit in Limit if limit in limits]
    if not words:
        return ""
    listed = f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
    return f"The ERP notes {listed}, and does not stop invoices there: whoever invoices has to watch."
