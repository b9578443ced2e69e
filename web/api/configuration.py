"""The firm's configuration: read, checked, compared, proposed, applied and taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Response, url_for

from adapters.documents.bundle_files import FirmBundle
from adapters.documents.tables import read_table
from oppsync.domain.approval.who_may import Action
from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.configuration.differences import Difference, moves_money
from oppsync.domain.configuration.files import FILES
from oppsync.domain.configuration.imports import IMPORTED, Forms, imported_kind
from oppsync.domain.configuration.rule_tests import rule_tests
from oppsync.domain.configuration.versions import ConfigurationUse, ProposalStatus
from oppsync.domain.deal.owned_fields import WHERE_CHANGED
from oppsync.domain.reading.backtest import Backtest
from oppsync.domain.reading.system_of_record import systems_of_record
from oppsync.domain.reference.book import ReferenceRow
from oppsync.kernel.errors import InvalidInput
from oppsync.services.configuration.commands import (
    Answer,
    Applied,
    ApplyConfiguration,
    BacktestConfiguration,
    CompareConfiguration,
    Comparison,
    DecideProposal,
    RevertConfiguration,
)
from oppsync.services.configuration.present import (
    kept_backtest,
    present,
    proposed_now,
    version_with_changes,
)
from web.access.dear_calls import spend_dear_call
from web.api.auth import authenticate_for
from web.api.bridge import Blueprint
from web.api.schemas import configuration as schemas
from web.bundles import ZIP, bundle_of, configuration_now, download, from_base64, mine, rows_of, with_imported
from web.context import application, signed_in

configuration = Blueprint(
    "configuration", __name__, description="The rules of the firm: one bundle of files, with versions."
)
configuration.before_request(
    authenticate_for(
        Action.VISIT_CONFIGURATION,
        propose_configuration=Action.PROPOSE_CONFIGURATION,
        import_rows=Action.PROPOSE_CONFIGURATION,
        revert_configuration=Action.PROPOSE_CONFIGURATION,
        approve_proposal=Action.APPROVE_CONFIGURATION,
        backtest_configuration=Action.BACKTEST_CONFIGURATION,
        backtest_proposal=Action.BACKTEST_CONFIGURATION,
    )
)


@configuration.route("/configuration")
@configuration.answers(schemas.CurrentConfiguration)
def get_configuration() -> Mapping[str, object]:
    """Read which configuration holds now: its version and its fingerprint"""
    with application().uow.reading() as uow:
        now = present(uow, signed_in().tenant_id)
    counted = Counter(row.kind for row in now.rows)
    return {
        "firm": now.firm,
        "firm_in_files": now.firm_in_files,
        "fingerprint": now.fingerprint,
        "is_recorded": now.is_recorded,
        "version": now.version,
        "rows": {file.name: counted[kind] for kind, file in FILES.items() if counted[kind]},
        "live_since": now.live_since,
    }


@configuration.route("/configuration/versions")
@configuration.answers(schemas.ConfigurationVersions)
def list_versions() -> Mapping[str, object]:
    """List the versions, with who made and who approved each"""
    with application().uow.reading() as uow:
        return {"rows": uow.configurations.versions(signed_in().tenant_id)}


@configuration.route("/configuration/versions/<int:number>")
@configuration.answers(schemas.ConfigurationVersionView)
@configuration.refuses(HTTPStatus.NOT_FOUND)
def get_version(number: int) -> Mapping[str, object]:
    """Read one version, and what it changed"""
    with application().uow.reading() as uow:
        found = version_with_changes(uow, signed_in().tenant_id, number)
        backtest = uow.configurations.backtest_of(signed_in().tenant_id, found.version.fingerprint)
    return {
        "version": found.version,
        "firm_before": found.firm_before or None,
        "differences": _rows(found.differences),
        "backtest": backtest,
    }


@configuration.route("/configuration/export")
@configuration.takes(schemas.ExportQuery, location="query")
@configuration.answers_file(ZIP)
@configuration.refuses(HTTPStatus.NOT_FOUND)
def export_configuration(query: schemas.ExportQuery) -> Response:
    """Download the files as a zip file

    Equal configurations are equal bytes.
    """
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        found = uow.configurations
        rows = found.rows(tenant_id) if query.version is None else found.rows_of(tenant_id, query.version)
        firm = found.firm(tenant_id, query.version)
    return download(FirmBundle(firm, tuple(rows)), fingerprint(rows))


@configuration.route("/systems-of-record")
@configuration.answers(schemas.SystemsOfRecord)
def list_systems_of_record() -> Mapping[str, object]:
    """List which system owns each field of a deal and of the reference data"""
    return {"rows": systems_of_record(), "where": WHERE_CHANGED}


@configuration.route("/configuration/rule-tests")
@configuration.answers(schemas.RuleTests)
def list_rule_tests() -> Mapping[str, object]:
    """Try the rules of the configuration on their examples"""
    with application().uow.reading() as uow:
        return _rule_tests(uow.configurations.rows(signed_in().tenant_id))


@configuration.route("/configuration/rule-tests", methods=["POST"])
@configuration.takes(schemas.BundleRequest)
@configuration.answers(schemas.RuleTests)
@configuration.refuses(HTTPStatus.TOO_MANY_REQUESTS)
def try_rules(request: schemas.BundleRequest) -> Mapping[str, object]:
    """Try the rules of these files on their examples, whether or not the files fit together

    Writes nothing.
    """
    spend_dear_call()
    return _rule_tests(rows_of(request.files, request.zip))


def _rule_tests(rows: Iterable[ReferenceRow]) -> Mapping[str, object]:
    shown = schemas.RuleTestView.model_fields
    return {"rows": [{name: getattr(each, name) for name in shown} for each in rule_tests(rows)]}


@configuration.route("/configuration/check", methods=["POST"])
@configuration.takes(schemas.BundleRequest)
@configuration.answers(schemas.CheckedBundle)
@configuration.refuses(HTTPStatus.TOO_MANY_REQUESTS)
def check_configuration(request: schemas.BundleRequest) -> Mapping[str, object]:
    """Check files by themselves

    Refused with BAD_BUNDLE, which lists every fault with its file, line, field and what to do.
    """
    spend_dear_call()
    bundle = bundle_of(request.files, request.zip, mine())
    return {"firm": bundle.firm, "rows": len(bundle.rows), "fingerprint": fingerprint(bundle.rows)}


@configuration.route("/configuration/diff", methods=["POST"])
@configuration.takes(schemas.BundleRequest)
@configuration.answers(schemas.ConfigurationDifference)
@configuration.refuses(HTTPStatus.TOO_MANY_REQUESTS)
def compare_configuration(request: schemas.BundleRequest) -> Mapping[str, object]:
    """Show what applying these files would change, row by row

    Writes nothing.
    """
    spend_dear_call()
    return compared(bundle_of(request.files, request.zip, mine()))


@configuration.route("/configuration/backtest", methods=["POST"])
@configuration.takes(schemas.BacktestRequest)
@configuration.answers(Backtest)
@configuration.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
def backtest_configuration(request: schemas.BacktestRequest) -> Backtest:
    """Try the last won deals by these files

    Needs the role finance approver or integration admin. Each deal is tried as of its own day, where a changed
    row that begins after the last of them counts as though it had begun; with `as_of` all by the rows of that
    day. No deal changes; the report is kept, and shown with the proposal or version that has these rows.
    """
    spend_dear_call()
    return _tried(bundle_of(request.files, request.zip).rows, request)


@configuration.route("/configuration/backtests/<fingerprint>")
@configuration.answers(Backtest)
@configuration.refuses(HTTPStatus.NOT_FOUND)
def get_backtest(fingerprint: str) -> Backtest:
    """Read the latest report on the rows of a fingerprint"""
    with application().uow.reading() as uow:
        return kept_backtest(uow, signed_in().tenant_id, fingerprint)


@configuration.route("/configuration/proposals/<uuid:proposal_id>/backtest", methods=["POST"])
@configuration.takes(schemas.BacktestOfProposal)
@configuration.answers(Backtest)
@configuration.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)
def backtest_proposal(request: schemas.BacktestOfProposal, proposal_id: UUID) -> Backtest:
    """Try the last won deals by a proposal

    Needs the role finance approver or integration admin. By the rows of which days: as for files.
    """
    spend_dear_call()
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        wanted = proposed_now(uow, tenant_id, uow.configurations.proposal(tenant_id, proposal_id))
    return _tried(wanted.rows, request)


def _tried(rows: Sequence[ReferenceRow], asked: schemas.BacktestOfProposal) -> Backtest:
    me = signed_in()
    return application().dispatch(BacktestConfiguration(me.tenant_id, me.asker, rows, asked.last, asked.as_of))


@configuration.route("/configuration/import/preview", methods=["POST"])
@configuration.takes(schemas.ImportPreview)
@configuration.answers(schemas.ConfigurationDifference)
@configuration.refuses(HTTPStatus.TOO_MANY_REQUESTS)
def preview_import(request: schemas.ImportPreview) -> Mapping[str, object]:
    """Show what importing a table would change

    Writes nothing. Refused with BAD_BUNDLE, which lists every fault with its line, column and what to do.
    """
    spend_dear_call()
    return compared(_imported(request, configuration_now()))


@configuration.route("/configuration/import", methods=["POST"])
@configuration.takes(schemas.ImportRequest)
@configuration.answers(schemas.AppliedOrProposed)
@configuration.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
def import_rows(request: schemas.ImportRequest) -> Mapping[str, object]:
    """Import a table of rows of one kind, or propose that where it needs a second person

    Needs the role finance approver or integration admin. Rows of the same key and day are replaced, others are
    added, and one that has no end ends where the next of its key begins. All of it is imported, or nothing.
    """
    spend_dear_call()
    me, now = signed_in(), configuration_now()
    bundle = _imported(request, now)
    # What is written is all rows with these: those of somebody who wrote meanwhile would be lost.
    against = request.against or fingerprint(now.rows)
    command = ApplyConfiguration(me.tenant_id, me.asker, bundle.firm, bundle.rows, against, request.note)
    return answered(application().dispatch(command))


def _imported(request: schemas.ImportPreview, now: FirmBundle) -> FirmBundle:
    kind = imported_kind(request.file)
    if kind is None:
        raise InvalidInput(f"A table can be imported into {', '.join(IMPORTED)}.", field="file")
    table = read_table(request.file, from_base64(request.content, "content"))
    return with_imported(now, kind, table, Forms(request.numbers, request.dates, request.since))


@configuration.route("/configuration/proposals")
@configuration.answers(schemas.Proposals)
def list_proposals() -> Mapping[str, object]:
    """List what waits for a second person"""
    with application().uow.reading() as uow:
        return {"rows": uow.configurations.open_proposals(signed_in().tenant_id)}


@configuration.route("/configuration/proposals", methods=["POST"])
@configuration.takes(schemas.ProposalRequest)
@configuration.answers(schemas.AppliedOrProposed)
@configuration.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
def propose_configuration(request: schemas.ProposalRequest) -> Mapping[str, object]:
    """Apply these files, or propose them where that needs a second person

    Needs the role finance approver or integration admin. All of it happens, or nothing.
    """
    spend_dear_call()
    me, bundle = signed_in(), bundle_of(request.files, request.zip, mine())
    command = ApplyConfiguration(
        me.tenant_id, me.asker, bundle.firm, bundle.rows, request.against, request.note
    )
    return answered(application().dispatch(command))


@configuration.route("/configuration/proposals/<uuid:proposal_id>")
@configuration.answers(schemas.ProposalView)
@configuration.refuses(HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)
def get_proposal(proposal_id: UUID) -> Mapping[str, object]:
    """Read one proposal, and what it would change now

    Of an overtaken one, what it changes itself: what others changed meanwhile stays.
    """
    spend_dear_call()
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        proposal = uow.configurations.proposal(tenant_id, proposal_id)
        wanted = proposed_now(uow, tenant_id, proposal)
        is_open = proposal.status is ProposalStatus.OPEN
        of_rows = fingerprint(wanted.rows) if is_open else proposal.fingerprint
        backtest = uow.configurations.backtest_of(tenant_id, of_rows)
    difference = compared(FirmBundle(wanted.firm, tuple(wanted.rows)))
    return {
        "proposal": proposal,
        "is_overtaken": wanted.is_overtaken,
        "difference": difference,
        "backtest": backtest,
    }


@configuration.route("/configuration/proposals/<uuid:proposal_id>/approve", methods=["POST"])
@configuration.takes(schemas.ApprovalOfProposal)
@configuration.answers(schemas.AppliedOrProposed)
@configuration.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def approve_proposal(request: schemas.ApprovalOfProposal, proposal_id: UUID) -> Mapping[str, object]:
    """Approve a proposal, which applies it

    Needs the role finance approver; nobody approves what they proposed.
    """
    me = signed_in()
    command = DecideProposal(me.tenant_id, me.asker, proposal_id, approve=True, comment=request.comment)
    applied = application().dispatch(command)
    return answered(applied) if applied else {}


@configuration.route("/configuration/proposals/<uuid:proposal_id>/reject", methods=["POST"])
@configuration.takes(schemas.RejectionOfProposal)
@configuration.answers_nothing()
@configuration.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def reject_proposal(request: schemas.RejectionOfProposal, proposal_id: UUID) -> None:
    """Reject a proposal, or take back one's own

    Needs the role finance approver; whoever proposed it may always take it back.
    """
    me = signed_in()
    application().dispatch(
        DecideProposal(me.tenant_id, me.asker, proposal_id, approve=False, comment=request.comment)
    )


@configuration.route("/configuration/revert", methods=["POST"])
@configuration.takes(schemas.RevertRequest)
@configuration.answers(schemas.AppliedOrProposed)
@configuration.refuses(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
def revert_configuration(request: schemas.RevertRequest) -> Mapping[str, object]:
    """Make the rows of an earlier version the configuration again, or propose that

    Needs the role finance approver or integration admin. It becomes a new version.
    """
    me = signed_in()
    command = RevertConfiguration(me.tenant_id, me.asker, request.version, request.note, request.against)
    return answered(application().dispatch(command))


def compared(bundle: FirmBundle) -> dict[str, Any]:
    """What applying it would change, as `schemas.ConfigurationDifference`."""
    me = signed_in()
    command = CompareConfiguration(me.tenant_id, me.asker, bundle.firm, bundle.rows)
    compared: Comparison = application().dispatch(command)
    rows, backtest = _rows(compared.differences), compared.backtest
    summary = _summary(backtest, compared.before) if backtest else None
    return {**compared._asdict(), "differences": rows, "backtest": summary}


def _summary(backtest: Backtest, now: ConfigurationUse) -> Mapping[str, object]:
    """As `schemas.BacktestSummary`."""
    return {
        **{name: getattr(backtest, name) for name in ("made_at", "made_by", "before", "as_of", "in_words")},
        "tried": backtest.tried,
        "differing": backtest.differing,
        "is_current": backtest.before.fingerprint == now.fingerprint,
        "report": url_for("configuration.get_backtest", fingerprint=backtest.after),
    }


def _rows(changes: Sequence[Difference]) -> list[dict[str, object]]:
    return [
        {
            "file": each.file,
            "row": each.row_in_words,
            "change": each.change,
            "what": each.what_in_words,
            "moves_money": moves_money(each),
            "fields": each.fields,
        }
        for each in changes
    ]


def answered(answer: Answer) -> Mapping[str, object]:
    """As `schemas.AppliedOrProposed`."""
    if isinstance(answer, Applied):
        return {
            "version": answer.number,
            "fingerprint": answer.fingerprint,
            "changed": answer.changed,
            "waiting": answer.waiting,
        }
    return {"proposal_id": answer.proposal_id, "needs": answer.needs}
