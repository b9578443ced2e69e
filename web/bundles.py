"""Configurations that people and programs send: read, within bounds, before anything is done with them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from io import BytesIO

from flask import Response, send_file

from adapters.documents.bundle_files import FirmBundle, read_bundle, read_rows, write_bundle
from adapters.documents.bundle_zip import files_of_zip, zip_of
from oppsync.domain.configuration.bundle import governed, short_fingerprint
from oppsync.domain.configuration.imports import Forms, Table, merged
from oppsync.domain.configuration.installation import Installation
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.kernel.errors import InvalidInput
from web.context import application, signed_in

ZIP = "application/zip"


def mine() -> Installation:
    """What rows of the asker's firm may name."""
    return application().installation(signed_in().tenant_id)


def bundle_of_zip(content: bytes, here: Installation | None = None) -> FirmBundle:
    """Raises BadBundle with everything that is wrong."""
    return read_bundle(files_of_zip(content), here)


def bundle_of(
    files: Mapping[str, str] | None, packed: str | None, here: Installation | None = None
) -> FirmBundle:
    """Of a request that has one of the two. Raises InvalidInput, BadBundle."""
    return read_bundle(_sent(files, packed), here)


def rows_of(files: Mapping[str, str] | None, packed: str | None) -> tuple[ReferenceRow, ...]:
    """As `bundle_of`, the rows as they stand, whether or not they fit together."""
    return read_rows(_sent(files, packed))


def _sent(files: Mapping[str, str] | None, packed: str | None) -> Mapping[str, bytes]:
    if (files is None) == (packed is None):
        raise InvalidInput("Send either files or zip.", field="files")
    if files is not None:
        # Half of a surrogate pair, which JSON can write, is not UTF-8: the reader names the file and the line.
        return {name: text.encode(errors="surrogatepass") for name, text in files.items()}
    return files_of_zip(from_base64(packed or "", "zip"))


def from_base64(text: str, field: str) -> bytes:
    """Raises InvalidInput."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("This is not base64.", field=field) from None


def configuration_now() -> FirmBundle:
    tenant_id = signed_in().tenant_id
    with application().uow.reading() as uow:
        rows, firm = uow.configurations.rows(tenant_id), uow.configurations.firm(tenant_id)
    return FirmBundle(firm, governed(rows))


def with_imported(now: FirmBundle, kind: ReferenceKind, table: Table, forms: Forms) -> FirmBundle:
    """The configuration with the rows of this table. Raises BadBundle with everything that is wrong."""
    return FirmBundle(now.firm, tuple(merged(now.rows, kind, table, forms, mine())))


def download(bundle: FirmBundle, fingerprint: str) -> Response:
    """The bundle as a zip file that is named after its fingerprint. Raises BadBundle for rows that no file can
    hold."""
    content = zip_of(write_bundle(bundle.firm, bundle.rows))
    name = f"configuration-{short_fingerprint(fingerprint).replace(' ', '-')}.zip"
    return send_file(BytesIO(content), mimetype=ZIP, as_attachment=True, download_name=name)
