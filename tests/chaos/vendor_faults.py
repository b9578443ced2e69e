"""Faults of the outside: a vendor cut off or failing in its own way, and deliveries at the wrong time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.chaos.fault import Fault, Injection, until
from tests.chaos.house import LATE_COMMIT, SEARCH_LAG, TIMEOUT, House

CUT_SECONDS = 4.0
SPELL_SECONDS = 20.0
STORM_SECONDS, STORM_WINS, STORM_SHARE = 20.0, 8, 0.3
DROPPED_WINS, DROPPED_SHARE = 12, 0.3
STALE = 3
CALLS = 3
WRITES = {"tryton": "POST,PUT", "salesforce": "PATCH", "kantata": "POST"}
# Paths of writes: the method cannot tell, since Salesforce's reads are POSTs too.
PATHS = {"tryton": "/erp/rest/model", "salesforce": "/services/data", "kantata": "/api/v1"}


def cut(vendor: str) -> Callable[[House, Random], Injection]:
    def inject(house: House, chance: Random) -> Injection:
        proxy = house.vendors[vendor]
        before = proxy.broken
        proxy.cut()
        yield CUT_SECONDS
        yield from until(lambda: proxy.broken > before, CUT_SECONDS)
        proxy.mend()
        return proxy.broken - before

    return inject


def failing(
    vendor: str, rule: Mapping[str, Any], *, writes: bool = True
) -> Callable[[House, Random], Injection]:
    """The vendor fails in this way for the next few calls of this kind."""
    whole: dict[str, Any] = {
        "path": PATHS[vendor],
        "method": WRITES[vendor] if writes else "GET",
        "count": CALLS,
        **rule,
    }

    def inject(house: House, chance: Random) -> Injection:
        control = house.vendor(vendor)
        control.faults([whole])
        house.crm.win()

        def hits() -> int:
            return int(control.fault_report()[0]["hits"])

        yield from until(lambda: hits() >= whole["count"], SPELL_SECONDS)
        seen = hits()
        control.clear_faults()
        return seen

    return inject


def storm(vendor: str) -> Callable[[House, Random], Injection]:
    """For a while the vendor answers 429 to a share of all calls."""

    def inject(house: House, chance: Random) -> Injection:
        control = house.vendor(vendor)
        rule = {"path": "/", "count": None, "share": STORM_SHARE, "status": 429, "retry_after": 1}
        control.faults([rule])

        def hits() -> int:
            return int(control.fault_report()[0]["hits"])

        for _ in range(STORM_WINS):
            house.crm.win()
            yield STORM_SECONDS / STORM_WINS
        yield from until(lambda: hits() > 0, STORM_SECONDS)  # another vendor's storm may delay deals
        seen = hits()
        control.clear_faults()
        return seen

    return inject


def drop_webhooks(house: House, chance: Random) -> Injection:
    """For a while a share of the notifications is never sent; polls have to find those deals."""
    house.crm.drops = DROPPED_SHARE
    for _ in range(DROPPED_WINS):
        house.crm.win()
        yield 0.3
    house.crm.drops = 0.0
    yield from until(lambda: _known(house) >= len(set(house.crm.dropped)), SPELL_SECONDS)
    return _known(house, first="poll")


def _known(house: House, first: str = "%") -> int:
    """The deals of dropped notifications that we know; with `first` those that a poll found first."""
    query = """select count(*) from opportunities o where o.source_id = any(%s) and (
        select i.source from inbox_opportunities io join inbox i on i.tenant_id = io.tenant_id
        and i.id = io.inbox_id where io.tenant_id = o.tenant_id and io.opportunity_id = o.id
        order by i.id limit 1) like %s"""
    with house.servers.sql() as sql:
        found = sql.execute(query, [house.crm.dropped, first]).fetchone()
    return int(found[0]) if found else 0


def stale(house: House, chance: Random) -> Injection:
    refused = 0
    for _ in range(STALE):
        refused += house.crm.send_stale()
        yield 0.2
    return refused


# Name, the rule, and whether it concerns writes.
WAYS: tuple[tuple[str, dict[str, Any], bool], ...] = (
    ("answers slowly", {"delay_seconds": TIMEOUT + 1}, True),
    ("429 with Retry-After", {"status": 429, "retry_after": 2}, True),
    ("500 before commit", {"status": 500}, True),
    ("500 after commit", {"status": 500, "after_commit": True}, True),
    ("hangs", {"hang": True}, True),
    ("drops after commit", {"drop_connection": True, "after_commit": True}, True),
    ("commits late", {"commit_late_seconds": LATE_COMMIT - 0.5}, True),
    ("search lags", {"search_lag_seconds": SEARCH_LAG, "count": 40}, False),
    ("is away", {"away": True, "method": "*", "path": "/", "count": 15}, False),
)


def _of(vendor: str) -> tuple[Fault, ...]:
    uses = frozenset({vendor})
    ways = [
        Fault(f"{vendor}: {name}", uses, "calls spoilt", failing(vendor, rule, writes=writes))
        for name, rule, writes in WAYS
    ]
    return (
        Fault(f"{vendor}: cut off", uses, "connections broken", cut(vendor)),
        Fault(f"{vendor}: 429 storm", uses, "calls refused", storm(vendor)),
        *ways,
    )


VENDOR_FAULTS = (
    *_of("tryton"),
    *_of("salesforce"),
    *_of("kantata"),
    Fault("webhooks dropped", frozenset({"salesforce"}), "deals that came by the poll", drop_webhooks),
    Fault("stale timestamp", frozenset(), "refused with 401", stale),
)
