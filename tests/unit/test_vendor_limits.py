"""A connection's limits as settings, and the limits in vendors' headers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.connectors.http.signals import SILENT, Signal, read_limit_headers
from adapters.connectors.traffic.limits import NO_LIMITS, Limits, limits_of, without_limits
from adapters.crm.salesforce.limits import LIMITS as SALESFORCE
from adapters.crm.salesforce.limits import read_limit_info
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel.errors import Misconfigured

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def connection(**settings: Any) -> Connection:
    return Connection(
        tenant_id="default", id="erp", role=ConnectionRole.ERP, vendor="v", name="v", settings=settings
    )


def test_without_a_setting_the_published_limits_hold() -> None:
    assert limits_of(connection(base_url="x"), SALESFORCE) == SALESFORCE
    assert limits_of(connection(), NO_LIMITS).rate == 0


def test_a_connections_own_limits_go_over_the_published_ones() -> None:
    own = limits_of(connection(limits={"requests": 100, "per_seconds": 10}), SALESFORCE)
    assert own == Limits(requests=100, per_seconds=10, concurrent=25)
    assert (own.capacity, own.rate, own.reserve) == (20, 8.0, 10)
    assert limits_of(connection(limits={"concurrent": None}), SALESFORCE) == NO_LIMITS


def test_the_vendors_adapter_sees_its_own_settings_only() -> None:
    assert without_limits(connection(base_url="x", limits={"concurrent": 2})).settings == {"base_url": "x"}


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"requests": 1}, "requests: Input should be greater than or equal to 2"),
        ({"requests": 10, "burst": 10}, "burst must be less than requests"),
        ({"burst": 10}, "burst must be less than requests"),
        ({"per_second": 10}, "per_second: Extra inputs are not permitted"),
        ({"concurrent": 0}, "concurrent: Input should be greater than or equal to 1"),
        ("fast", "an object of requests, per_seconds, burst, concurrent and calls_at_once is wanted"),
        (7, "an object of requests, per_seconds, burst, concurrent and calls_at_once is wanted"),
    ],
)
def test_a_wrong_limit_is_named(limits: object, said: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        limits_of(connection(limits=limits), NO_LIMITS)
    assert "Connection erp: the setting limits is wrong" in refused.value.message
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("headers", "signal"),
    [
        ({}, SILENT),
        ({"ratelimit-limit": "100"}, SILENT),
        ({"ratelimit-remaining": "7", "ratelimit-reset": "30"}, Signal(remaining=7)),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, Signal(timedelta(seconds=30), 0)),
        ({"ratelimit": "limit=100, remaining=0, reset=5"}, Signal(timedelta(seconds=5), 0)),
        ({"ratelimit": '"default";r=50;t=30'}, Signal(remaining=50)),
        ({"ratelimit": '"default";r=0;t=30'}, Signal(timedelta(seconds=30), 0)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, Signal(timedelta(seconds=9), 0)),
        (
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 60)},
            Signal(timedelta(seconds=60), 0),
        ),
        (
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp() + 60) * 1000)},
            Signal(timedelta(seconds=60), 0),
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, Signal(timedelta(seconds=1), 0)),
        ({"x-ratelimit-remaining": "0"}, Signal(timedelta(seconds=1), 0)),
        (
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) - 60)},
            Signal(timedelta(0), 0),
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 15}, Signal(timedelta(hours=1), 0)),
        ({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "soon"}, SILENT),
        ({"x-ratelimit-remaining": "-1"}, SILENT),
        ({"x-ratelimit-remaining": "9" * 400}, SILENT),
    ],
)
def test_what_limit_headers_say(headers: dict[str, str], signal: Signal) -> None:
    assert read_limit_headers(headers, NOW) == signal


@pytest.mark.parametrize(
    ("info", "hold"),
    [
        ("api-usage=25/5000", None),
        ("api-usage=4749/5000; per-app-api-usage=17/250(appName=x)", None),
        ("api-usage=4750/5000", timedelta(minutes=1)),
        ("per-app-api-usage=249/250(appName=x); api-usage=5001/5000", timedelta(minutes=1)),
        ("per-app-api-usage=250/250(appName=x)", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_salesforces_daily_allocation_is_not_used_up(info: str, hold: timedelta | None) -> None:
    """The last twentieth is left to the org's other applications."""
    assert read_limit_info({"sforce-limit-info": info}, NOW).hold == hold
    assert read_limit_info({}, NOW) == SILENT
