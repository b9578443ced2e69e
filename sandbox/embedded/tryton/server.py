"""A real Tryton 8.2 on loopback, started from the seeded template; its books survive restarts.

`python -m sandbox.embedded.tryton.server --data D --cache C --port P --rest-key @FILE` serves in the foreground
until SIGTERM; whoever starts it ties its life to its own, as `adapters.operations.supervisor` does.
"""

import argparse
import http.client
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from adapters.runtime.processes import die_with_parent, listen, port_of
from sandbox.embedded.tryton import firm
from sandbox.embedded.tryton.template import ensure_template, tryton_environment

READY_WITHIN = 300.0  # a start takes seconds; how many, the machine decides
STOP_WITHIN = 10.0
LOG = "trytond.log"
OWNER_ONLY = 0o600


@dataclass(frozen=True)
class TrytonAddress:
    """`{url}/{database}/rest/model/...` takes requests with `rest_key` as bearer token."""

    url: str
    database: str
    user: str
    rest_key: str = field(repr=False)


class TrytonServer:
    """Keeps its books in `data`, copied from the template in `cache` only when absent; has a free port and its
    own key."""

    def __init__(self, data: Path, cache: Path) -> None:
        self.data = data.resolve()
        self.cache = cache.resolve()
        self._rest_key = secrets.token_hex(32)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> TrytonAddress:
        """Returns once it answers. Raises RuntimeError with the log's end if it never does.

        Call it from the main thread: the server lives as long as the thread that started it.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        with listen(0) as listener, (self.data / LOG).open("ab") as log:
            address = TrytonAddress(
                url=f"http://127.0.0.1:{port_of(listener)}",
                database=firm.DATABASE,
                user=firm.DEVELOPMENT_SERVICE_LOGIN,
                rest_key=self._rest_key,
            )
            command = prepare(self.data, self.cache, port_of(listener), self._rest_key)
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=tryton_environment() | on_listener(listener.fileno()),
                pass_fds=[listener.fileno()],
                start_new_session=True,  # the terminal's Ctrl-C is for us: the ERP is stopped last
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
            )
        deadline = time.monotonic() + READY_WITHIN
        while not _answers(address):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                text = (self.data / LOG).read_text(errors="replace")
                raise RuntimeError(f"Tryton did not start; the end of its log:\n{text[-2000:]}")
            time.sleep(0.05)
        return address

    def stop(self) -> None:
        """Ends the server; what it has answered is on disk. Stopping twice is harmless."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def prepare(data: Path, cache: Path, port: int, rest_key: str, described: firm.Firm = firm.DEMO) -> list[str]:
    """Make the books where they are absent and write the configuration; returns the command that serves them.

    Existing books are kept as they are, also when the template's recipe has changed since; but from now on only
    `rest_key` opens them.
    """
    data.mkdir(parents=True, exist_ok=True)
    books = data / f"{firm.DATABASE}.sqlite"
    if not books.exists():
        copy = books.with_suffix(".new")
        shutil.copyfile(ensure_template(cache, described), copy)
        copy.replace(books)
    admit(books, rest_key)
    conf = data / "trytond.conf"
    conf.write_text(f"[database]\nuri = sqlite://\npath = {data}\n[web]\nlisten = 127.0.0.1:{port}\nroot =\n")
    return [sys.executable, "-m", "trytond.cli", "-c", str(conf), "-d", firm.DATABASE]


def admit(books: Path, rest_key: str) -> None:
    """Make this the only key of the integration's user. Nobody serves the books meanwhile."""
    books.chmod(OWNER_ONLY)
    with closing(sqlite3.connect(books)) as connection, connection:
        query = "SELECT id FROM res_user WHERE login = ?"
        (user,) = connection.execute(query, (firm.DEVELOPMENT_SERVICE_LOGIN,)).fetchone()
        connection.execute('DELETE FROM res_user_application WHERE "user" = ?', (user,))
        connection.execute(
            'INSERT INTO res_user_application ("user", application, key, state) VALUES (?, ?, ?, ?)',
            (user, "rest", rest_key, "validated"),
        )


def on_listener(descriptor: int) -> dict[str, str]:
    """The variables that make Werkzeug, which serves Tryton, take over a socket that listens already."""
    return {"WERKZEUG_RUN_MAIN": "true", "WERKZEUG_SERVER_FD": str(descriptor)}


def serve(data: Path, cache: Path, port: int, rest_key: str, descriptor: int | None) -> None:
    """Become the server: this process turns into trytond, so signals reach it without forwarding."""
    # Until trytond takes over: an interrupted first build ends what it started and removes its files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    command = prepare(data, cache, port, rest_key)
    log = os.open(data / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    listening = {} if descriptor is None else on_listener(descriptor)
    os.execve(command[0], command, tryton_environment() | listening)  # noqa: S606


def _answers(address: TrytonAddress) -> bool:
    connection = http.client.HTTPConnection(address.url.removeprefix("http://"), timeout=5)
    try:
        connection.request(
            "GET",
            f"/{address.database}/rest/model/company.company?f=id",
            headers={"Authorization": f"Bearer {address.rest_key}"},
        )
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Serve the embedded Tryton in the foreground. @FILE stands for what FILE holds.",
        fromfile_prefix_chars="@",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the books; made when absent")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the template; filled when empty")
    parser.add_argument("--port", type=int, required=True, help="loopback port")
    parser.add_argument("--rest-key", required=True, help="what opens the books from now on, and nothing else")
    parser.add_argument("--fd", type=int, help="a descriptor that listens on this port already")
    options = parser.parse_args()
    serve(options.data.resolve(), options.cache.resolve(), options.port, options.rest_key, options.fd)


if __name__ == "__main__":
    main()
