"""Apply a configuration: one transaction, one version, a named person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from oppsync.domain.approval.involved import is_same
from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import RIGHTS, Action, in_words, may, name_of, who_can
from oppsync.domain.configuration.bundle import canonical, content, fingerprint, governed
from oppsync.domain.configuration.checks import wrong_between
from oppsync.domain.configuration.differences import (
    Change,
    Difference,
    differences,
    moves_money,
    moving_fields,
    needs_second_person,
)
from oppsync.domain.configuration.faults import BadBundle, Place
from oppsync.domain.configuration.files import FILES
from oppsync.domain.configuration.installation import Installation, unfit
from oppsync.domain.configuration.map_checks import wrong_maps
from oppsync.domain.configuration.records import PlacedRow
from oppsync.domain.configuration.versions import ConfigurationVersion, Proposal, ProposalStatus
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import OUTSIDE, Asker, Program, actor_name, person_behind, scopes_of
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import ConfigurationApplied, ConfigurationProposed, ProposalRejected
from oppsync.kernel import text_input
from oppsync.kernel.errors import Conflict, Forbidden
from oppsync.ports.clock import Clock
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.storage.configuration import NewProposal, NewVersion, RowChange
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.who_asks import admit
from oppsync.services.configuration.commands import (
    Answer,
    Applied,
    ApplyConfiguration,
    DecideProposal,
    Proposed,
    RevertConfiguration,
)
from oppsync.services.configuration.here import installation
from oppsync.services.configuration.map_check import of_another_vendor
from oppsync.services.configuration.present import approvers

FOUND = "Written before there were versions, or past them"
# So many differences are told in the audit event; the versions themselves have all.
_MOST_TOLD = 100
# What says when an approval that waits is due: the rows of today count.
_OF_WAITING = frozenset({ReferenceKind.APPROVAL_STEP, ReferenceKind.CALENDAR})


class Wanted(NamedTuple):
    """The rows that are to become the next version, and who wants that. `only_names`: they mean what the rows
    before meant, so that nobody counts as who changed them."""

    firm: str
    rows: Sequence[ReferenceRow]
    made_by: str
    approved_by: str | None = None
    note: str = ""
    reverts_to: int | None = None
    only_names: bool = False


@dataclass(frozen=True)
class ApplyConfigurationHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    clock: Clock
    catalog: ConnectorCatalog

    def __call__(self, command: ApplyConfiguration) -> Answer:
        with self.uow() as uow:
            made_by = admit(uow, command.tenant_id, command.actor, Action.PROPOSE_CONFIGURATION)
            note = text_input.comment(command.note, "note")
            before = begin(uow, command.tenant_id)
            here = installation(uow, command.tenant_id, self.clock.now(), self.catalog)
            _refuse_wrong(command.rows, self.catalog, here)
            _refuse_outdated(before, command.against)
            between = (uow, command.tenant_id, before.rows, command.rows, self.clock.now().date())
            if faults := [*of_another_vendor(*between)]:
                raise BadBundle(faults)
            wanted = Wanted(command.firm, command.rows, made_by, note=note)
            answer = _apply_or_propose(
                uow, self.publish, command.tenant_id, before, wanted, asker=command.actor
            )
            uow.commit()
        return answer


@dataclass(frozen=True)
class RevertConfigurationHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    clock: Clock
    catalog: ConnectorCatalog

    def __call__(self, command: RevertConfiguration) -> Answer:
        with self.uow() as uow:
            made_by = admit(uow, command.tenant_id, command.actor, Action.PROPOSE_CONFIGURATION)
            note = text_input.comment(command.note, "note")
            before = begin(uow, command.tenant_id)
            rows = uow.configurations.rows_of(command.tenant_id, command.number)
            _refuse_outdated(before, command.against)
            here = installation(uow, command.tenant_id, self.clock.now(), self.catalog)
            _refuse_wrong(rows, self.catalog, here)
            firm = uow.configurations.firm(command.tenant_id, command.number)
            wanted = Wanted(firm, rows, made_by, note=note, reverts_to=command.number)
            answer = _apply_or_propose(
                uow, self.publish, command.tenant_id, before, wanted, asker=command.actor
            )
            uow.commit()
        return answer


@dataclass(frozen=True)
class DecideProposalHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    clock: Clock
    catalog: ConnectorCatalog

    def __call__(self, command: DecideProposal) -> Applied | None:
        tenant_id = command.tenant_id
        with self.uow() as uow:
            person = uow.people.get(tenant_id, person_behind(command.actor))
            # Who may propose may take back their own, which is known only once the proposal was looked up.
            proposes = may(person, Action.PROPOSE_CONFIGURATION, scopes_of(command.actor))
            by_proposer = proposes and not command.approve
            asked = Action.PROPOSE_CONFIGURATION if by_proposer else Action.APPROVE_CONFIGURATION
            actor = admit(uow, tenant_id, command.actor, asked)
            is_own = _is_own(uow, tenant_id, person, command.proposal_id)
            if not (is_own or command.approve):
                admit(uow, tenant_id, command.actor, Action.APPROVE_CONFIGURATION)
            needs_reason = not (is_own or command.approve)
            required = "Give a reason: whoever proposed it is shown it." if needs_reason else ""
            comment = text_input.comment(command.comment, "comment", required=required)
            before = begin(uow, tenant_id)
            proposal = uow.configurations.proposal(tenant_id, command.proposal_id)
            rows = uow.configurations.proposed_rows(tenant_id, command.proposal_id)
            if proposal.status is not ProposalStatus.OPEN:
                raise Conflict(f"The proposal was {proposal.status} already.", code="ALREADY_DECIDED")
            status = ProposalStatus.APPLIED if command.approve else ProposalStatus.REJECTED
            applied = None
            if command.approve:
                if is_own:
                    others = approvers(uow, tenant_id, proposal)
                    raise Forbidden(f"You proposed this: {who_can(others)}", code="OWN_PROPOSAL")
                _refuse_outdated(before, proposal.against)
                here = installation(uow, tenant_id, self.clock.now(), self.catalog)
                _refuse_wrong(rows, self.catalog, here)
                proposer = uow.people.get(tenant_id, proposal.proposed_by)
                _refuse_who_left(proposer)
                wanted = Wanted(
                    proposal.firm, rows, name_of(proposer), actor, proposal.note, proposal.reverts_to
                )
                applied = write(uow, self.publish, tenant_id, before, wanted)
            else:
                self.publish(uow, tenant_id, new_traceparent(), _rejected(proposal, actor, comment, is_own))
            uow.configurations.decide(tenant_id, proposal.id, status, person.id, comment)
            uow.commit()
        return applied


def _is_own(uow: UnitOfWork, tenant_id: str, person: Person, proposal_id: UUID) -> bool:
    """Whether one person proposed and decides, by whichever account."""
    proposed_by = uow.configurations.proposal(tenant_id, proposal_id).proposed_by
    return is_same(person, uow.people.get(tenant_id, proposed_by))


def _rejected(proposal: Proposal, actor: str, comment: str, is_own: bool) -> ProposalRejected:
    did = "Took back a configuration that they had proposed" if is_own else "Rejected a proposed configuration"
    return ProposalRejected(
        opportunity_id=None,
        actor=actor,
        detail={"proposal": str(proposal.id), "comment": comment},
        summary=f"{did}: {comment}" if comment else did,
    )


class Before(NamedTuple):
    """The configuration that is to be replaced, under the lock. Its rows are as they are stored; a new
    installation has neither rows nor a version."""

    rows: Sequence[ReferenceRow]
    fingerprint: str
    firm: str
    version: ConfigurationVersion | None

    @property
    def number(self) -> int:
        return self.version.number if self.version else 0


def begin(uow: UnitOfWork, tenant_id: str) -> Before:
    """Lock the configuration. Rows that no version has become one first: what an older release or somebody by
    hand wrote is kept too."""
    uow.configurations.lock(tenant_id)
    rows, firm = uow.configurations.rows(tenant_id), uow.configurations.firm(tenant_id)
    found, latest = fingerprint(rows), uow.configurations.latest(tenant_id)
    if (latest.fingerprint if latest else fingerprint(())) != found:
        uow.configurations.add(tenant_id, NewVersion(found, firm, governed(rows), made_by=OUTSIDE, note=FOUND))
        latest = uow.configurations.latest(tenant_id)
    return Before(rows, found, firm, latest)


def write(uow: UnitOfWork, publish: Publish, tenant_id: str, before: Before, wanted: Wanted) -> Applied:
    """Add the version and change the rows that differ; a row that does not keeps its counter of edits."""
    rows, changes = governed(wanted.rows), differences(before.rows, wanted.rows)
    if not changes and wanted.firm == before.firm:
        return Applied(before.number, before.fingerprint, 0)
    is_live = uow.configurations.live_since(tenant_id) is not None
    made = NewVersion(
        fingerprint(rows),
        wanted.firm,
        rows,
        wanted.made_by,
        wanted.approved_by,
        wanted.note,
        wanted.reverts_to,
        alone=not is_live and needs_second_person(changes, is_live=True),
    )
    number = uow.configurations.add(tenant_id, made)
    _change_rows(uow, tenant_id, before.rows, rows)
    if is_live and not wanted.only_names:
        # Whoever changed what moves money decides no plan that uses it; what only shows bars nobody.
        uow.configurations.keep_changes(
            tenant_id, number, [_kept(each) for each in changes if moves_money(each)]
        )
    if any(each.kind in _OF_WAITING for each in changes):
        uow.opportunities.look_again(tenant_id)
    _forget_tests(uow, tenant_id, changes)
    publish(uow, tenant_id, new_traceparent(), _event(before, number, made, changes))
    _, waiting = uow.plans.waiting_by_others(tenant_id, made.fingerprint, limit=1)
    return Applied(number, made.fingerprint, len(changes), waiting)


def _change_rows(
    uow: UnitOfWork, tenant_id: str, before: Sequence[ReferenceRow], after: Sequence[ReferenceRow]
) -> None:
    """Write the rows that differ, so that no row ever overlaps another: removed rows first, then the rest by
    their first day."""
    wanted = {(row.kind, row.key, row.valid_from): row for row in after}
    same = set()
    for row in before:
        at = (row.kind, row.key, row.valid_from)
        if at not in wanted:
            uow.references.remove(tenant_id, row)
        elif content(canonical(row)) == content(wanted[at]):
            same.add(at)
    for at, row in sorted(wanted.items(), key=lambda each: each[0][2]):
        if at not in same:
            uow.references.put(tenant_id, row)


def _kept(change: Difference) -> RowChange:
    fields = None if change.change is Change.ADDED else moving_fields(change)
    return RowChange(change.kind, change.key, change.valid_from, fields)


def _forget_tests(uow: UnitOfWork, tenant_id: str, changes: Sequence[Difference]) -> None:
    """A connection whose map differs is not the one that was tested."""
    names = {each.key for each in changes if each.kind is ReferenceKind.CONNECTION_MAP}
    for each in uow.connections.of_tenant(tenant_id) if names else ():
        if each.name in names:
            uow.connections.note_test(each, None)


def rows_differ(number: int) -> str:
    return {0: "no row differs", 1: "1 row differs"}.get(number, f"{number} rows differ")


def _event(
    before: Before, number: int, made: NewVersion, changes: Sequence[Difference]
) -> ConfigurationApplied:
    approved = f", approved by {actor_name(made.approved_by)}" if made.approved_by else ""
    if made.alone:
        approved = ", applied alone, before going live"
    what = f"the rows of version {made.reverts_to} again" if made.reverts_to else rows_differ(len(changes))
    if before.number and made.firm != before.firm:
        what += f"; its files name the firm {made.firm}, and before {before.firm}"
    return ConfigurationApplied(
        opportunity_id=None,
        actor=made.made_by,
        before={"version": before.number, "fingerprint": before.fingerprint},
        after={"version": number, "fingerprint": made.fingerprint},
        detail={
            "changes": [each.in_words for each in changes[:_MOST_TOLD]],
            "changed": len(changes),
            "approved_by": made.approved_by,
            "alone": made.alone,
            "note": made.note,
        },
        summary=f"Configuration version {number}: {what}{approved}",
    )


def _apply_or_propose(
    uow: UnitOfWork, publish: Publish, tenant_id: str, before: Before, wanted: Wanted, *, asker: Asker
) -> Answer:
    changes = differences(before.rows, wanted.rows)
    is_live = uow.configurations.live_since(tenant_id) is not None
    if not needs_second_person(changes, is_live=is_live):
        return write(uow, publish, tenant_id, before, wanted)
    if isinstance(asker, Program):
        raise Forbidden(
            "This moves money or changes who approves, so that two people have to agree to it: apply it with a "
            "token of your own.",
            code="NEEDS_SECOND_PERSON",
        )
    proposal = NewProposal(
        against=before.fingerprint,
        fingerprint=fingerprint(wanted.rows),
        firm=wanted.firm,
        rows=governed(wanted.rows),
        proposed_by=person_behind(asker),
        note=wanted.note,
        reverts_to=wanted.reverts_to,
    )
    proposal_id = uow.configurations.propose(tenant_id, proposal)
    event = ConfigurationProposed(
        opportunity_id=None,
        actor=wanted.made_by,
        before={"version": before.number, "fingerprint": before.fingerprint},
        after={"fingerprint": proposal.fingerprint},
        detail={
            "proposal": str(proposal_id),
            "changes": [each.in_words for each in changes[:_MOST_TOLD]],
            "changed": len(changes),
            "note": wanted.note,
        },
        summary=f"Proposed a configuration: {rows_differ(len(changes))}",
    )
    publish(uow, tenant_id, new_traceparent(), event)
    return Proposed(proposal_id, in_words(RIGHTS[Action.APPROVE_CONFIGURATION].roles))


def _refuse_wrong(rows: Sequence[ReferenceRow], catalog: ConnectorCatalog, here: Installation) -> None:
    """Raises BadBundle: rows of files were checked when they were read, those of others were not; and what is
    connected may be called otherwise since, or the ERP may have lost what a proposal or an earlier version
    names."""
    placed = [PlacedRow(row, Place(FILES[row.kind].name, 0)) for row in governed(rows)]
    if faults := [*wrong_between(placed), *wrong_maps(placed, catalog.wrong_map), *unfit(placed, here)]:
        raise BadBundle(faults)


def _refuse_who_left(proposer: Person) -> None:
    """Nothing is done in the name of somebody who may not even propose it any more."""
    if not may(proposer, Action.PROPOSE_CONFIGURATION):
        raise Conflict(
            f"{proposer.email} proposed this, and may not any more: reject this, and propose it anew.",
            code="PROPOSER_LEFT",
        )


def _refuse_outdated(before: Before, against: str | None) -> None:
    """`against`: what people compared with; None where they did not say."""
    if against not in (None, before.fingerprint):
        raise Conflict(
            f"The configuration changed meanwhile: it is version {before.number} now. Compare with that one, "
            "and propose anew.",
            code="CONFIGURATION_CHANGED",
        )
