"""The words of the connection pages."""

from __future__ import annotations

from oppsync.domain.reading.traffic import Circuit, Traffic
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.observations import Seen
from oppsync.ports.storage.unit_of_work import UnitOfWork
from oppsync.services.mirror.ended_in_use import ended_in_use
from web.context import application
from web.pages.statuses import Shown

ROLE_WORDS = {role: role.in_words for role in ConnectionRole}
SEEN_SHOWN = {
    Seen.OK: Shown("OK", "good", "tick"),
    Seen.NOTE: Shown("Note", "info", "dot"),
    Seen.MISSING_PERMISSION: Shown("Permission missing", "bad", "triangle"),
    Seen.MISSING_FIELD: Shown("Field missing", "bad", "triangle"),
    Seen.FIELD_NOT_READ: Shown("Field not read", "wait", "dot"),
    Seen.MISSING_RECORD: Shown("Record missing", "bad", "triangle"),
    Seen.NOT_REACHED: Shown("Not reached", "bad", "octagon"),
}
_PAUSED = Shown("Paused", "plum", "bars", "Nothing is called there; deals that need it wait.")
_UNKNOWN = Shown("Unknown", "neutral", "ring", "Its state cannot be read now, or its settings are wrong.")
_UNTESTED = Shown("Not tested", "neutral", "ring", "Nothing failed there; no test was made since it was set.")
_WORKING = Shown("Working", "good", "tick")
_FAILING = Shown("Failing", "bad", "octagon", "It failed too often; one call at a time is tried.")
_LACKING = Shown("Something missing", "wait", "dot", "Its last test found something missing or not read.")
_ENDED = Shown("Ended in use", "wait", "dot", "It does not have master data that deals or rows here name.")
_HELD = Shown("Waiting", "wait", "hourglass", "It asked to wait.")


def ended_of(uow: UnitOfWork, connection: Connection) -> int:
    """How much an ERP does not have of what deals or rows name; of another system, nothing is known."""
    if connection.role is not ConnectionRole.ERP:
        return 0
    today = application().clock.now().date()
    return len(ended_in_use(uow, connection.tenant_id, connection.id, today, application().connectors))


def state_of(connection: Connection, seen: Traffic | None, ended: int = 0) -> Shown:
    """`ended`: how much of its master data is not there, and named by something here."""
    if connection.paused_at is not None:
        return _PAUSED
    if seen is None or seen.circuit is None:
        return _UNKNOWN
    if seen.circuit is not Circuit.CLOSED:
        return _FAILING
    if connection.test_faults:
        return _LACKING
    if ended:
        return _ENDED
    untroubled = _UNTESTED if connection.tested_at is None else _WORKING
    return _HELD if seen.held_for else untroubled
