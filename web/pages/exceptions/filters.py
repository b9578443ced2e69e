"""What the queue's address asks for, and the address that asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from oppsync.domain.reading.exception_list import Cause, ExceptionFilter, ExceptionSort
from oppsync.domain.values.findings.finding import OwnerRole
from oppsync.domain.values.model import LONGEST_CODE
from oppsync.domain.work.exceptions import ExceptionStatus

Choice = TypeVar("Choice", bound=StrEnum)
# In an address: items whose finding names no field, which is another thing than items of any field.
NO_FIELD = "-"
_LONGEST_PAGE_NUMBER = 6


class Asked(NamedTuple):
    """A list of exceptions, and which of its pages."""

    wanted: ExceptionFilter
    sort: ExceptionSort
    number: int

    def address(self, **changes: Any) -> dict[str, Any]:
        """The parameters of the same list, with `changes`; what is at its default is left out."""
        wanted = self.wanted
        asked = {
            "view": wanted.status if wanted.status is not ExceptionStatus.OPEN else None,
            "text": wanted.text,
            "code": wanted.code,
            "connection": wanted.connection_id,
            "field": NO_FIELD if wanted.field == "" else wanted.field,
            "region": wanted.region,
            "service_line": wanted.service_line,
            "owner": wanted.owner,
            "sort": self.sort if self.sort is not sorted_by(wanted.status) else None,
        }
        return {name: value for name, value in (asked | changes).items() if value}

    def address_of(self, cause: Cause) -> dict[str, Any]:
        """The same list of one cause only."""
        return self.address(code=cause.code, connection=cause.connection_id, field=cause.field or NO_FIELD)


def sorted_by(status: ExceptionStatus) -> ExceptionSort:
    """Unless asked otherwise: what waits longest comes first, and of what was settled the latest."""
    return ExceptionSort.OLDEST if status is ExceptionStatus.OPEN else ExceptionSort.NEWEST


def asked(args: Mapping[str, str]) -> Asked:
    """A value that is none of ours counts as not given."""
    status = _one_of(ExceptionStatus, args.get("view")) or ExceptionStatus.OPEN
    field = _text(args, "field")
    wanted = ExceptionFilter(
        status=status,
        text=_text(args, "text"),
        code=_text(args, "code") or None,
        connection_id=_text(args, "connection") or None,
        field="" if field == NO_FIELD else field or None,
        region=_text(args, "region") or None,
        service_line=_text(args, "service_line") or None,
        owner=_one_of(OwnerRole, args.get("owner")),
    )
    number = args.get("page", "")
    is_number = number.isascii() and number.isdigit() and len(number) <= _LONGEST_PAGE_NUMBER
    return Asked(
        wanted,
        _one_of(ExceptionSort, args.get("sort")) or sorted_by(status),
        int(number) if is_number else 1,
    )


def _text(args: Mapping[str, str], name: str) -> str:
    return args.get(name, "").replace("\x00", "").strip()[:LONGEST_CODE]


def _one_of(choices: type[Choice], named: str | None) -> Choice | None:
    return next((each for each in choices if each == named), None)
