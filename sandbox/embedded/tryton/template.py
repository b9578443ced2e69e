"""The seeded database that every embedded Tryton starts from: built once for a firm (about half a minute), then
copied.

`python -m sandbox.embedded.tryton.template CACHE` builds the demo firm's in advance, while other things start.
"""

import fcntl
import hashlib
import importlib.metadata
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from sandbox.embedded.tryton import firm

PROJECT = Path(__file__).resolve().parents[3]
RECIPE = ("firm.py", "seed.py", "template.py")


def ensure_template(
    cache: Path, described: firm.Firm = firm.DEMO, build: Callable[[Path], None] | None = None
) -> Path:
    """The template's file under `cache`, built now if this firm, recipe and Tryton versions have none
    yet.

    Safe to call from several processes at once: one builds, the others wait. Raises CalledProcessError with
    Tryton's own words on standard error when the build fails; a half-built file never gets the final name.
    `build` makes the file at the given path; by default with Tryton.
    """
    cache = cache.resolve()
    template = cache / f"{firm.DATABASE}-{recipe_key(described)}.sqlite"
    if template.exists():
        return template
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "template.lock"):
        if not template.exists():
            (build or partial(_build, described))(template)
    return template


def recipe_key(described: firm.Firm) -> str:
    """A key that changes with the firm, with the recipe's files and with the version of any Tryton package."""
    digest = hashlib.sha256(firm.written(described))
    for name in RECIPE:
        digest.update(Path(__file__).with_name(name).read_bytes())
    versions = {
        distribution.metadata["Name"].lower().replace("_", "-"): distribution.version
        for distribution in importlib.metadata.distributions()
    }
    for name in sorted(name for name in versions if name.startswith(("tryton", "proteus"))):
        digest.update(f"{name}={versions[name]};".encode())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(described: firm.Firm, template: Path) -> None:
    with tempfile.TemporaryDirectory(dir=template.parent, prefix="building-") as folder:
        database = Path(folder) / f"{firm.DATABASE}.sqlite"
        database.touch()  # trytond-admin opens a database but does not create one
        conf = Path(folder) / "trytond.conf"
        conf.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n")
        password = Path(folder) / "password"
        password.write_text(firm.DEVELOPMENT_ADMIN_PASSWORD)
        (described_file := Path(folder) / "firm.json").write_bytes(firm.written(described))
        environment = {**tryton_environment(), "TRYTONPASSFILE": str(password)}
        options = [
            "-c",
            str(conf),
            "-d",
            firm.DATABASE,
            "--activate-dependencies",
            "--email",
            "admin@example.com",
        ]
        for arguments in (
            ["trytond.cli.admin", *options, "-u", *firm.MODULES],
            ["sandbox.embedded.tryton.seed", str(conf), str(described_file)],
        ):
            subprocess.run([sys.executable, "-m", *arguments], check=True, env=environment, cwd=PROJECT)
        _fold_journal_in(database)
        database.replace(template)


def tryton_environment() -> dict[str, str]:
    """This process's environment without the variables that point Tryton to another configuration."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TRYTOND_")}


def _fold_journal_in(database: Path) -> None:
    """Make one plain file that can be copied: Tryton leaves the last pages in SQLite's write-ahead log."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")


if __name__ == "__main__":
    sys.stdout.write(f"{ensure_template(Path(sys.argv[1]))}\n")
