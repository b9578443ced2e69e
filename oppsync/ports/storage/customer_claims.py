"""Storage of claims to create a customer."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol
from uuid import UUID


class CustomerClaims(Protocol):
    """One deal at a time creates customers in an ERP: two deals of one new account would both find nobody, and
    both create one. The claim of a process that died runs out."""

    def take(self, tenant_id: str, connection_id: str, opportunity_id: UUID, hold: timedelta) -> bool:
        """Take it for `hold`, or go on holding it for as long from now. False while another deal holds it."""

    def release(self, tenant_id: str, connection_id: str, opportunity_id: UUID) -> None:
        """Nothing happens where another deal holds it."""
