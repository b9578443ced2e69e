"""Note what was refused: counted where auditors read it, and one line of the log each, with the address."""

from __future__ import annotations

from contextlib import suppress

import structlog
from flask import request

from oppsync.domain.work.attempts import AttemptKind
from oppsync.kernel.errors import StoreUnavailable
from oppsync.services.admin.commands import CountAttempt
from web.context import application, trace_id


def note(kind: AttemptKind) -> None:
    """The log alone: the handler counted it."""
    structlog.get_logger().warning(
        "access_refused", kind=kind, address=address(), path=request.path, trace_id=trace_id()
    )


def note_and_count(kind: AttemptKind, subject: str) -> None:
    note(kind)
    with suppress(StoreUnavailable):  # the refusal is the answer all the same
        application().dispatch(CountAttempt(application().tenant_id, kind, subject, address()))


def address() -> str:
    return request.remote_addr or ""


def user_agent() -> str:
    return request.headers.get("User-Agent", "")
