"""Configurations that people and programs send: read, within bounds, before anything is done with them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from io import BytesIO

from flask import Response, send_file

from adapters.documents.bundle_files import FirmBundle, read_bundle, write_bundle
from adapters.documents.bundle_zip import files_of_zip, zip_of
from oppsync.domain.configuration.bundle import short_fingerprint
from oppsync.kernel.errors import InvalidInput

ZIP = "application/zip"


def bundle_of_zip(content: bytes) -> FirmBundle:
    """Raises BadBundle with everything that is wrong."""
    return read_bundle(files_of_zip(content))


def bundle_of(files: Mapping[str, str] | None, packed: str | None) -> FirmBundle:
    """Of a request that has one of the two. Raises InvalidInput, BadBundle."""
    if (files is None) == (packed is None):
        raise InvalidInput("Send either files or zip.", field="files")
    if files is not None:
        # Half of a surrogate pair, which JSON can write, is not UTF-8: the reader names the file and the line.
        return read_bundle({name: text.encode(errors="surrogatepass") for name, text in files.items()})
    try:
        return bundle_of_zip(base64.b64decode(packed or "", validate=True))
    except (binascii.Error, ValueError):
        raise InvalidInput("This is not base64.", field="zip") from None


def download(bundle: FirmBundle, fingerprint: str) -> Response:
    """The bundle as a zip file that is named after its fingerprint. Raises BadBundle for rows that no file can
    hold."""
    content = zip_of(write_bundle(bundle.firm, bundle.rows))
    name = f"configuration-{short_fingerprint(fingerprint).replace(' ', '-')}.zip"
    return send_file(BytesIO(content), mimetype=ZIP, as_attachment=True, download_name=name)
