"""Log the calls that a run makes: redacted at once, stored together when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from uuid_utils.compat import uuid7

from adapters.connectors.http.client import CallTrace
from adapters.connectors.traffic.redaction import redacted_body, redacted_target
from oppsync.domain.reading.calls import VendorCall
from oppsync.domain.values.model import require
from oppsync.kernel.stage_scope import StageScope

KEPT = "calls"


class KeepCalls(Protocol):
    def __call__(self, tenant_id: str, traceparent: str, calls: Sequence[VendorCall]) -> None:
        """Store the calls. Never raises: a log for people must not stop the work."""


@dataclass(frozen=True)
class CallLog:
    keep: KeepCalls

    def add(self, scope: StageScope, connection_id: str, exchange: CallTrace, seconds: float) -> None:
        """Add one call; only for calls of which something may have left."""
        calls = scope.of_run.keep(KEPT, lambda: self._collecting(scope))
        answer, error = exchange.answer, exchange.error
        sent = require(exchange.sent, "what was sent")
        calls.append(
            VendorCall(
                id=uuid7(),
                at=datetime.now(UTC),
                opportunity_id=scope.opportunity_id,
                connection_id=connection_id,
                stage=scope.stage,
                method=sent.method,
                target=redacted_target(sent.target, sent.secrets),
                status=answer.status if answer else None,
                outcome=error.code if error else "ok",
                milliseconds=round(seconds * 1000),
                request=redacted_body(sent.content, sent.secrets),
                response=redacted_body(answer.body, sent.secrets) if answer else None,
            )
        )

    @contextmanager
    def _collecting(self, scope: StageScope) -> Iterator[list[VendorCall]]:
        calls: list[VendorCall] = []
        try:
            yield calls
        finally:
            self.keep(scope.tenant_id, scope.traceparent, calls)
