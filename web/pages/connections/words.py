"""The words of the connection pages."""

from __future__ import annotations

from oppsync.domain.reading.traffic import Circuit, Traffic
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.observations import Seen
from web.pages.statuses import Shown

ROLE_WORDS = {role: role.in_words for role in ConnectionRole}
SEEN_SHOWN = {
    Seen.OK: Shown("OK", "good", "tick"),
    Seen.NOTE: Shown("Note", "info", "dot"),
    Seen.MISSING_PERMISSION: Shown("Permission missing", "bad", "triangle"),
    Seen.MISSING_FIELD: Shown("Field missing", "bad", "triangle"),
    Seen.MISSING_RECORD: Shown("Record missing", "bad", "triangle"),
    Seen.NOT_REACHED: Shown("Not reached", "bad", "octagon"),
}
_PAUSED = Shown("Paused", "plum", "bars", "Webhooks are accepted; deals that need it wait.")
_UNKNOWN = Shown("Unknown", "neutral", "ring", "Its state cannot be read now, or its settings are wrong.")
_WORKING = Shown("Working", "good", "tick")
_FAILING = Shown("Failing", "bad", "octagon", "It failed too often; one call at a time is tried.")
_LACKING = Shown("Something missing", "wait", "dot", "Its last test found something missing.")
_HELD = Shown("Waiting", "wait", "hourglass", "It asked to wait.")


def state_of(connection: Connection, seen: Traffic | None) -> Shown:
    if connection.paused_at is not None:
        return _PAUSED
    if seen is None or seen.circuit is None:
        return _UNKNOWN
    if seen.circuit is not Circuit.CLOSED:
        return _FAILING
    if connection.test_faults:
        return _LACKING
    return _HELD if seen.held_for else _WORKING
