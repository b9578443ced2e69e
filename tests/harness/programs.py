"""Processes as a platform runs them; a test can end and restart each of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from adapters.operations.supervisor import PROJECT
from adapters.runtime.processes import die_with_parent
from sandbox.embedded import postgres, redis
from sandbox.embedded.daemon import Daemon, EmbeddedServersError, command_line, read_pid
from sandbox.embedded.servers import remembered_sockets, server_user
from tests.harness.waiting import HANG_SECONDS, NotYet, until

LAST_CHARACTERS = 1500


@contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """Free ports of loopback that the kernel gives to nobody else meanwhile, not even as a client's port.

    On Linux a server that sets SO_REUSEADDR, as ours do, can still listen on them, again and again.
    """
    with ExitStack() as held:
        holders = [held.enter_context(socket.socket()) for _ in range(count)]
        for holder in holders:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", 0))
        ports = [holder.getsockname()[1] for holder in holders]
        if sys.platform != "linux":
            held.close()
        yield ports


class Program:
    """A shell command of the Procfile in a session of its own; its output goes to `log`."""

    def __init__(self, name: str, command: str, env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._command = command
        path = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
        self._env = {**env, "PATH": path, "PYTHONUNBUFFERED": "1"}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.is_running:
            return
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {self._command}"],
                cwd=PROJECT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - makes system calls only
            )

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def has_taken(self, number: signal.Signals) -> bool:
        """Whether the signal was handled: two pending ones of a kind would count as one. Only Linux shows
        it."""
        assert self._process
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():
            return True
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        pending = int(lines["SigPnd"], 16) | int(lines["ShdPnd"], 16)
        return not pending & 1 << number - 1

    def signal(self, number: signal.Signals, *, everybody: bool = False) -> None:
        """Signal the process, or with `everybody` also its children, as Heroku does."""
        assert self._process
        assert self._process.poll() is None, f"{self.name} does not run:\n{self.last_words()}"
        (os.killpg if everybody else os.kill)(self._process.pid, number)

    def ended(self) -> int:
        """Its exit code; fails when it does not end."""
        assert self._process
        try:
            return self._process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end:\n{self.last_words()}") from None

    def kill(self) -> None:
        """Kill it and its children without warning."""
        if self.is_running:
            self.signal(signal.SIGKILL, everybody=True)
            self.ended()

    def stop(self) -> None:
        """Ask it to end; it must, and without an error."""
        if self.is_running:
            self.signal(signal.SIGTERM)
            code = self.ended()
            assert code == 0, f"{self.name} ended with {code}:\n{self.last_words()}"

    def last_words(self) -> str:
        output = self._log.read_text(errors="replace") if self._log.exists() else ""
        return f"--- {self.name}\n{output[-LAST_CHARACTERS:]}"


class Server:
    """An embedded Postgres or Redis that EmbeddedServers has started; it can crash and come back."""

    def __init__(self, home: Path, daemon: Daemon, crash_by: signal.Signals) -> None:
        self._home = home
        self._daemon = daemon
        self._crash_by = crash_by
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self._daemon.data

    def crash(self) -> None:
        pid = read_pid(self._daemon.pid_file)
        assert pid is not None
        os.kill(pid, self._crash_by)
        if self._process:
            self._process.wait()
            self._process = None
        until(lambda: str(self.data) not in command_line(pid), f"{self._daemon.name} ends")

    def start(self) -> None:
        """Start on the same data and sockets; harmless while it answers."""
        if not self._daemon.answers():
            until(self._tried, f"{self._daemon.name} is back")

    def stop(self) -> None:
        """Stop a server that was started here; the first one belongs to EmbeddedServers."""
        if self._process:
            self._daemon.stop(self._process)
            self._process = None

    def _tried(self) -> bool:
        process = self._daemon.spawn(server_user(self._home))
        try:
            self._daemon.wait_for_answer(process)
        except EmbeddedServersError as refusal:
            if self._daemon.try_again(refusal):
                raise NotYet from refusal
            raise
        self._process = process
        return True


def postgres_of(home: Path) -> Server:
    """Crashes by an immediate shutdown: no checkpoint, so the next start recovers from the log."""
    return Server(home, postgres.daemon(home, _sockets(home), durable=False), signal.SIGQUIT)


def redis_of(home: Path) -> Server:
    return Server(home, redis.daemon(home, _sockets(home)), signal.SIGKILL)


def _sockets(home: Path) -> Path:
    sockets = remembered_sockets(home)
    assert sockets, f"no servers run in {home}"
    return sockets
