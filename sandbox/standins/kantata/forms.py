"""What all answers of Kantata OX share: errors, bodies, pages, times."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from sandbox.standins.wire import Call, Json, Reply, from_json

PER_PAGE, MAX_PER_PAGE = 20, 200
Show = Callable[[sqlite3.Row], dict[str, Json]]


class KantataError(Exception):
    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind

    def reply(self) -> Reply:
        return Reply(self.status, {"errors": [{"type": self.kind, "message": str(self)}]})


def refused(message: str) -> KantataError:
    return KantataError(422, "validation", message)


def fields_of(call: Call, name: str) -> Mapping[str, Json]:
    """The fields of a create or update of one `name`. Raises KantataError."""
    try:
        body = from_json(call.body)
    except ValueError:
        raise KantataError(400, "parse", "The request body is not valid JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get(name), dict):
        raise refused(f"{name} is missing")
    fields: Mapping[str, Json] = body[name]
    return fields


def page(call: Call) -> tuple[int, int, int]:
    """Number of the page, its size, and how many records stand before it. Raises KantataError."""
    number, size = _number(call, "page", 1), min(_number(call, "per_page", PER_PAGE), MAX_PER_PAGE)
    return number, size, (number - 1) * size


def listed(kind: str, rows: Sequence[sqlite3.Row], total: int, show: Show) -> dict[str, Json]:
    ids = [str(row["id"]) for row in rows]
    return {
        "count": total,
        "results": [{"key": kind, "id": each} for each in ids],
        kind: dict(zip(ids, map(show, rows), strict=True)),
    }


def created_before(call: Call) -> str:
    """The moment after which created records are not yet visible to a search."""
    return _stamp(datetime.now(UTC) - timedelta(seconds=call.lag_seconds))


def now() -> str:
    return _stamp(datetime.now(UTC))


def is_date(value: Json) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _number(call: Call, name: str, default: int) -> int:
    text = call.args.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise refused(f"{name} is invalid")
    return int(text)


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
