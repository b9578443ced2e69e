"""Logs: one line an event, constant names with ids, never payloads. JSON unless a person watches."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from uuid import UUID

import sentry_sdk
import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer

log = structlog.get_logger()


def configure_logs() -> None:
    person = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Local variables would show secrets.
            ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.dev.ConsoleRenderer() if person else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def configure_sentry(dsn: str) -> None:
    """Errors only: neither local variables nor request bodies leave this process."""
    sentry_sdk.init(dsn=dsn, include_local_variables=False, max_request_body_size="never")


class LogReporter:
    """Implements `oppsync.ports.reporter.Reporter`: a log line, and Sentry where it was configured."""

    def dead_letter(self, opportunity_id: UUID, code: str, message: str, error: Exception | None) -> None:
        log.error("dead_letter", opportunity_id=str(opportunity_id), code=code, exc_info=error)
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("opportunity_id", str(opportunity_id))
            scope.set_tag("code", code)
            if error is not None:
                sentry_sdk.capture_exception(error)
            else:
                sentry_sdk.capture_message(f"{code}: {message}", level="error")

    def parked(self, opportunity_id: UUID, stage: str, codes: Sequence[str]) -> None:
        log.warning("deal_parked", opportunity_id=str(opportunity_id), stage=stage, codes=list(codes))

    def deferred(self, opportunity_id: UUID, stage: str, code: str, tries: int, seconds: float) -> None:
        log.info(
            "deal_deferred",
            opportunity_id=str(opportunity_id),
            stage=stage,
            code=code,
            tries=tries,
            seconds=round(seconds, 1),
        )

    def lease_lost(self, opportunity_id: UUID, token: int) -> None:
        log.warning("lease_lost", opportunity_id=str(opportunity_id), token=token)
