"""Send a test event to a connection's own address over the network, as its system would."""

from __future__ import annotations

import uuid
from http import HTTPStatus

from adapters.connectors.http.client import HttpClient
from adapters.connectors.signatures.registry import SIGNERS
from adapters.runtime.plugins import load
from oppsync.domain.work.connections import Connection
from oppsync.domain.work.trial_events import TrialEvent, body_of
from oppsync.kernel.errors import OppsyncError
from oppsync.ports.clock import Clock

SECONDS = 10.0


class HttpTrialEvents:
    """Implements `oppsync.ports.connectors.TrialEventSender`. `base_url` is the one that people and systems
    use, so that what stands before us takes part."""

    def __init__(self, base_url: str, clock: Clock) -> None:
        self._base_url = base_url
        self._clock = clock

    def send(self, connection: Connection, secret: str) -> TrialEvent:
        body, now = body_of(connection.id), self._clock.now()
        headers = load(SIGNERS, connection.signature_scheme or "")(
            f"test_{uuid.uuid4().hex}", body, secret, now
        )
        try:
            client = HttpClient("oppsync", self._base_url, timeout=SECONDS, total=SECONDS)
            answer = client.request(
                "POST",
                f"/webhooks/{connection.id}",
                write=True,
                content=body,
                headers={**headers, "content-type": "application/json"},
                expect=set(range(300, 600)),
            )
            if answer.status != HTTPStatus.ACCEPTED:
                says = f"{self._base_url} answered {answer.status}: {_problem(answer.text)}"
                return TrialEvent(arrived=False, says=says, status=answer.status)
            event_id = uuid.UUID(answer.json()["event_id"])
        except (OppsyncError, KeyError, ValueError) as error:
            words = error.message if isinstance(error, OppsyncError) else "the answer is not ours"
            return TrialEvent(
                arrived=False, says=f"{words}. Check OPPSYNC_BASE_URL, and that it leads here from outside."
            )
        says = "It arrived, its signature is right, and it was kept. It made no deal."
        return TrialEvent(arrived=True, says=says, status=answer.status, event_id=event_id)


def _problem(text: str) -> str:
    return text[:200]
