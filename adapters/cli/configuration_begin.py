"""`config begin`: a folder to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from adapters.cli.commands import Failed
from adapters.cli.configuration import FOLDER
from adapters.cli.output import say
from adapters.documents.first_files import first_files


@click.command()
@FOLDER
@click.option("--firm", required=True, help="The firm's name.")
def begin(folder: Path, firm: str) -> None:
    """Write a folder to begin with into DIR, which is new or empty: the files of what a deal needs, with the
    names of their columns and no rows. Needs no database."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise Failed(f"{folder} is not empty: name a new folder.")
        folder.mkdir(parents=True, exist_ok=True)
        files = first_files(firm)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise Failed(f"{folder} cannot be written: {error}") from None
    say(f"Wrote {len(files)} files to {folder}. Fill them in, then: oppsync config check {folder}")
