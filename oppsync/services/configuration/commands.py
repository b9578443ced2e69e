"""Commands about the configuration as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.reference.book import ReferenceRow
from oppsync.domain.values.actor import Asker, AskingPerson
from oppsync.kernel.bus import Command


class Applied(NamedTuple):
    """`changed`: how many rows differ from the version before; with none there is no new version."""

    number: int
    fingerprint: str
    changed: int


class Proposed(NamedTuple):
    """It waits for a second person, whose role `needs` names."""

    proposal_id: UUID
    needs: str


Answer = Applied | Proposed


@dataclass(frozen=True)
class ApplyConfiguration(Command[Answer]):
    """Make these rows the firm's configuration, or propose them where that needs a second person. `against`:
    the fingerprint of the rows that they were compared with; None compares with those of now. Raises Forbidden;
    Conflict (code CONFIGURATION_CHANGED); BadBundle for rows that are wrong together."""

    tenant_id: str
    actor: Asker
    firm: str
    rows: Sequence[ReferenceRow]
    against: str | None = None
    note: str = ""


@dataclass(frozen=True)
class RevertConfiguration(Command[Answer]):
    """Make the rows of an earlier version the configuration again, as a new version. Raises NotFound and as
    `ApplyConfiguration` does."""

    tenant_id: str
    actor: Asker
    number: int
    note: str = ""


@dataclass(frozen=True)
class DecideProposal(Command[Applied | None]):
    """Apply a proposal or reject it; None for a rejection. Raises NotFound; Forbidden (code OWN_PROPOSAL where
    the person proposed it, who may only take it back); Conflict (codes ALREADY_DECIDED,
    CONFIGURATION_CHANGED)."""

    tenant_id: str
    actor: AskingPerson
    proposal_id: UUID
    approve: bool
    comment: str = ""
