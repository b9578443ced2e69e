"""Health checks: whether the process is alive, and whether it can do its work."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus

from flask import Blueprint
from flask.typing import ResponseReturnValue

from web.context import application
from web.problems import RETRY_AFTER

health = Blueprint("health", __name__, url_prefix="/health")
# Redis is not needed: deliveries are accepted without it, and their work starts when it returns.
NEEDED = ("postgres",)


@health.get("/live")
def live() -> ResponseReturnValue:
    return {"status": "ok"}


@health.get("/ready")
def ready() -> ResponseReturnValue:
    """`ok`; `degraded` (200) without Redis; `away` (503) without Postgres or its schema.

    `circuits` counts connections: closed, open, half_open or unknown. A vendor's outage is no reason to restart
    us. Anybody may read this, so it names no connection: its id is the address of its webhook.
    """
    dependencies = dict(application().health())
    away = [name for name, status in dependencies.items() if status != "ok"]
    if any(name in away for name in NEEDED):
        answer = {"status": "away", "dependencies": dependencies}
        return answer, HTTPStatus.SERVICE_UNAVAILABLE, RETRY_AFTER
    circuits = Counter(application().circuits().values())
    return {"status": "degraded" if away else "ok", "dependencies": dependencies, "circuits": dict(circuits)}
