"""The actor of an event or of a closed exception, one stored string that is made and read here; and who asks
for something: a person, by id, the token of one, or a program that has no account."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.values.scopes import Scopes

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


class Bearer(NamedTuple):
    """A person by an API token, which may do no more than its scopes, and until it ends."""

    person_id: UUID
    scopes: Scopes
    ends: datetime


COMMAND_LINE = Program.COMMAND_LINE
# By a page, or by a token from before scopes, a person may do all that their roles give.
AskingPerson = UUID | Bearer
Asker = AskingPerson | Program


def person_behind(asker: AskingPerson) -> UUID:
    return asker.person_id if isinstance(asker, Bearer) else asker


def scopes_of(asker: Asker) -> Scopes | None:
    """None: no scopes bound what is asked."""
    return asker.scopes if isinstance(asker, Bearer) else None


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
