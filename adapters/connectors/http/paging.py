"""Bounds of a listing that a vendor gives out page by page: a listing that does not end would hold its thread
for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

from oppsync.kernel.errors import VendorRejected, VendorUnavailable

MOST_PAGES = 200
LONGEST_SECONDS = 300.0


class Paging:
    """Counts the pages of one listing. `what` names it for people."""

    def __init__(self, what: str, now: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._now = now
        self._ends_at = now() + LONGEST_SECONDS
        self._seen: set[Hashable] = set()

    def turn(self, page: Hashable) -> None:
        """Before a page is asked for, or once it is read; `page` is whatever tells it from all others.

        Raises VendorUnavailable for a page that was there before, and when the listing takes too long: both may
        pass. Raises VendorRejected when it has too many pages.
        """
        if page in self._seen:
            raise VendorUnavailable(f"{self._what}: a page came again, so the listing would never end")
        self._seen.add(page)
        if len(self._seen) > MOST_PAGES:
            raise VendorRejected(f"{self._what}: the listing has more than {MOST_PAGES} pages: ask for less")
        if self._now() > self._ends_at:
            raise VendorUnavailable(f"{self._what}: the listing took longer than {LONGEST_SECONDS:.0f} s")
