"""The result of a comparison: for each record that was ordered, each field as ordered and as found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

Fields = Mapping[str, str]


@dataclass(frozen=True)
class Compared:
    """One record. `where` names it in the other system; empty when it does not exist there."""

    what: str
    where: str
    wanted: Fields
    found: Fields

    def differences(self) -> dict[str, tuple[str, str]]:
        """Field -> (wanted, found)."""
        if not self.where:
            return {"record": ("one", "none")}
        return {
            name: (value, self.found.get(name, ""))
            for name, value in self.wanted.items()
            if self.found.get(name, "") != value
        }


@dataclass(frozen=True)
class DealComparison:
    """All comparisons of one deal. `project`: its number, empty when it has none."""

    opportunity_id: UUID
    deal: str
    project: str
    rows: tuple[Compared, ...]
