"""`config`: the rules of a firm as a folder of files: export, check, compare, apply, take back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click

from adapters.bootstrap import Application
from adapters.cli.acting import acting_person
from adapters.cli.commands import Failed
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from adapters.documents.bundle_files import FirmBundle, not_kept, read_bundle, write_bundle
from adapters.documents.tables import read_table
from oppsync.domain.configuration.bundle import fingerprint, governed, short_fingerprint
from oppsync.domain.configuration.differences import Difference, differences, moves_money
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.configuration.files import KIND_OF_FILE, MANIFEST
from oppsync.domain.configuration.imports import IMPORTED, DateForm, Forms, NumberForm, merged
from oppsync.domain.configuration.installation import Installation
from oppsync.domain.configuration.schema import schemas
from oppsync.domain.reading.backtest import Backtest
from oppsync.domain.reading.open_deals import OpenDealEffects
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import COMMAND_LINE, actor_name
from oppsync.services.configuration.commands import (
    Answer,
    Applied,
    ApplyConfiguration,
    CompareConfiguration,
    Comparison,
    DecideProposal,
    RevertConfiguration,
)
from oppsync.services.configuration.map_check import map_notes
from oppsync.services.configuration.present import present

OF_BUNDLE = frozenset({MANIFEST, *KIND_OF_FILE})
# What a folder may have besides: notes for people, and what tools keep.
_BESIDES = (".md", ".txt")
FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
NOTE = click.option("--note", default="", help="Why, for whoever reads the history.")


@click.group("config", help="The configuration: a firm's rules as a folder of files, with versions.")
def config() -> None:
    pass


@config.command()
@FOLDER
@click.option("--version", "number", type=int, help="An earlier version; without it the configuration of now.")
def export(folder: Path, number: int | None) -> None:
    """Write the configuration into DIR, which is made where it is missing. A file of an earlier export whose
    kind has no rows any more is removed; no other file is touched."""
    with connected() as application, application.uow.reading() as uow:
        tenant_id = application.tenant_id
        found = uow.configurations
        rows = found.rows(tenant_id) if number is None else found.rows_of(tenant_id, number)
        files = write_bundle(found.firm(tenant_id, number), rows)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in OF_BUNDLE - files.keys():
            (folder / name).unlink(missing_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise Failed(f"{folder} cannot be written: {error}") from None
    say(f"Wrote {len(files)} files to {folder}: fingerprint {short_fingerprint(fingerprint(rows))}.")


@config.command()
@FOLDER
@click.option(
    "--erp",
    "with_erp",
    is_flag=True,
    help="Also what they name in the ERP, by its master data, and of systems: needs the database.",
)
@json_option
def check(folder: Path, *, with_erp: bool, as_json: bool) -> None:
    """Check the files in DIR by themselves, without a database. Shows every fault; ends with 1 when there is
    one."""
    notes: list[str] = []
    try:
        if with_erp:
            with connected() as application:
                bundle = read_bundle(files_in(folder), _here(application))
                notes = _notes(application, bundle)
        else:
            bundle = read_bundle(files_in(folder))
    except BadBundle as refused:
        if not as_json:
            raise shown(refused) from None
        print_json({"faults": [asdict(each) for each in refused.faults]})
        sys.exit(1)
    notes += not_kept(files_in(folder))
    if as_json:
        found = fingerprint(bundle.rows)
        print_json({"faults": [], "rows": len(bundle.rows), "fingerprint": found, "notes": notes})
    else:
        found = short_fingerprint(fingerprint(bundle.rows))
        say(f"The configuration of {bundle.firm} is sound: {len(bundle.rows)} rows, fingerprint {found}.")
        for note in notes:
            say(note)


@config.command()
@FOLDER
@json_option
def diff(folder: Path, as_json: bool) -> None:
    """Show what applying DIR would change, row by row. Writes nothing."""
    with connected() as application:
        bundle = read_folder(folder, _here(application))
        compared = _compared(application, bundle)
    _print_comparison(compared._replace(notes=(*compared.notes, *not_kept(files_in(folder)))), as_json)
    if not (as_json or compared.is_same):
        found = short_fingerprint(compared.before.fingerprint)
        say(f'Compared with {compared.before}. `config apply DIR --against "{found}"` replaces no other.')


def _notes(application: Application, bundle: FirmBundle) -> list[str]:
    tenant_id, today = application.tenant_id, application.clock.now().date()
    with application.uow.reading() as uow:
        return map_notes(uow, tenant_id, uow.references.book(tenant_id).rows, bundle.rows, today)


def _compared(application: Application, bundle: FirmBundle) -> Comparison:
    return application.dispatch(
        CompareConfiguration(application.tenant_id, COMMAND_LINE, bundle.firm, bundle.rows)
    )


@config.command()
@FOLDER
@NOTE
@click.option(
    "--against", default="", help="The fingerprint that `diff` was compared with: nothing else is replaced."
)
@json_option
def apply(folder: Path, note: str, against: str, as_json: bool) -> None:
    """Make the files in DIR the configuration, or propose them where that needs a second person.

    Acts as the person of the API token in OPPSYNC_TOKEN, which is asked for otherwise.
    """
    with connected() as application:
        bundle = read_folder(folder, _here(application))
        person_id, now = acting_person(application), _compared(application, bundle).before.fingerprint
        given = against.replace(" ", "").lower()
        # As it is shown, by its first eight digits; another one is refused as it was given.
        compared_with = now if now.startswith(given) and len(given) in (0, 8, len(now)) else given
        command = ApplyConfiguration(
            application.tenant_id, person_id, bundle.firm, bundle.rows, compared_with, note
        )
        _print_answer(application.dispatch(command), as_json)


@config.command("import")
@click.argument("kind", type=click.Choice([name.removesuffix(".csv") for name in IMPORTED]))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--numbers",
    type=click.Choice([each.value for each in NumberForm]),
    default="point",
    help="1,234.50 or 1.234,50.",
)
@click.option(
    "--dates",
    type=click.Choice([each.value for each in DateForm]),
    default="iso",
    help="2026-01-31, 31.01.2026 or 01/31/2026.",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="The first day of rows that name none.")
@click.option("--apply", "is_applied", is_flag=True, help="Apply or propose it; else nothing is written.")
@NOTE
@json_option
def import_(
    kind: str,
    file: Path,
    numbers: str,
    dates: str,
    since: datetime | None,
    *,
    is_applied: bool,
    note: str,
    as_json: bool,
) -> None:
    """Put the rows of a table, a CSV or XLSX FILE, among those of now; shows what that would change.

    The first line names the columns as the bundle's file does. Rows of the same key and day are replaced,
    others are added, and one that has no end ends where the next of its key begins. Any fault, and nothing is
    imported.
    """
    of_kind = KIND_OF_FILE[f"{kind}.csv"]
    forms = Forms(NumberForm(numbers), DateForm(dates), since.date() if since else None)
    with connected() as application:
        bundle, against = _imported(application, of_kind, file, forms)
        if is_applied:
            command = ApplyConfiguration(
                application.tenant_id, acting_person(application), bundle.firm, bundle.rows, against, note
            )
            _print_answer(application.dispatch(command), as_json)
        else:
            _print_comparison(_compared(application, bundle), as_json)


def _imported(
    application: Application, kind: ReferenceKind, file: Path, forms: Forms
) -> tuple[FirmBundle, str]:
    """And the fingerprint of the rows among which they were put."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error}") from None
    with application.uow.reading() as uow:
        rows = uow.configurations.rows(application.tenant_id)
        firm = uow.configurations.firm(application.tenant_id)
    try:
        found = merged(governed(rows), kind, read_table(file.name, content), forms, _here(application))
    except BadBundle as refused:
        raise shown(refused) from None
    return FirmBundle(firm, tuple(found)), fingerprint(rows)


@config.command()
@click.argument("number", metavar="VERSION", type=int)
@NOTE
@json_option
def revert(number: int, note: str, as_json: bool) -> None:
    """Make the rows of an earlier VERSION the configuration again, as a new version. As `apply`, it acts by a
    token and may need a second person."""
    with connected() as application:
        command = RevertConfiguration(application.tenant_id, acting_person(application), number, note)
        _print_answer(application.dispatch(command), as_json)


@config.command()
@json_option
def proposals(as_json: bool) -> None:
    """List what waits for a second person, with what it would change."""
    with connected() as application, application.uow.reading() as uow:
        tenant_id = application.tenant_id
        now, today = uow.configurations.rows(tenant_id), application.clock.now().date()
        found = [
            (
                each,
                differences(now, rows),
                map_notes(uow, tenant_id, now, rows, today),
                uow.configurations.backtest_of(tenant_id, each.fingerprint),
            )
            for each in uow.configurations.open_proposals(tenant_id)
            for rows in [uow.configurations.proposed_rows(tenant_id, each.id)]
        ]
        people = {each.id: each.email for each in uow.people.everyone(tenant_id)}
    if as_json:
        print_json(
            [
                {
                    **each.model_dump(mode="json"),
                    "differences": [_as_json(change) for change in changes],
                    "notes": notes,
                    "backtest": backtest.model_dump(mode="json") if backtest else None,
                }
                for each, changes, notes, backtest in found
            ]
        )
        return
    if not found:
        say("Nothing is proposed.")
    holds = fingerprint(now)
    for each, changes, notes, backtest in found:
        say(f"{each.id} by {people[each.proposed_by]} at {each.proposed_at:%Y-%m-%d %H:%M} UTC. {each.note}")
        if each.against != holds:
            say("The configuration changed since: it cannot be approved, and has to be proposed anew.")
        _print_differences(changes)
        for note in notes:
            say(note)
        _print_backtest(backtest, holds)


@config.command()
@click.argument("proposal_id", metavar="PROPOSAL", type=click.UUID)
@click.option("--comment", default="", help="For whoever proposed it.")
def approve(proposal_id: UUID, comment: str) -> None:
    """Approve and apply a proposal, as the person of the token, who is not the one who proposed it."""
    with connected() as application:
        person_id = acting_person(application)
        command = DecideProposal(application.tenant_id, person_id, proposal_id, approve=True, comment=comment)
        applied = application.dispatch(command)
    if applied is not None:
        _print_answer(applied, as_json=False)


@config.command()
@click.argument("proposal_id", metavar="PROPOSAL", type=click.UUID)
@click.option("--comment", default="", help="Why, for whoever proposed it; not needed for one's own.")
def reject(proposal_id: UUID, comment: str) -> None:
    """Reject a proposal, or take back one's own."""
    with connected() as application:
        person_id = acting_person(application)
        application.dispatch(
            DecideProposal(application.tenant_id, person_id, proposal_id, approve=False, comment=comment)
        )
    say("The proposal is rejected.")


@config.command()
@json_option
def history(as_json: bool) -> None:
    """List the versions, newest first, and whether the rows of now are those of the newest."""
    with connected() as application, application.uow.reading() as uow:
        now = present(uow, application.tenant_id)
    if as_json:
        print_json(
            {
                "fingerprint": now.fingerprint,
                "is_recorded": now.is_recorded,
                "versions": [each.model_dump(mode="json") for each in now.versions],
            }
        )
        return
    rows = [
        (
            each.number,
            each.made_at,
            short_fingerprint(each.fingerprint),
            actor_name(each.made_by),
            "alone, before going live" if each.alone else actor_name(each.approved_by or ""),
            f"version {each.reverts_to} again. {each.note}" if each.reverts_to else each.note,
        )
        for each in now.versions
    ]
    print_table(("version", "at", "fingerprint", "by", "approved by", "note"), rows)
    if not now.is_recorded:
        say(
            f"The rows of now have the fingerprint {short_fingerprint(now.fingerprint)}, not the newest "
            "version's: they were written past the versions. The next change keeps them as a version of their "
            "own."
        )


@config.command()
@click.argument("name", metavar="[FILE]", required=False)
def schema(name: str | None) -> None:
    """Print the JSON Schema of each file, or of FILE."""
    every = schemas()
    if name is not None and name not in every:
        raise Failed(f"{name} is no file of a bundle: there are {', '.join(every)}.")
    print_json(every[name] if name else every)


def _here(application: Application) -> Installation:
    return application.installation(application.tenant_id)


def read_folder(folder: Path, here: Installation | None = None) -> FirmBundle:
    """Raises Failed with everything that is wrong."""
    try:
        return read_bundle(files_in(folder), here)
    except BadBundle as refused:
        raise shown(refused) from None


def shown(refused: BadBundle) -> Failed:
    """With all faults: the message of an error that is stored is cut."""
    return Failed(str(refused))


def files_in(folder: Path) -> dict[str, bytes]:
    try:
        found = [each for each in sorted(folder.iterdir()) if each.is_file() and not each.name.startswith(".")]
        return {each.name: each.read_bytes() for each in found if each.suffix not in _BESIDES}
    except OSError as error:
        raise Failed(f"{folder} cannot be read: {error}") from None


def _as_json(each: Difference) -> dict[str, object]:
    return {
        "file": each.file,
        "row": each.row_in_words,
        "change": each.change,
        "moves_money": moves_money(each),
        "fields": [field._asdict() for field in each.fields],
    }


def _print_differences(changes: Sequence[Difference]) -> None:
    if not changes:
        say("Nothing differs.")
        return
    print_table(
        ("file", "row", "what", ""),
        [
            (each.file, each.row_in_words, each.what_in_words, "moves money" if moves_money(each) else "")
            for each in changes
        ],
    )


def _print_comparison(compared: Comparison, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "before": compared.before.fingerprint,
                "after": compared.after,
                "needs_second_person": compared.needs_second_person,
                "differences": [_as_json(each) for each in compared.differences],
                "open_deals": compared.open_deals.model_dump(mode="json"),
                "erp_check": compared.erp_check,
                "backtest": compared.backtest.model_dump(mode="json") if compared.backtest else None,
                "notes": list(compared.notes),
            }
        )
        return
    if compared.firm_in_words:
        say(compared.firm_in_words)
    _print_differences(compared.differences)
    if compared.differences:
        say(compared.erp_check)
    for note in compared.notes:
        say(note)
    _print_open_deals(compared.open_deals)
    if compared.differences:
        _print_backtest(compared.backtest, compared.before.fingerprint)


def _print_backtest(found: Backtest | None, holds: str) -> None:
    """Where the whole report is, and how one comes to be."""
    if found is None:
        say("Past deals were not tried by it: `oppsync policy backtest DIR` does.")
        return
    day = f" by the rows of {found.as_of}" if found.as_of else ""
    tried = f"Tried{day} at {found.made_at:%Y-%m-%d %H:%M} UTC by {actor_name(found.made_by)}"
    say(f"Past deals: {found.in_words}. {tried}.")
    if found.before.fingerprint != holds:
        say(f"That compared with {found.before}, which does not hold any more: try them again.")
    say(f"The whole report is the page /configuration/backtests/{found.after}.")


def _print_open_deals(effects: OpenDealEffects) -> None:
    if effects.maps_in_words:
        say(f"\n{effects.maps_in_words}")
    if not effects.rows:
        return
    same = len(effects.rows) - len(effects.differing)
    more = f", and {effects.not_tried} more not tried" if effects.not_tried else ""
    say(f"\nDeals not approved yet: {same} of {len(effects.rows)} keep their plan{more}.")
    if effects.differing:
        if effects.waiting_in_words:
            say(effects.waiting_in_words)
        rows = [
            (
                each.name,
                each.source_id,
                each.fate.replace("_", " "),
                each.total_before,
                each.total_after,
                each.what,
            )
            for each in effects.differing
        ]
        print_table(("deal", "id", "would be", "total now", "total then", "what"), rows)
    click.echo()


def _print_answer(answer: Answer, as_json: bool) -> None:
    if as_json:
        print_json({name: str(value) for name, value in answer._asdict().items()})
    elif not isinstance(answer, Applied):
        say(
            f"Proposed as {answer.proposal_id}: it moves money or changes who approves, so a second person "
            f"with the role {answer.needs} has to approve it."
        )
    elif not answer.changed:
        say(f"Nothing differs from version {answer.number}.")
    else:
        rows = "row differs" if answer.changed == 1 else "rows differ"
        found = short_fingerprint(answer.fingerprint)
        say(f"Version {answer.number}, fingerprint {found}: {answer.changed} {rows} from the one before.")
        if answer.waiting:
            listed = (
                f"`opportunity plan-anew ID` does that; the page /configuration/versions/{answer.number} lists"
            )
            say(f"{answer.waiting_in_words} {listed} {'it' if answer.waiting == 1 else 'them'}.")
