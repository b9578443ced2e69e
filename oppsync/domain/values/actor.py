"""The actor of an event or of a closed exception, one stored string that is made and read here; and who asks
for something: a person, by id, or a program that has no account."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

POLL = "poll"
RELAY = "relay"
# Whoever wrote rows of the configuration past its versions: an older release, or somebody in the database.
OUTSIDE = "outside"
_PERSON = "person:"
_STAGE = "stage:"


class Program(StrEnum):
    """`command-line`: an operator with a shell on the installation, who could read its keys and its database
    anyway. The timeline cannot name the person behind it."""

    COMMAND_LINE = "command-line"


COMMAND_LINE = Program.COMMAND_LINE
Asker = UUID | Program


def stage_actor(name: str) -> str:
    return f"{_STAGE}{name}"


def is_stage(actor: str) -> bool:
    """Whether the work itself did it, and no person."""
    return actor.startswith(_STAGE)


def person_actor(email: str) -> str:
    return f"{_PERSON}{email}"


def connection_actor(connection_id: str) -> str:
    return f"connection:{connection_id}"


def actor_name(actor: str) -> str:
    """An actor as pages show it: people by their e-mail address, all others as they are stored."""
    return actor.removeprefix(_PERSON)
