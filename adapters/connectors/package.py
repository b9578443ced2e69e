"""Files to deploy on a vendor's side, such as fields and triggers: copied, with this installation's address
filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import urlsplit

from adapters.connectors.registry import connector_of
from oppsync.domain.work.connections import Connection
from oppsync.kernel.errors import InvalidInput

FOLDER = "package"


def write_package(connection: Connection, webhook_url: str, folder: Path) -> int:
    """How many files were written. Raises InvalidInput for a vendor without a package, and for a folder that
    holds something already."""
    connector = connector_of(connection.role, connection.vendor)
    if connector.package is None:
        raise InvalidInput(f"{connector.title} needs no files of ours.", field="connection")
    if folder.exists() and any(folder.iterdir()):
        raise InvalidInput(f"{folder} is not empty: name a new folder.", field="folder")
    parts = urlsplit(webhook_url)
    filled = {
        "@WEBHOOK_URL@": webhook_url,
        "@WEBHOOK_ORIGIN@": f"{parts.scheme}://{parts.netloc}",
        "@CONNECTION_ID@": connection.id,
    }
    written = 0
    for path, source in _under(files(connector.package) / FOLDER, Path()):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_filled(source.read_text("utf-8"), filled), "utf-8")
        written += 1
    return written


def _under(source: Traversable, path: Path) -> Iterator[tuple[Path, Traversable]]:
    for each in source.iterdir():
        if each.is_dir():
            yield from _under(each, path / each.name)
        else:
            yield path / each.name, each


def _filled(text: str, values: Mapping[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text
