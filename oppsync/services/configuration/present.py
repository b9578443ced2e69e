"""What pages, API and command line show of the configuration: the rows of now and its versions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from oppsync.domain.approval.involved import is_same
from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.configuration.bundle import fingerprint, fingerprint_of
from oppsync.domain.configuration.differences import Difference, differences
from oppsync.domain.configuration.edits import carried_over
from oppsync.domain.configuration.files import UNGOVERNED
from oppsync.domain.configuration.versions import ConfigurationVersion, Proposal, ProposalStatus
from oppsync.domain.reading.backtest import Backtest
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.kernel.errors import NotFound
from oppsync.ports.storage.unit_of_work import UnitOfWork


class Present(NamedTuple):
    """`firm`: the installation's name, `firm_in_files` that in the files. `is_recorded`: whether the newest
    version has the rows of now; where not, something wrote them past the versions. `versions`: newest first."""

    firm: str
    firm_in_files: str
    rows: Sequence[ReferenceRow]
    fingerprint: str
    is_recorded: bool
    live_since: datetime | None
    versions: Sequence[ConfigurationVersion]

    @property
    def version(self) -> ConfigurationVersion | None:
        return self.versions[0] if self.versions else None


def present(uow: UnitOfWork, tenant_id: str) -> Present:
    stored, book = uow.configurations, uow.references.book(tenant_id)
    versions, found = stored.versions(tenant_id), fingerprint_of(book)
    newest = versions[0].fingerprint if versions else fingerprint(())
    return Present(
        firm=firm_here(uow, tenant_id) or stored.firm(tenant_id),
        firm_in_files=stored.firm(tenant_id),
        rows=[row for row in book.rows if row.kind not in UNGOVERNED],
        fingerprint=found,
        is_recorded=newest == found,
        live_since=stored.live_since(tenant_id),
        versions=versions,
    )


def firm_here(uow: UnitOfWork, tenant_id: str) -> str:
    """The name of this installation, which no files change; empty until somebody gave it one."""
    tenant = uow.tenants.get(tenant_id)
    return tenant.name if tenant.time_zone else ""


def approvers(uow: UnitOfWork, tenant_id: str, proposal: Proposal) -> Sequence[str]:
    """The names of those who may approve it: who proposed it may not."""
    people = uow.people.everyone(tenant_id)
    able = [each for each in people if may(each, Action.APPROVE_CONFIGURATION)]
    proposer = uow.people.get(tenant_id, proposal.proposed_by)
    return sorted(each.name for each in able if not is_same(each, proposer))


class ProposedNow(NamedTuple):
    """What an open proposal would make of the configuration of now."""

    firm: str
    rows: Sequence[ReferenceRow]
    is_overtaken: bool


def proposed_now(uow: UnitOfWork, tenant_id: str, proposal: Proposal) -> ProposedNow:
    """Where the configuration changed since, only what the proposal changes of what it was made from: what
    others changed meanwhile stays, as it does when it is proposed anew."""
    stored = uow.configurations
    rows, now = stored.proposed_rows(tenant_id, proposal.id), stored.rows(tenant_id)
    if proposal.against == fingerprint(now):
        return ProposedNow(proposal.firm, rows, is_overtaken=False)
    base, firm_then = _made_from(uow, tenant_id, proposal)
    firm = proposal.firm if proposal.firm != firm_then else stored.firm(tenant_id)
    return ProposedNow(firm, carried_over(rows, base, now), is_overtaken=True)


class ProposalAsMade(NamedTuple):
    """Where the rows of a proposal differ from those of version `against` that it was made from; None without a
    version. `applied_as`: the version that it became, if it was applied. `firm_before`: what the files of
    version `against` name the firm, where these name it otherwise."""

    differences: Sequence[Difference]
    against: int | None
    applied_as: int | None
    firm_before: str = ""


def proposal_as_made(uow: UnitOfWork, tenant_id: str, proposal: Proposal) -> ProposalAsMade:
    base, firm = _made_from(uow, tenant_id, proposal)
    changes = differences(base, uow.configurations.proposed_rows(tenant_id, proposal.id))
    against = uow.configurations.number_of(tenant_id, proposal.against)
    firm_before = firm if firm != proposal.firm else ""
    return ProposalAsMade(changes, against, _applied_as(uow, tenant_id, proposal), firm_before)


def _made_from(uow: UnitOfWork, tenant_id: str, proposal: Proposal) -> tuple[Sequence[ReferenceRow], str]:
    """The rows that a proposal was made from, and what their files name the firm."""
    stored = uow.configurations
    number = stored.number_of(tenant_id, proposal.against)
    if number is None:
        return (), stored.firm(tenant_id)
    return stored.rows_of(tenant_id, number), stored.firm(tenant_id, number)


def _applied_as(uow: UnitOfWork, tenant_id: str, proposal: Proposal) -> int | None:
    """The newest version with its rows when it was decided: later ones may have taken them back and again."""
    decided_at = proposal.decided_at
    if proposal.status is not ProposalStatus.APPLIED or decided_at is None:
        return None
    versions = (each for each in uow.configurations.versions(tenant_id) if each.made_at <= decided_at)
    return next((each.number for each in versions if each.fingerprint == proposal.fingerprint), None)


def kept_backtest(uow: UnitOfWork, tenant_id: str, of_rows: str) -> Backtest:
    """The latest report on the rows of a fingerprint. Raises NotFound, NewerRelease."""
    is_fingerprint = of_rows.isascii() and of_rows.isalnum()
    found = uow.configurations.backtest_of(tenant_id, of_rows) if is_fingerprint else None
    if found is None:
        raise NotFound("No past deals were tried by rows with this fingerprint.")
    return found


class VersionWithChanges(NamedTuple):
    """A version, and where its rows differ from those of the one before. `firm_before`: what the files of that
    one name the firm, where these name it otherwise."""

    version: ConfigurationVersion
    differences: Sequence[Difference]
    firm_before: str = ""


def version_with_changes(uow: UnitOfWork, tenant_id: str, number: int) -> VersionWithChanges:
    """Raises NotFound."""
    stored = uow.configurations
    version = next((each for each in stored.versions(tenant_id) if each.number == number), None)
    if version is None:
        raise NotFound(f"There is no version {number} of the configuration.")
    before: Sequence[ReferenceRow] = ()
    firm = version.firm
    if number > 1:
        before, firm = stored.rows_of(tenant_id, number - 1), stored.firm(tenant_id, number - 1)
    changes = differences(before, stored.rows_of(tenant_id, number))
    return VersionWithChanges(version, changes, firm if firm != version.firm else "")


def history_of(uow: UnitOfWork, tenant_id: str, kind: ReferenceKind, key: str) -> Sequence[VersionWithChanges]:
    """The versions that changed a row of this key, newest first."""
    found, before = [], tuple[ReferenceRow, ...]()
    for version, rows in uow.configurations.of_key(tenant_id, kind, key):
        changes = differences(before, rows)
        if changes:
            found.append(VersionWithChanges(version, changes))
        before = tuple(rows)
    return found[::-1]
