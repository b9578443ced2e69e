"""Postgres and Redis in one folder: durable across restarts, stopped cleanly, recovered after a kill."""

import atexit
import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sandbox.embedded import postgres, redis
from sandbox.embedded.daemon import PATIENCE_SECONDS, POLL_SECONDS, Daemon, EmbeddedServersError, end_leftover
from sandbox.embedded.system_user import SystemUser, system_user_for

REMEMBERED = "sockets"  # the file in `home` that names the folder of the sockets
# A socket's path may have 103 bytes on macOS, 107 on Linux; beyond that servers and clients refuse it.
LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.5432")


class AlreadyRunning(EmbeddedServersError):
    """Another process runs the servers of this folder."""


@dataclass(frozen=True)
class ServerAddresses:
    """What `DATABASE_URL` and `REDIS_URL` are for servers of one's own."""

    database_url: str
    redis_url: str


class EmbeddedServers:
    """A context manager that runs both servers; everything they keep and write is in `home`.

    They listen on sockets in a private temporary folder only, run as an ordinary user also under root, and end
    when the process that started them ends, however it ends (Linux). `durable=False` trades safety from a power
    cut for speed; use it for data that nobody needs later.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home.resolve()
        self.durable = durable
        self._sockets: Path | None = None
        self._lock: IO[str] | None = None
        self._running: list[tuple[Daemon, subprocess.Popen[bytes]]] = []

    def start(self) -> ServerAddresses:
        """Start both, from the main thread; on first use create their data and the database `oppsync`.

        Raises AlreadyRunning, or EmbeddedServersError with a sentence on what to do.
        """
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self._lock = take_lock(self.home)
            atexit.register(self.stop)
            return self._start_both()
        except PermissionError as error:
            self.stop()
            raise EmbeddedServersError(
                f"{error.filename or self.home} belongs to another user: "
                f"work as that user, or delete {self.home}."
            ) from error
        except subprocess.SubprocessError as error:
            self.stop()
            raise EmbeddedServersError(
                "Postgres does not run as root, and this system does not let root become an ordinary user who "
                f"may enter {self.home}, its programs and the temporary folder. "
                "Work as an ordinary user, or in folders that every user may enter."
            ) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the servers and remove the sockets; also runs at exit. Harmless when nothing runs."""
        while self._running:
            daemon, process = self._running.pop()
            daemon.stop(process)
        if self._lock:
            if self._sockets:
                shutil.rmtree(self._sockets, ignore_errors=True)
                (self.home / REMEMBERED).unlink(missing_ok=True)
                self._sockets = None
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            self._lock.close()
            self._lock = None
            atexit.unregister(self.stop)

    def __enter__(self) -> ServerAddresses:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_both(self) -> ServerAddresses:
        account = server_user(self.home)
        if account and account.passes_closed_folders:
            self.home.chmod(stat.S_IRWXU)  # see socket_folder
        end_leftover(postgres.pid_file(self.home), postgres.data_folder(self.home), postgres.STOP_SIGNAL)
        end_leftover(redis.pid_file(self.home), redis.data_folder(self.home), redis.STOP_SIGNAL)
        self._sockets = sockets = socket_folder(self.home, account)
        postgres.create_cluster(self.home, account)
        redis.create_data_folder(self.home, account)
        for daemon in (
            postgres.daemon(self.home, sockets, durable=self.durable),
            redis.daemon(self.home, sockets),
        ):
            self._run(daemon, account)
        postgres.create_database(sockets)
        return addresses(sockets)

    def _run(self, daemon: Daemon, account: SystemUser | None) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            process = daemon.spawn(account)
            self._running.append((daemon, process))
            try:
                return daemon.wait_for_answer(process)
            except EmbeddedServersError as refusal:
                if not daemon.try_again(refusal) or time.monotonic() > deadline:
                    raise
                self._running.pop()
                time.sleep(POLL_SECONDS)


def server_user(home: Path) -> SystemUser | None:
    """The account for the servers of `home`, able to reach their data, their programs and their sockets."""
    programs = (Path(postgres.program("postgres")), Path(redis.program()))
    return system_user_for(home, postgres.data_folder(home), *programs, Path(tempfile.gettempdir()) / "sockets")


def find_running(home: Path) -> ServerAddresses | None:
    """The servers that another process runs in `home`; None unless both answer now."""
    sockets = remembered_sockets(home.resolve())
    if sockets and postgres.answers(sockets, postgres.DATABASE) and redis.answers(sockets):
        return addresses(sockets)
    return None


def addresses(sockets: Path) -> ServerAddresses:
    return ServerAddresses(postgres.url(sockets), redis.url(sockets))


def take_lock(home: Path) -> IO[str]:
    """Held while the servers run; the kernel releases the lock when its holder dies, so it is never stale."""
    lock = (home / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise AlreadyRunning(
            f"The servers in {home} already run, started by process {holder}: "
            "use that one, or stop it first (Ctrl-C in its terminal)."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def socket_folder(home: Path, account: SystemUser | None) -> Path:
    """The remembered folder, emptied, if it still exists and is private; else a new one.

    It belongs to the servers' user, unless they pass closed folders. Then it stays ours: whoever reaches such a
    server has root's rights to files, and another program of `nobody` must not.
    """
    owner = None if account and account.passes_closed_folders else account
    known = remembered_sockets(home)
    if known and is_private(known, owner.uid if owner else os.geteuid()):
        for stale in known.iterdir():
            stale.unlink()
        return known
    folder = Path(tempfile.mkdtemp(prefix="oppsync-"))
    if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="oppsync-", dir="/tmp"))
    if owner:
        owner.own(folder)
    (home / REMEMBERED).write_text(f"{folder}\n")
    return folder


def remembered_sockets(home: Path) -> Path | None:
    try:
        text = (home / REMEMBERED).read_text().strip()
    except FileNotFoundError:
        return None
    return Path(text) if text else None


def is_private(folder: Path, owner: int) -> bool:
    """Whether it is a real folder of `owner` that only they can enter, because /tmp is everybody's."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == stat.S_IRWXU and found.st_uid == owner
