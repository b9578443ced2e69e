"""What a person can do about each code, with the button that does it: one table.

Replay, dismissing, confirming, planning anew and giving up are offered by where the deal stands, and so have no
row. A test holds each code to one that exists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple, TypeVar

from oppsync.domain.catalog import CATALOG
from oppsync.domain.reading.calls import VendorCall
from oppsync.domain.reading.readings import OpportunityDetail
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.domain.work.states import State
from oppsync.services.queue import link_customer

Each = TypeVar("Each", bound=StrEnum)


class Way(StrEnum):
    LINK_CUSTOMER = "link_customer"
    OVERRIDE = "override"
    TEST_CONNECTION = "test_connection"
    MASTER_DATA = "master_data"


class Remedy(NamedTuple):
    """`rows`: kinds of rows of the configuration, one of which is added or corrected."""

    ways: tuple[Way, ...] = ()
    rows: tuple[ReferenceKind, ...] = ()


_ROW = {
    **{kind.code: Remedy(rows=(name,)) for name, kind in CATALOG.items() if kind.code is not None},
    "CALENDAR_UNKNOWN": Remedy(rows=(ReferenceKind.LEGAL_ENTITY,)),
    "COST_CENTRE_CLOSED": Remedy(rows=(ReferenceKind.COST_CENTRE,)),
    "CURRENCY_NOT_ALLOWED": Remedy(rows=(ReferenceKind.LEGAL_ENTITY,)),
    "LEGAL_ENTITY_NOT_APPROVED": Remedy(rows=(ReferenceKind.LEGAL_ENTITY,)),
    "RATE_DIFFERS": Remedy(rows=(ReferenceKind.RATE_CARD,)),
    "RULE_BLOCKS": Remedy(rows=(ReferenceKind.RULE,)),
    "RULE_FAILED": Remedy(rows=(ReferenceKind.RULE,)),
    "SPLIT_NOT_POSSIBLE": Remedy(rows=(ReferenceKind.SPLIT_RULE,)),
    "TAX_CODE_UNKNOWN": Remedy(rows=(ReferenceKind.TAX_TREATMENT,)),
    "TAX_DIFFERS_BY_LINE": Remedy(rows=(ReferenceKind.TAX_TREATMENT,)),
}
_CONNECTION = Remedy((Way.TEST_CONNECTION,))
REMEDIES: dict[str, Remedy] = {
    **_ROW,
    **{code: Remedy((Way.LINK_CUSTOMER,)) for code in link_customer.CODES},
    "COST_CENTRE_UNKNOWN": Remedy((Way.OVERRIDE,), (ReferenceKind.COST_CENTRE,)),
    "OVERRIDE_NOT_POSSIBLE": Remedy((Way.OVERRIDE,)),
    "CONNECTION_MISCONFIGURED": _CONNECTION,
    "ERP_SETUP_MISSING": _CONNECTION,
    "POLL_REFUSED": _CONNECTION,
    "PSA_ROLE_UNKNOWN": Remedy((Way.TEST_CONNECTION,), (ReferenceKind.PROJECT_TEMPLATE,)),
    "RETRIES_EXHAUSTED": _CONNECTION,
    "VENDOR_REJECTED": _CONNECTION,
    "DESTINATION_CHANGED": Remedy(rows=(ReferenceKind.ROUTE,)),
    "MASTER_DATA_ENDED": Remedy((Way.MASTER_DATA,)),
}
# Where a plan may exist that nobody has decided.
_OVERRIDABLE = frozenset({State.ENRICHED, State.PLANNED, State.AWAITING_APPROVAL})


def remedy_of(item: ExceptionItem) -> Remedy:
    """Of the item's code and of the codes of all its findings."""
    found = [REMEDIES[code] for code in (item.code, *(each.code for each in item.findings)) if code in REMEDIES]
    return Remedy(_once(each.ways for each in found), _once(each.rows for each in found))


def _once(lists: Iterable[tuple[Each, ...]]) -> tuple[Each, ...]:
    return tuple(dict.fromkeys(each for listed in lists for each in listed))


def may_be_overridden(opportunity: OpportunityDetail | None) -> bool:
    """Whether its plan can still be changed; `OverridePlan` decides it under the deal's lock."""
    if opportunity is None:
        return False
    stands_at = opportunity.stands_at
    was_planned = opportunity.plan_hash is not None and stands_at is State.VALIDATED
    return stands_at in _OVERRIDABLE or was_planned


def connections_of(
    item: ExceptionItem, opportunity: OpportunityDetail | None, calls: Iterable[VendorCall]
) -> Collection[str]:
    """Ids of the connections that the item may be about: those whose calls failed, the latest first; else the
    one that it came by."""
    failed = [call.connection_id for call in calls if call.outcome != "ok"]
    if failed:
        return list(dict.fromkeys(reversed(failed)))
    came_by = item.polled_connection or item.mirrored_connection
    known = came_by or (opportunity.connection_id if opportunity else None)
    return [known] if known else []
