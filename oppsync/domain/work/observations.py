"""What a test of a connection saw there: line by line, what it may do, and what it lacks."""

from __future__ import annotations

from enum import StrEnum

from oppsync.domain.values.model import Frozen, Text


class Seen(StrEnum):
    OK = "ok"
    MISSING_PERMISSION = "missing_permission"
    MISSING_FIELD = "missing_field"
    FIELD_NOT_READ = "field_not_read"  # it is there, and a setting says not to read it
    MISSING_RECORD = "missing_record"  # such as a product that the settings name
    NOT_REACHED = "not_reached"
    NOTE = "note"


SEEN_WORDS = {
    Seen.OK: "OK",
    Seen.MISSING_PERMISSION: "Permission missing",
    Seen.MISSING_FIELD: "Field missing",
    Seen.FIELD_NOT_READ: "Field not read",
    Seen.MISSING_RECORD: "Record missing",
    Seen.NOT_REACHED: "Not reached",
    Seen.NOTE: "Note",
}
# What nobody has to look at.
_HARMLESS = frozenset({Seen.OK, Seen.NOTE})
_LONGEST = 500


class Observation(Frozen):
    """`what` was looked at, and what to do (`fix`) where it is not well."""

    seen: Seen
    what: Text
    fix: Text = ""

    @property
    def is_fault(self) -> bool:
        return self.seen not in _HARMLESS

    @property
    def in_words(self) -> str:
        return f"{SEEN_WORDS[self.seen]}: {self.what}. {self.fix}".strip()[:_LONGEST]


def fine(what: str) -> Observation:
    return Observation(seen=Seen.OK, what=what)


def note(what: str) -> Observation:
    return Observation(seen=Seen.NOTE, what=what)


def lacks_permission(what: str, fix: str) -> Observation:
    return Observation(seen=Seen.MISSING_PERMISSION, what=what, fix=fix)


def lacks_field(what: str, fix: str) -> Observation:
    return Observation(seen=Seen.MISSING_FIELD, what=what, fix=fix)


def leaves_unread(what: str, fix: str) -> Observation:
    return Observation(seen=Seen.FIELD_NOT_READ, what=what, fix=fix)


def lacks_record(what: str, fix: str) -> Observation:
    return Observation(seen=Seen.MISSING_RECORD, what=what, fix=fix)


def not_reached(what: str, fix: str) -> Observation:
    return Observation(seen=Seen.NOT_REACHED, what=what, fix=fix)
