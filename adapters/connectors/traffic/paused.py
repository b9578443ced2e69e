"""The gate of a connection that a person paused: it lets no call through, and what needs one waits."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta

from adapters.connectors.http.client import CallTrace
from oppsync.domain.work.connections import Connection, paused_words
from oppsync.kernel.errors import Paused

# Whoever resumes the connection wakes what waits for it; this is for what began to wait at that moment.
LOOK_AGAIN = timedelta(minutes=5)


class PausedGate:
    def __init__(self, connection: Connection) -> None:
        self._words = paused_words(connection)

    def call(self, name: str, seconds: float) -> AbstractContextManager[CallTrace]:
        raise Paused(self._words, retry_after=LOOK_AGAIN)
