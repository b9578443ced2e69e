"""Renews the leases this process holds, also while their workers wait for a vendor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from oppsync.domain.work.tracked import Lease
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import StoreUnavailable
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory

EVERY_SECONDS = 3.0


class LeaseKeeper:
    """One thread for all leases of a process, started with the first one (so after any fork)."""

    def __init__(self, uow: UnitOfWorkFactory) -> None:
        self._uow = uow
        self._held: set[Lease] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()

    @contextmanager
    def keep(self, lease: Lease) -> Iterator[None]:
        with self._lock:
            self._held.add(lease)
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew_forever, name="lease-keeper", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(lease)

    def _renew_forever(self) -> None:
        while not self._wake.wait(EVERY_SECONDS):
            with self._lock:
                leases = list(self._held)
            if leases:
                self._renew(leases)

    def _renew(self, leases: list[Lease]) -> None:
        try:
            with self._uow() as uow:
                for lease in leases:
                    uow.opportunities.renew_lease(lease)
                uow.commit()
            crash_point("lease.renewed")
        except StoreUnavailable:
            # The next round tries again; a lease that runs out meanwhile is fenced by its token.
            return
