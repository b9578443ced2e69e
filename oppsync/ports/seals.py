"""How decisions are sealed: by keys that whoever can write to the database does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from oppsync.domain.approval.seals import Seal, SealCheck


class Seals(Protocol):
    def seal(self, signed: Mapping[str, Any]) -> Seal:
        """Seal a JSON-ready document with the newest key."""

    def check(self, seal: Seal) -> SealCheck:
        """Whether `seal.signed` is what was sealed; by an older key too, while there is one."""
