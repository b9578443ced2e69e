"""Commands about the configuration as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.configuration.differences import Difference
from oppsync.domain.configuration.files import MANIFEST
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.reading.backtest import Backtest
from oppsync.domain.reading.open_deals import OpenDealEffects
from oppsync.domain.reference.book import ReferenceRow
from oppsync.domain.values.actor import Asker, AskingPerson
from oppsync.kernel.bus import Command


def tell_nobody(tried: int, of: int) -> None:
    """Where nobody waits and watches."""


class Applied(NamedTuple):
    """`changed`: how many rows differ from the version before; with none there is no new version. `waiting`:
    how many deals wait for approval by plans that other rows made, which they keep until they are planned
    anew."""

    number: int
    fingerprint: str
    changed: int
    waiting: int = 0

    @property
    def waiting_in_words(self) -> str:
        if not self.waiting:
            return ""
        deals = "1 deal waits" if self.waiting == 1 else f"{self.waiting} deals wait"
        keep = "It keeps its plan until it is" if self.waiting == 1 else "They keep their plans until they are"
        return f"{deals} for approval by plans of an earlier version. {keep} planned anew."


class Proposed(NamedTuple):
    """It waits for a second person, whose role `needs` names."""

    proposal_id: UUID
    needs: str


Answer = Applied | Proposed


class Comparison(NamedTuple):
    """`before`: the rows of now, and the version that has them. `firm_here`: the name of this installation,
    which the one in the files does not change; empty while it has none. `after`: the fingerprint of the others.
    `open_deals`: what they would do to deals that are not approved yet; none is tried where no row differs.
    `erp_check`: by which master data of the ERP rows were checked, or why they were not. `backtest`: what past
    deals would have become by the others, where they were tried. `notes`: what is no fault, and may be a
    mistake."""

    before: ConfigurationUse
    firm_before: str
    after: str
    firm_after: str
    differences: Sequence[Difference]
    needs_second_person: bool
    open_deals: OpenDealEffects = OpenDealEffects()
    erp_check: str = ""
    backtest: Backtest | None = None
    notes: Sequence[str] = ()
    firm_here: str = ""

    @property
    def is_same(self) -> bool:
        return not self.differences and self.firm_before == self.firm_after

    @property
    def firm_in_words(self) -> str:
        """Where the files name the firm otherwise than those of now; empty where they do not."""
        if self.firm_before == self.firm_after:
            return ""
        before = f", and before {self.firm_before}" if self.before.number else ""
        told = f"{MANIFEST} names the firm {self.firm_after}{before}."
        stays = f" This installation is called {self.firm_here}, and stays so: Set-up is where that changes."
        return told + (stays if self.firm_here else "")


@dataclass(frozen=True)
class CompareConfiguration(Command[Comparison]):
    """What would change if these rows became the configuration. Writes nothing. Raises Forbidden."""

    tenant_id: str
    actor: Asker
    firm: str
    rows: Sequence[ReferenceRow]


@dataclass(frozen=True)
class BacktestConfiguration(Command[Backtest]):
    """Try the `last` won deals by the rows of now and by these, and keep the report of these rows. Each is
    tried as of its own day, where what begins after the last of them counts as though it had begun; with
    `as_of` all by the rows of that day. `tell` is called with how many were tried, of how many. Raises
    Forbidden, NewerRelease; InvalidInput for a number below 1."""

    tenant_id: str
    actor: Asker
    rows: Sequence[ReferenceRow]
    last: int
    as_of: date | None = None
    tell: Callable[[int, int], None] = tell_nobody


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
    """Make the rows of an earlier version the configuration again, as a new version. `against`, and what it
    raises: as `ApplyConfiguration`; and NotFound."""

    tenant_id: str
    actor: Asker
    number: int
    note: str = ""
    against: str | None = None


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
