"""Who did something, as events and closed exceptions name them: one stored string, made and read here."""

from __future__ import annotations

COMMAND_LINE = "command-line"
POLL = "poll"
RELAY = "relay"
_PERSON = "person:"


def stage_actor(name: str) -> str:
    return f"stage:{name}"


def person_actor(email: str) -> str:
    return f"{_PERSON}{email}"


def connection_actor(connection_id: str) -> str:
    return f"connection:{connection_id}"


def actor_name(actor: str) -> str:
    """An actor as pages show it: people by their e-mail address, all others as they are stored."""
    return actor.removeprefix(_PERSON)
