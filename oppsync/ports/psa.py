"""What the core needs of a PSA."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Protocol

from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.capabilities import PsaCapabilities
from oppsync.domain.plan.orders import PsaOrder, StaffingOrder, WriteBack
from oppsync.domain.work.observations import Observation


class Psa(Protocol):
    capabilities: PsaCapabilities
    quarantine: timedelta

    def ping(self) -> None:
        """The cheapest call that needs the connection's credentials; it changes nothing. Raises what calls
        raise."""

    def inspect(self) -> Sequence[Observation]:
        """Tell line by line what these credentials may do there, and what is missing. It changes nothing.
        Raises what calls raise."""

    def unknown_roles(self, roles: Collection[str]) -> Sequence[str]:
        """Those of the roles for which `request_staffing` would raise Misconfigured."""

    def known_roles(self) -> Sequence[str]:
        """List all others, in order. Asked to say them where a plan names unknown ones."""

    def find_project(self, order: PsaOrder) -> ExternalRecord | None: ...

    def create_project(self, order: PsaOrder, status: WriteBack) -> ExternalRecord:
        """With its status in it: `find_write_back` finds that from then on."""

    def revise_project(self, order: PsaOrder, outside_id: str) -> ExternalRecord:
        """Set what `find_project` called revisable, and open it again when we archived it. Harmless to
        repeat; needs the capability `revises`, or `reopens`."""

    def find_archived(self, key: str) -> ExternalRecord | None:
        """The project under our key, `closed` when it is archived; None when there is none."""

    def archive_project(self, outside_id: str) -> ExternalRecord: ...

    def find_staffing(self, order: StaffingOrder) -> ExternalRecord | None:
        """The complete request under our key; None while any part of it is missing."""

    def request_staffing(self, order: StaffingOrder) -> ExternalRecord:
        """Create the missing parts of the request. Raises Misconfigured for a role that the PSA's settings do
        not know."""

    def cancel_staffing(self, order: StaffingOrder, outside_id: str) -> ExternalRecord:
        """Withdraw the request: `find_staffing` finds nothing from then on. Harmless to repeat."""

    def find_write_back(self, outside_id: str, wanted: WriteBack) -> ExternalRecord | None: ...

    def write_back(self, outside_id: str, wanted: WriteBack) -> ExternalRecord: ...
