"""A real Tryton 8.2 on loopback, started from the seeded template; its books survive restarts.

`python -m sandbox.embedded.tryton.server --data D --cache C --port P` serves in the foreground until SIGTERM;
whoever starts it ties its life to its own, as `adapters.operations.supervisor` does.
"""

import argparse
import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from adapters.runtime.processes import die_with_parent, free_port
from sandbox.embedded.tryton import firm
from sandbox.embedded.tryton.template import ensure_template, tryton_environment

READY_WITHIN = 300.0  # a start takes seconds; how many, the machine decides
STOP_WITHIN = 10.0
LOG = "trytond.log"


@dataclass(frozen=True)
class TrytonAddress:
    """Where it answers and who may ask: `{url}/{database}/rest/model/...` with `rest_key` as bearer token."""

    url: str
    database: str
    user: str
    rest_key: str = field(repr=False)


class TrytonServer:
    """Books in `data`, made from the template in `cache` only when absent; `port` 0 takes a free one."""

    def __init__(self, data: Path, cache: Path, port: int = 0) -> None:
        self.data = data.resolve()
        self.cache = cache.resolve()
        self.port = port or free_port(0)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> TrytonAddress:
        """Returns once it answers. Raises RuntimeError with the log's end if it never does.

        Call it from the main thread: the server lives as long as the thread that started it.
        """
        command = prepare(self.data, self.cache, self.port)
        with (self.data / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=tryton_environment(),
                start_new_session=True,  # the terminal's Ctrl-C is for us: the ERP is stopped last
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
            )
        deadline = time.monotonic() + READY_WITHIN
        while not _answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                said = (self.data / LOG).read_text(errors="replace")
                raise RuntimeError(f"Tryton did not start; the end of its log:\n{said[-2000:]}")
            time.sleep(0.05)
        return address(self.port)

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


def address(port: int) -> TrytonAddress:
    """The address of an embedded Tryton that listens on `port`."""
    return TrytonAddress(
        url=f"http://127.0.0.1:{port}",
        database=firm.DATABASE,
        user=firm.DEVELOPMENT_SERVICE_LOGIN,
        rest_key=firm.DEVELOPMENT_REST_KEY,
    )


def prepare(data: Path, cache: Path, port: int) -> list[str]:
    """Make the books where they are absent, write the configuration; returns the command that serves them.

    Existing books are kept as they are, also when the template's recipe has changed since.
    """
    data.mkdir(parents=True, exist_ok=True)
    books = data / f"{firm.DATABASE}.sqlite"
    if not books.exists():
        copy = books.with_suffix(".new")
        shutil.copyfile(ensure_template(cache), copy)
        copy.replace(books)
    conf = data / "trytond.conf"
    conf.write_text(f"[database]\nuri = sqlite://\npath = {data}\n[web]\nlisten = 127.0.0.1:{port}\nroot =\n")
    return [sys.executable, "-m", "trytond.cli", "-c", str(conf), "-d", firm.DATABASE]


def serve(data: Path, cache: Path, port: int) -> None:
    """Become the server: this process turns into trytond, so signals reach it without forwarding."""
    # Until trytond takes over: an interrupted first build ends what it started and clears up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    command = prepare(data, cache, port)
    log = os.open(data / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.execve(command[0], command, tryton_environment())  # noqa: S606


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(
            "GET",
            f"/{firm.DATABASE}/rest/model/company.company?f=id",
            headers={"Authorization": f"Bearer {firm.DEVELOPMENT_REST_KEY}"},
        )
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the embedded Tryton in the foreground.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the books; made when absent")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the template; filled when empty")
    parser.add_argument("--port", type=int, required=True, help="loopback port")
    options = parser.parse_args()
    serve(options.data.resolve(), options.cache.resolve(), options.port)


if __name__ == "__main__":
    main()
