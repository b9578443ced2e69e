"""One server process: start it and wait until it answers, stop it, and end one left behind by a killed
starter."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from adapters.runtime.processes import die_with_parent
from sandbox.embedded.system_user import SystemUser, become

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.01


class EmbeddedServersError(RuntimeError):
    """The embedded servers cannot run; the text is one sentence for the person who started them."""


@dataclass(frozen=True)
class Daemon:
    """How to run one server. `data` is among its arguments, by which we recognise the process as ours later."""

    name: str
    arguments: tuple[str, ...]
    data: Path
    sockets: Path
    log: Path
    pid_file: Path
    stop_signal: signal.Signals
    answers: Callable[[], bool]
    passing_refusal: str | None = None  # a fatal message, though the server will start in a moment

    def try_again(self, refusal: EmbeddedServersError) -> bool:
        return self.passing_refusal is not None and self.passing_refusal in str(refusal)

    def spawn(self, account: SystemUser | None) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.arguments,
                cwd=self.data,
                env=server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # the terminal's Ctrl-C is for us: we stop the servers last
                # The death signal has no other way in; what runs there makes system calls only.
                preexec_fn=before_exec(account, self.stop_signal),  # noqa: PLW1509
            )

    def wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        """Return once it answers; EmbeddedServersError with the end of its log if it ends instead."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.answers():
            if process.poll() is not None:
                raise EmbeddedServersError(f"{self.name} did not start: {last_words(self.log)}")
            if time.monotonic() > deadline:
                raise EmbeddedServersError(f"{self.name} does not answer: read {self.log}")
            time.sleep(POLL_SECONDS)

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Stop it cleanly, or by SIGKILL if that takes over a minute (both servers recover from it)."""
        if process.poll() is None:
            process.send_signal(self.stop_signal)
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def before_exec(account: SystemUser | None, death_signal: signal.Signals) -> Callable[[], None] | None:
    """Become `account`; then ask the kernel for our death signal, since a change of account clears it."""
    dying = die_with_parent(death_signal)
    if account is None:
        return dying
    becoming = become(account)

    def both() -> None:
        becoming()
        if dying:
            dying()

    return both


def server_environment() -> dict[str, str]:
    """An environment without our settings and secrets, and without a locale that this machine may lack."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def end_leftover(pid_file: Path, data: Path, stop_signal: signal.Signals) -> None:
    """End a server whose starter was killed, and remove a stale pid that would stop the next one from
    starting."""
    pid = read_pid(pid_file)
    if pid is None:
        return
    deadline = time.monotonic() + PATIENCE_SECONDS
    if str(data) in command_line(pid):
        os.kill(pid, stop_signal)
    while str(data) in command_line(pid):
        if time.monotonic() > deadline:
            raise EmbeddedServersError(f"A server of an earlier run does not end: kill process {pid}.")
        time.sleep(POLL_SECONDS)
    if pid_file.exists():
        # The number may belong to another program by now, or to a zombie, and Postgres would refuse to start.
        # If it is our own number, Postgres treats it as stale, and still looks for connections that outlived
        # the old server.
        _, newline, rest = pid_file.read_text().partition("\n")
        pid_file.write_text(f"{os.getpid()}{newline}{rest}")


def read_pid(pid_file: Path) -> int | None:
    """The first line of a pid file, if it is there and a number."""
    try:
        first = pid_file.read_text().split("\n", 1)[0].strip()
    except FileNotFoundError:
        return None
    return int(first) if first.isdecimal() else None


def command_line(pid: int) -> str:
    """The arguments of a live process, joined by spaces; empty when it is gone or a zombie."""
    if Path("/proc/self").exists():
        try:
            return (
                Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            )
        except (FileNotFoundError, ProcessLookupError):
            return ""
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def last_words(log: Path) -> str:
    """The last lines of a log, and the path of the rest."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"{' / '.join(lines[-4:])} (all of it: {log})"
