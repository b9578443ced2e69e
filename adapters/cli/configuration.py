"""`config`: the rules of a firm as a folder of files: export, check, compare, apply, take back."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import click

from adapters.bootstrap import Application
from adapters.cli.commands import Failed
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table, say
from adapters.documents.bundle_files import FirmBundle, read_bundle, write_bundle
from oppsync.domain.configuration.bundle import fingerprint, short_fingerprint
from oppsync.domain.configuration.differences import Difference, differences, moves_money
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.configuration.files import KIND_OF_FILE, MANIFEST
from oppsync.domain.configuration.schema import schemas
from oppsync.domain.values.actor import AskingPerson, actor_name
from oppsync.services.configuration.commands import (
    Answer,
    Applied,
    ApplyConfiguration,
    DecideProposal,
    RevertConfiguration,
)

TOKEN = "OPPSYNC_TOKEN"  # noqa: S105
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
        files = write_bundle(found.firm(tenant_id), rows)
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
@json_option
def check(folder: Path, as_json: bool) -> None:
    """Check the files in DIR by themselves, without a database. Shows every fault; ends with 1 when there is
    one."""
    try:
        bundle = read_bundle(_files(folder))
    except BadBundle as refused:
        if not as_json:
            raise _shown(refused) from None
        print_json({"faults": [asdict(each) for each in refused.faults]})
        sys.exit(1)
    if as_json:
        print_json({"faults": [], "rows": len(bundle.rows), "fingerprint": fingerprint(bundle.rows)})
    else:
        found = short_fingerprint(fingerprint(bundle.rows))
        say(f"The configuration of {bundle.firm} is sound: {len(bundle.rows)} rows, fingerprint {found}.")


@config.command()
@FOLDER
@json_option
def diff(folder: Path, as_json: bool) -> None:
    """Show what applying DIR would change, row by row. Writes nothing."""
    bundle = read_folder(folder)
    with connected() as application, application.uow.reading() as uow:
        now = uow.configurations.rows(application.tenant_id)
        firm = uow.configurations.firm(application.tenant_id)
    changes = differences(now, bundle.rows)
    if as_json:
        print_json(
            {
                "before": fingerprint(now),
                "after": fingerprint(bundle.rows),
                "differences": [_as_json(each) for each in changes],
            }
        )
        return
    if firm != bundle.firm:
        say(f"{MANIFEST}: firm {firm} -> {bundle.firm}")
    _print_differences(changes)


@config.command()
@FOLDER
@NOTE
@json_option
def apply(folder: Path, note: str, as_json: bool) -> None:
    """Make the files in DIR the configuration, or propose them where that needs a second person.

    Acts as the person of the API token in OPPSYNC_TOKEN, which is asked for otherwise.
    """
    bundle = read_folder(folder)
    with connected() as application:
        asker = _asker(application)
        command = ApplyConfiguration(application.tenant_id, asker, bundle.firm, bundle.rows, note=note)
        _print_answer(application.dispatch(command), as_json)


@config.command()
@click.argument("number", metavar="VERSION", type=int)
@NOTE
@json_option
def revert(number: int, note: str, as_json: bool) -> None:
    """Make the rows of an earlier VERSION the configuration again, as a new version. As `apply`, it acts by a
    token and may need a second person."""
    with connected() as application:
        command = RevertConfiguration(application.tenant_id, _asker(application), number, note)
        _print_answer(application.dispatch(command), as_json)


@config.command()
@json_option
def proposals(as_json: bool) -> None:
    """List what waits for a second person, with what it would change."""
    with connected() as application, application.uow.reading() as uow:
        tenant_id = application.tenant_id
        now = uow.configurations.rows(tenant_id)
        found = [
            (each, differences(now, uow.configurations.proposed_rows(tenant_id, each.id)))
            for each in uow.configurations.open_proposals(tenant_id)
        ]
        people = {each.id: each.email for each in uow.people.everyone(tenant_id)}
    if as_json:
        print_json(
            [
                {**each.model_dump(mode="json"), "differences": [_as_json(change) for change in changes]}
                for each, changes in found
            ]
        )
        return
    if not found:
        say("Nothing is proposed.")
    for each, changes in found:
        say(f"{each.id} by {people[each.proposed_by]} at {each.proposed_at:%Y-%m-%d %H:%M} UTC. {each.note}")
        if each.against != fingerprint(now):
            say("The configuration changed since: it cannot be approved, and has to be proposed anew.")
        _print_differences(changes)


@config.command()
@click.argument("proposal_id", metavar="PROPOSAL", type=click.UUID)
@click.option("--comment", default="", help="For whoever proposed it.")
def approve(proposal_id: UUID, comment: str) -> None:
    """Approve and apply a proposal, as the person of the token, who is not the one who proposed it."""
    with connected() as application:
        asker = _asker(application)
        command = DecideProposal(application.tenant_id, asker, proposal_id, approve=True, comment=comment)
        applied = application.dispatch(command)
    if applied is not None:
        _print_answer(applied, as_json=False)


@config.command()
@click.argument("proposal_id", metavar="PROPOSAL", type=click.UUID)
@click.option("--comment", required=True, help="Why, for whoever proposed it.")
def reject(proposal_id: UUID, comment: str) -> None:
    """Reject a proposal, or take back one's own."""
    with connected() as application:
        asker = _asker(application)
        application.dispatch(
            DecideProposal(application.tenant_id, asker, proposal_id, approve=False, comment=comment)
        )
    say("The proposal is rejected.")


@config.command()
@json_option
def history(as_json: bool) -> None:
    """List the versions, newest first, and whether the rows of now are those of the newest."""
    with connected() as application, application.uow.reading() as uow:
        versions = uow.configurations.versions(application.tenant_id)
        now = fingerprint(uow.configurations.rows(application.tenant_id))
    is_recorded = (versions[0].fingerprint if versions else fingerprint(())) == now
    if as_json:
        print_json(
            {
                "fingerprint": now,
                "is_recorded": is_recorded,
                "versions": [each.model_dump(mode="json") for each in versions],
            }
        )
        return
    rows = [
        (
            each.number,
            each.made_at,
            short_fingerprint(each.fingerprint),
            actor_name(each.made_by),
            actor_name(each.approved_by or ""),
            f"version {each.reverts_to} again. {each.note}" if each.reverts_to else each.note,
        )
        for each in versions
    ]
    print_table(("version", "at", "fingerprint", "by", "approved by", "note"), rows)
    if not is_recorded:
        say(
            f"The rows of now have the fingerprint {short_fingerprint(now)}, not the newest version's: "
            "they were written past the versions. The next change keeps them as a version of their own."
        )


@config.command()
@click.argument("name", metavar="[FILE]", required=False)
def schema(name: str | None) -> None:
    """Print the JSON Schema of each file, or of FILE."""
    every = schemas()
    if name is not None and name not in every:
        raise Failed(f"{name} is no file of a bundle: there are {', '.join(every)}.")
    print_json(every[name] if name else every)


def read_folder(folder: Path) -> FirmBundle:
    """Raises Failed with everything that is wrong."""
    try:
        return read_bundle(_files(folder))
    except BadBundle as refused:
        raise _shown(refused) from None


def _shown(refused: BadBundle) -> Failed:
    """With all faults: the message of an error that is stored is cut."""
    return Failed(str(refused))


def _files(folder: Path) -> dict[str, bytes]:
    try:
        found = [each for each in sorted(folder.iterdir()) if each.is_file() and not each.name.startswith(".")]
        return {each.name: each.read_bytes() for each in found if each.suffix not in _BESIDES}
    except OSError as error:
        raise Failed(f"{folder} cannot be read: {error}") from None


def _asker(application: Application) -> AskingPerson:
    """The person that the token acts as, within its scopes. It is never an argument, since everybody on the
    machine can read those."""
    secret = os.environ.get(TOKEN, "")
    if not secret and sys.stdin.isatty():
        secret = str(click.prompt("API token", hide_input=True))
    if not secret:
        raise Failed(f"Set {TOKEN} to an API token of your own: `oppsync token create` makes one.")
    signed_in = application.token(secret)
    if signed_in is None:
        raise Failed(f"The token in {TOKEN} is not valid any more, or never was.")
    return signed_in.asker


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
