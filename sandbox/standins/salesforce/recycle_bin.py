"""What was deleted: the recycle bin, from which records come back, and the log that replication asks.

After the vendor's documentation of getDeleted: start and end are whole minutes, the start lies more than one
minute before the end and at most 30 days back, and what was deleted more than 15 days ago is not listed.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sandbox.standins.books import Books
from sandbox.standins.salesforce.errors import SalesforceError
from sandbox.standins.salesforce.objects import SObject, Stored, parsed, timestamp
from sandbox.standins.wire import Json

ASKED_AT_MOST, LISTED = timedelta(days=30), timedelta(days=15)
APART = timedelta(minutes=1)
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS deleted (
        id TEXT PRIMARY KEY, sobject TEXT NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL,
        fields TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS deleted_at ON deleted (sobject, at)",
)


class RecycleBin:
    """Children deleted with their parent come back with it: `by` is the id that the deletion began with."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def put(self, sobject: SObject, fields: Mapping[str, Stored], at: datetime, by: str) -> None:
        row = (fields["Id"], sobject.name, timestamp(at), by, json.dumps(dict(fields)))
        self._books.rows("INSERT OR REPLACE INTO deleted VALUES (?, ?, ?, ?, ?)", row)

    def has(self, record_id: str | None) -> bool:
        return self._books.row("SELECT 1 FROM deleted WHERE id = ?", (record_id,)) is not None

    def take_back(self, record_id: str) -> list[tuple[str, dict[str, Stored]]]:
        """Object and fields of a record and of all that was deleted with it, parents first. Nothing where
        it is not in the bin."""
        rows = self._books.rows("DELETE FROM deleted WHERE by = ? RETURNING sobject, fields, at", (record_id,))
        order = {"Account": 0, "Opportunity": 1}
        rows.sort(key=lambda row: order.get(row["sobject"], 2))
        return [(row["sobject"], json.loads(row["fields"])) for row in rows]

    def purge(self) -> None:
        """An administrator empties the bin: nobody can tell any more what was deleted before."""
        self._books.rows("DELETE FROM deleted")
        self._books.set_setting("purged_at", timestamp(datetime.now(UTC)))

    def deleted(self, sobject: SObject, args: Mapping[str, str]) -> dict[str, Json]:
        """The answer of `sobjects/<object>/deleted`. Raises SalesforceError."""
        start, end = _minute(args, "start"), _minute(args, "end")
        now = datetime.now(UTC)
        if end - start <= APART:
            raise _invalid("startDate has to precede endDate by more than one minute")
        if now - start > ASKED_AT_MOST:
            raise _invalid("startDate cannot be more than 30 days ago")
        purged = self._books.setting("purged_at")
        if purged and parsed(purged) > start:
            raise _invalid(f"the recycle bin was purged: earliestDateAvailable is {purged}")
        since = timestamp(max(start, now - LISTED))
        rows = self._books.rows(
            "SELECT id, at FROM deleted WHERE sobject = ? AND at >= ? AND at < ? ORDER BY at, id",
            (sobject.name, since, timestamp(end)),
        )
        return {
            "deletedRecords": [{"id": row["id"], "deletedDate": row["at"]} for row in rows],
            "earliestDateAvailable": purged or timestamp(now - LISTED),
            "latestDateCovered": timestamp(min(end, now)),
        }


def _minute(args: Mapping[str, str], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(args.get(name, ""))
    except ValueError:
        raise SalesforceError(400, "MALFORMED_QUERY", f"{name}: not a date and time") from None
    if moment.tzinfo is None:
        raise SalesforceError(400, "MALFORMED_QUERY", f"{name}: has no time zone")
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def _invalid(message: str) -> SalesforceError:
    return SalesforceError(400, "INVALID_REPLICATION_DATE", message)
