"""Pages of query answers: the first comes with the answer, the rest by nextRecordsUrl."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from itertools import count

from sandbox.standins.salesforce.errors import SalesforceError
from sandbox.standins.salesforce.ids import new_id
from sandbox.standins.wire import Json

OPEN_CURSORS = 20


class Cursors:
    """A cursor keeps the answer as it was at the query; new cursors displace the oldest."""

    def __init__(self, page_size: int) -> None:
        self._page_size = page_size
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Sequence[Json]] = OrderedDict()
        self._numbers = count(1)

    def first_page(self, records: Sequence[Json], version: str) -> dict[str, Json]:
        if len(records) <= self._page_size:
            return {"totalSize": len(records), "done": True, "records": records}
        with self._lock:
            cursor = new_id("0r8", next(self._numbers))
            self._open[cursor] = records
            while len(self._open) > OPEN_CURSORS:
                self._open.popitem(last=False)
        return self.page(f"{cursor}-0", version)

    def page(self, locator: str, version: str) -> dict[str, Json]:
        """Raises SalesforceError INVALID_QUERY_LOCATOR."""
        cursor, _, start = locator.rpartition("-")
        with self._lock:
            records = self._open.get(cursor)
        if records is None or not start.isdecimal():
            raise SalesforceError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        end = int(start) + self._page_size
        page: dict[str, Json] = {"totalSize": len(records), "done": end >= len(records)}
        if end < len(records):
            page["nextRecordsUrl"] = f"/services/data/{version}/query/{cursor}-{end}"
        return {**page, "records": records[int(start) : end]}
