"""Limit the calls of a token that ask the CRM or the ERP, or work many deals."""

from __future__ import annotations

from flask import g

from oppsync.domain.work.attempts import AttemptKind
from oppsync.kernel.errors import TooManyAttempts
from oppsync.ports.brake import Limit
from web.access.attempts import note_and_count
from web.context import application, signed_in

DEAR_CALLS = Limit("dear-calls", 60, 60)


def spend_dear_call() -> None:
    """Count one more for this request's token. Raises TooManyAttempts (code TOO_MANY_CALLS)."""
    brake = application().brake
    made = brake.count(DEAR_CALLS, g.token)
    if made <= DEAR_CALLS.most:
        return
    if made == DEAR_CALLS.most + 1:  # the rest of this minute adds nothing but rows to write
        note_and_count(AttemptKind.CALLS_BRAKED, signed_in().person.email)
    raise TooManyAttempts(
        f"A token has {DEAR_CALLS.most} such calls in {DEAR_CALLS.seconds} seconds.",
        wait_seconds=brake.wait_seconds(DEAR_CALLS, g.token),
        code="TOO_MANY_CALLS",
    )
