"""What the contract suites need of a vendor besides its connector: its address, and its books to compare
with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

from sandbox.standins.control import StandinControl

# The setting that holds the address, under the same name in every connector.
ADDRESS = "base_url"
WON_ON = date(2026, 3, 2)
# The call that a fault applies to: method and path of the vendor's own API.
Target = Mapping[str, str]


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Access:
    """How to reach a vendor: a connection's settings and secrets."""

    settings: dict[str, Any]
    secrets: dict[str, str]

    def at(self, url: str) -> Access:
        """The same vendor at another address."""
        return Access(self.settings | {ADDRESS: url}, self.secrets)


class Harness(Protocol):
    """A running vendor. For an ERP `access` is enough; its books hold the demo firm (`sandbox/firm`): customers
    CUST-1001 to CUST-1004, the companies ACME-DE and ACME-US with their accounts, taxes, cost centres and
    payment terms, open until the end of 2028."""

    @property
    def access(self) -> Access: ...


class CrmHarness(Harness, Protocol):
    """`reading`, `writing`: the adapter's calls, for faults. `limit_reached`: the vendor's answer when its
    allowance is used up."""

    @property
    def control(self) -> StandinControl: ...

    @property
    def reading(self) -> Target: ...

    @property
    def writing(self) -> Target: ...

    @property
    def no_such_id(self) -> str: ...

    @property
    def limit_reached(self) -> Mapping[str, Any]: ...

    def win(self, won_on: date = WON_ON) -> str:
        """Win a deal of two lines, 120 hours at 160.00 and 200 at 130.00 in EUR; return its id."""

    def lose(self, deal_id: str) -> None: ...

    def hand_over(self, deal_id: str, name: str, email: str) -> None:
        """The deal gets another owner: the user with this address, whoever that is."""

    def delete(self, deal_id: str, minutes_ago: int) -> None:
        """As if somebody had deleted it then: a vendor may list what was deleted by whole minutes."""

    def undelete(self, deal_id: str) -> None: ...

    def forget_deletions(self) -> None:
        """The vendor no longer knows what was deleted so far."""

    def notification(self, *deal_ids: str) -> bytes: ...

    def notification_of(self, deal_id: str) -> bytes:
        """A notification of the deal's present version."""

    def now(self) -> datetime:
        """The vendor's clock: earlier changes have an earlier stamp."""

    def end_sessions(self) -> None: ...

    def written(self, deal_id: str) -> dict[str, str]:
        """The write-back as the vendor's books have it: status, project_number, project_url, activated_at,
        message; empty texts for absent fields."""


class PsaHarness(Harness, Protocol):
    """The adapter's calls, for faults: `searching`, `creating`, `writing`; `asking` and `asking_last`, the
    first and the last call of a staffing request, the same where one call is enough; `cancelling`, the call
    that cancels one. The settings map the role Consultant to 17.

    `refusals`: the vendor's words for a project without a title (`untitled`), a request for an archived project
    (`archived`), and cancelling a request for which somebody is named (`staffed`)."""

    @property
    def control(self) -> StandinControl: ...

    @property
    def searching(self) -> Target: ...

    @property
    def creating(self) -> Target: ...

    @property
    def writing(self) -> Target: ...

    @property
    def asking(self) -> Target: ...

    @property
    def asking_last(self) -> Target: ...

    @property
    def cancelling(self) -> Target: ...

    @property
    def refusals(self) -> Mapping[str, str]: ...

    def projects(self, key: str) -> list[dict[str, str]]:
        """The projects under our key in the vendor's books: id, title, text."""

    def archive(self, outside_id: str) -> None: ...

    def describe(self, outside_id: str, text: str) -> None:
        """A person writes something about the project."""

    def requests(self, key: str) -> list[dict[str, str]]:
        """The staffing requests under our key, in all projects: id, project, role, text, minutes."""

    def staff(self, outside_id: str) -> None:
        """A person names somebody for a request."""
