"""Scopes: how much of what its person may do an API token may do."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum


class Scope(StrEnum):
    READ = "read"
    WORK = "work"
    APPROVE = "approve"
    ADMIN = "admin"


Scopes = frozenset[Scope]
READS_ONLY: Scopes = frozenset({Scope.READ})
EVERY_SCOPE: Scopes = frozenset(Scope)
SCOPE_TEXTS: dict[Scope, str] = {
    Scope.READ: "Read what its person may read",
    Scope.WORK: "Work exceptions, override plans, test connections",
    Scope.APPROVE: "Approve and reject",
    Scope.ADMIN: "Change people, tokens, connections and configuration",
}
TOKEN_LASTS = timedelta(days=365)
LONGEST_TOKEN = timedelta(days=731)


def scopes_in_words(scopes: Collection[Scope] | None) -> str:
    """None: of a token from before scopes."""
    return "all its person may" if scopes is None else ", ".join(sorted(scopes))
