"""A folder to begin a configuration with: the files of what a deal needs, with names and no rows yet."""

from __future__ import annotations

from adapters.documents.bundle_files import write_bundle
from oppsync.domain.catalog import CATALOG
from oppsync.domain.configuration.files import FILES, Form
from oppsync.domain.configuration.records import columns, must_be_given
from oppsync.domain.reference.book import ReferenceKind

# Without a row of one of these a deal stops; the tax regime decides most taxes.
FIRST_KINDS = tuple(
    kind for kind in FILES if CATALOG[kind].code is not None or kind is ReferenceKind.TAX_REGIME
)


def first_files(firm: str) -> dict[str, bytes]:
    """Name -> content. Read as they are, they have no rows and no faults."""
    files = write_bundle(firm, ())
    for kind in FIRST_KINDS:
        text = ",".join(columns(kind)) if FILES[kind].form is Form.CSV else _commented(kind)
        files[FILES[kind].name] = f"{text}\n".encode()
    return files


def _commented(kind: ReferenceKind) -> str:
    """A row of YAML in comments, with what it needs first."""
    needed = [name for name in columns(kind) if must_be_given(kind, name)]
    others = [name for name in columns(kind) if name not in needed]
    names = [f"{name}:" for name in needed] + [f"{name}:  # may be left out" for name in others]
    row = [f"# {'  ' if number else '- '}{name}" for number, name in enumerate(names)]
    return "\n".join(["# A row, to be copied without these signs and filled in:", *row])
