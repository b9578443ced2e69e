"""Whatever a program sends is answered, and never with a bug: lengths of time, moments, numbers and texts at
their limits and beyond."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.web.office import Office

REPLAY = "/api/v1/replays/preview"


def answer(app: Flask, office: Office, method: str, path: str, **sent: Any) -> int:
    headers = {"Authorization": f"Bearer {office.token('olga')}"}
    return app.test_client().open(path, method=method, headers=headers, **sent).status_code


@pytest.mark.parametrize(
    ("criterion", "status"),
    [
        ({"older_than": "P200000Y"}, 422),
        ({"older_than": "P999999999D"}, 422),
        ({"older_than": "P36501D"}, 422),
        ({"older_than": "-P1D"}, 422),
        ({"older_than": "P36500D"}, 200),
        ({"older_than": "PT0.000001S"}, 200),
        ({"since": "0001-01-01T00:00:00+14:00"}, 200),
        ({"until": "9999-12-31T23:59:59.999999-14:00"}, 200),
        ({"since": "10000-01-01T00:00:00Z"}, 422),
        ({"limit": 10**30}, 422),
        ({"reason": "x" * 201}, 422),
        ({"reason": "a\x00b"}, 422),
        ({"ids": ["00000000-0000-0000-0000-000000000000"] * 1_001}, 422),
    ],
)
def test_a_selection_is_computed_or_refused(
    app: Flask, office: Office, criterion: dict[str, Any], status: int
) -> None:
    office.unreadable_delivery()
    office.deal()
    for of in ("opportunities", "deliveries"):
        sent = {"selection": {"of": of, "reason": "BUG", **criterion}}
        assert answer(app, office, "POST", REPLAY, json=sent) == status


@pytest.mark.parametrize("version", [-1, 2**31, 2**63, 10**30, 10**4_000])
def test_a_version_that_no_deal_has_is_skipped_or_refused(app: Flask, office: Office, version: int) -> None:
    items = [{"id": str(office.deal()), "version": version}]
    assert answer(app, office, "POST", "/api/v1/replays", json={"items": items}) in (200, 400, 422)


@pytest.mark.parametrize("path", ["opportunities", "exceptions", "approvals"])
@pytest.mark.parametrize("limit", ["0", "101", "-1", "9" * 30, "9" * 5_000, "1e400", "nan"])
def test_a_page_of_no_sensible_size_is_refused(app: Flask, office: Office, path: str, limit: str) -> None:
    assert answer(app, office, "GET", f"/api/v1/{path}?limit={limit}") == 422
