"""What the set-up shows: facts, from which its steps are judged."""

from __future__ import annotations

from typing import Protocol

from oppsync.domain.reading.set_up import SetUpFacts


class SetUpQueries(Protocol):
    def set_up_facts(self, tenant_id: str) -> SetUpFacts: ...
