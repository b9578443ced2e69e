"""Versions of a firm's configuration, and proposals for the next one."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.configuration.bundle import short_fingerprint
from oppsync.domain.values.model import Code, Frozen, Text


class ConfigurationVersion(Frozen):
    """`made_by` and `approved_by` are actors. `alone`: it moved money or changed who approves, and the firm had
    not gone live, so that one person was enough. `reverts_to`: the version whose rows it has again."""

    number: int
    fingerprint: Code
    firm: Text
    made_by: Code
    approved_by: Code | None = None
    alone: bool = False
    note: Text = ""
    reverts_to: int | None = None
    made_at: AwareDatetime

    def __str__(self) -> str:
        return f"version {self.number} ({short_fingerprint(self.fingerprint)})"


class ConfigurationUse(Frozen):
    """The configuration that made a plan. `number` is None while no version has these rows: they were written
    past the versions."""

    fingerprint: Code
    number: int | None = None

    def __str__(self) -> str:
        version = f"version {self.number}" if self.number else "no version"
        return f"{version} ({short_fingerprint(self.fingerprint)})"


def other_now(made_by: ConfigurationUse | None, newest: ConfigurationUse | None) -> ConfigurationUse | None:
    """The newest version where its rows are not those that made a plan; None also for a plan that no version
    made."""
    if made_by is None or made_by.number is None or newest is None:
        return None
    return newest if newest.fingerprint != made_by.fingerprint else None


class ProposalStatus(StrEnum):
    OPEN = "open"
    APPLIED = "applied"
    REJECTED = "rejected"


class Proposal(Frozen):
    """Waits for a second person. `against`: the fingerprint of the rows that it was compared with."""

    id: UUID
    against: Code
    fingerprint: Code
    firm: Text
    proposed_by: UUID
    note: Text = ""
    reverts_to: int | None = None
    proposed_at: AwareDatetime
    status: ProposalStatus = ProposalStatus.OPEN
    decided_by: UUID | None = None
    decided_at: AwareDatetime | None = None
    comment: Text = ""
