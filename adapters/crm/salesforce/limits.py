"""Salesforce's limits: 25 long requests at a time, and a rolling daily allocation that every reply states."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from adapters.connectors.http.signals import SILENT, Signal
from adapters.connectors.traffic.limits import Limits

# Of requests that last longer than 20 s; a developer org has 5 (Salesforce Developer Limits and Allocations).
LIMITS = Limits(concurrent=25)
# The whole org shares the allocation, so the rest of it is left to other applications.
OUR_SHARE = 0.95
# Above that one call a minute still goes, to learn when calls are possible again.
HOLD = timedelta(minutes=1)

_USAGE = re.compile(r"(?:^|[;\s])api-usage=(\d{1,12})/(\d{1,12})")


def read_limit_info(headers: Mapping[str, str], now: datetime) -> Signal:
    """`Sforce-Limit-Info: api-usage=25/5000; per-app-api-usage=17/250(appName=x)`; names in lower case."""
    usage = _USAGE.search(headers.get("sforce-limit-info", ""))
    if usage is None or int(usage[1]) < int(usage[2]) * OUR_SHARE:
        return SILENT
    return Signal(hold=HOLD)
