"""The exception queue as people work it: filtered, sorted, page by page, and grouped by cause."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime

from oppsync.domain.values.findings.finding import OwnerRole
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus

ROWS_A_PAGE = 25


class ExceptionSort(StrEnum):
    OLDEST = "oldest"
    NEWEST = "newest"
    AMOUNT = "amount"  # largest first, each currency by itself


class ExceptionFilter(Frozen):
    """All that is given must hold. `text` is looked for in the deal's name, customer and CRM id, and in the
    message. `connection_id`, `field`: see `Cause`."""

    status: ExceptionStatus = ExceptionStatus.OPEN
    text: Text = ""
    code: Code | None = None
    connection_id: Code | None = None
    field: Text | None = None
    region: Text | None = None
    service_line: Text | None = None
    owner: OwnerRole | None = None

    @property
    def narrows(self) -> bool:
        """Whether anything besides the status is asked for."""
        return bool(self.model_dump(exclude={"status"}, exclude_defaults=True))


class Cause(Frozen):
    """What items have in common: their code, the connection that the deal or delivery came by, and the field of
    their first finding, without positions (`/lines/service_line`); empty where the finding names no field."""

    code: Code
    connection_id: Code | None = None
    field: Text = ""


class ListedException(ExceptionItem):
    """`service_lines` are those of the deal and of its lines."""

    connection_id: Code | None = None
    field: Text = ""
    region: Text | None = None
    service_lines: tuple[Text, ...] = ()


class Sum(Frozen):
    """Of amounts as the CRM states them: also of a currency that nobody knows, or of none."""

    amount: Decimal
    currency: Code | None


class CauseGroup(Frozen):
    """The items of one cause. `sums` has one amount a currency: the amounts of the items' deals."""

    cause: Cause
    count: int
    sums: tuple[Sum, ...]
    oldest: AwareDatetime


class FilterChoices(Frozen):
    """What occurs among the items of a status, so that filters offer nothing that matches none."""

    codes: tuple[Code, ...] = ()
    connections: tuple[Code, ...] = ()
    fields: tuple[Text, ...] = ()
    regions: tuple[Text, ...] = ()
    service_lines: tuple[Text, ...] = ()


class ExceptionList(Frozen):
    """`number` is the page's, from 1; one that does not exist is the last. `groups`: of all that match, the
    largest first."""

    rows: tuple[ListedException, ...]
    number: int
    total: int
    groups: tuple[CauseGroup, ...]
    choices: FilterChoices

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // ROWS_A_PAGE))


class CauseSum(Frozen):
    """As the store sums it: the items of one cause whose deals are in one currency, or have no amount."""

    cause: Cause
    currency: Code | None
    amount: Decimal | None
    count: int
    oldest: AwareDatetime


def grouped(sums: tuple[CauseSum, ...]) -> tuple[CauseGroup, ...]:
    """One group a cause: that of most items first, then the one that waits longest."""
    by_cause: dict[Cause, list[CauseSum]] = {}
    for each in sums:
        by_cause.setdefault(each.cause, []).append(each)
    groups = [
        CauseGroup(
            cause=cause,
            count=sum(each.count for each in parts),
            sums=tuple(
                Sum(amount=each.amount, currency=each.currency)
                for each in sorted(parts, key=lambda part: part.currency or "")
                if each.amount is not None
            ),
            oldest=min(each.oldest for each in parts),
        )
        for cause, parts in by_cause.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-group.count, group.oldest, group.cause.code)))
