"""What the core needs of a PSA."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from oppsync.domain.effects.effects import Landed
from oppsync.domain.plan.capabilities import PsaCapabilities
from oppsync.domain.plan.orders import (
    PsaOrder,
    StaffingOrder,
    WriteBack,
)


class Psa(Protocol):
    capabilities: PsaCapabilities
    quarantine: timedelta

    def find_project(self, order: PsaOrder) -> Landed | None: ...

    def create_project(self, order: PsaOrder) -> Landed: ...

    def find_archived(self, key: str) -> Landed | None:
        """The project under our key, `closed` when it is archived; None when there is none."""

    def archive_project(self, outside_id: str) -> Landed: ...

    def find_staffing(self, order: StaffingOrder) -> Landed | None:
        """The request under our key, whole; None while any of it is missing."""

    def request_staffing(self, order: StaffingOrder) -> Landed:
        """Make what is missing of it. Raises Misconfigured for a role that the PSA's settings do not know."""

    def cancel_staffing(self, order: StaffingOrder, outside_id: str) -> Landed:
        """Nobody is asked for any more, and `find_staffing` finds nothing. Harmless to repeat."""

    def find_write_back(self, outside_id: str, wanted: WriteBack) -> Landed | None: ...

    def write_back(self, outside_id: str, wanted: WriteBack) -> Landed: ...
