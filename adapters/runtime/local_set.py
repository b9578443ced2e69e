"""A running set of servers on this machine: the process that runs it writes their addresses to a file, which
commands read.

The file is locked for as long as the set runs, and the kernel releases the lock when its holder dies: a file
without a lock names servers that are gone.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oppsync.kernel.settings import Settings

NAME = "running.json"
OWNER_ONLY = 0o600
CHECKOUT = Path(__file__).parents[2]


def home_folder() -> Path:
    """`OPPSYNC_HOME`, else `.oppsync/` in the checkout."""
    return Path(os.environ.get("OPPSYNC_HOME") or CHECKOUT / ".oppsync").resolve()


@contextmanager
def announced(folder: Path, settings: Settings) -> Iterator[None]:
    """Inside this block, `find` in the same folder returns these settings. Only the owner can read the file."""
    path = folder / NAME
    with open(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate()
        json.dump(
            {
                "database_url": settings.database_url.get_secret_value(),
                "redis_url": settings.redis_url.get_secret_value(),
                "secret_keys": settings.secret_keys.get_secret_value(),
                "base_url": settings.base_url,
                "outbox_folder": str(settings.outbox_folder),
            },
            file,
        )
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def find(folder: Path) -> Settings | None:
    """The settings of the set that runs now; None when none runs."""
    try:
        with (folder / NAME).open() as file:
            if not _is_held(file.fileno()):
                return None
            return Settings(**json.load(file))
    except FileNotFoundError:
        return None


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
