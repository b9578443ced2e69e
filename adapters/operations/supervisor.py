"""Run the processes of the Procfile, the one list of them, together: `all` on a one-dyno plan, `make up`.

When one process ends the rest are stopped, so that the platform restarts all rather than run a part of them.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Self

from adapters.runtime.processes import die_with_parent

PROJECT = Path(__file__).parents[2]
PRODUCT = ("web", "worker", "relay")
GRACE_SECONDS = 25.0  # platforms send SIGKILL 30 s after SIGTERM
POLL_SECONDS = 0.05
STOPPING = (signal.SIGTERM, signal.SIGINT)

OnLine = Callable[[str, str], None]
Process = subprocess.Popen[str]


def read_procfile(text: str) -> dict[str, str]:
    """Process names with their commands. ValueError names a line that is neither `name: command` nor blank."""
    commands = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, command = (part.strip() for part in line.partition(":"))
        if not (name and colon and command):
            raise ValueError(f"Procfile line {number}: write `name: command`, not {line.strip()!r}")
        commands[name] = command
    return commands


def product_commands(procfile: Path = PROJECT / "Procfile") -> dict[str, str]:
    """The commands that make up the running product: web, worker and relay."""
    commands = read_procfile(procfile.read_text())
    return {name: commands[name] for name in PRODUCT}


def print_line(name: str, line: str) -> None:
    sys.stdout.write(f"{name:<10} | {line}\n")
    sys.stdout.flush()


class Supervisor:
    """Runs `commands` (name to shell command, as in a Procfile), each in a session of its own.

    `env` is the whole environment of the children. `on_line(name, line)` gets each line they print, from a
    thread per child. `inherited`: name -> file descriptors that its command inherits under their numbers. Start
    it from the main thread: on Linux the children die with that thread.
    """

    def __init__(
        self,
        commands: Mapping[str, str],
        env: Mapping[str, str],
        on_line: OnLine = print_line,
        *,
        grace_seconds: float = GRACE_SECONDS,
        inherited: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self._commands = dict(commands)
        # The interpreter's folder comes first, so that `python` and `gunicorn` are those of this environment,
        # activated or not.
        path = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
        self._env = {**env, "PATH": path, "PYTHONUNBUFFERED": "1"}
        self._on_line = on_line
        self._grace_seconds = grace_seconds
        self._inherited = inherited or {}
        self._processes: dict[str, Process] = {}
        self._readers: list[threading.Thread] = []

    def start(self) -> None:
        """Start every command; if one cannot be started, the others are stopped again."""
        try:
            for name, command in self._commands.items():
                process = self._spawn(name, command)
                self._processes[name] = process
                reader = threading.Thread(target=self._read, args=(name, process.stdout), daemon=True)
                reader.start()
                self._readers.append(reader)
        except BaseException:
            self.stop()
            raise

    def ended(self) -> tuple[str, int] | None:
        """Name and exit code of a process that is no longer running, if there is one."""
        for name, process in self._processes.items():
            code = process.poll()
            if code is not None:
                return name, code
        return None

    def wait(self) -> int:
        """Wait until a process ends or a signal (SIGTERM, SIGINT) asks us to stop; stop the rest, return an
        exit code.

        0 when we were asked to stop and all children ended in time; otherwise the code of the process that
        ended first, never 0.
        """
        stop_signals: list[int] = []
        with handled(lambda number, _: stop_signals.append(number)):
            while not stop_signals and self.ended() is None:
                time.sleep(POLL_SECONDS)
            first = None if stop_signals else self.ended()
            if first:
                self._on_line(first[0], f"ended ({describe(first[1])}): stopping the rest")
            killed = self.stop()
        return exit_code(first[1]) if first else int(bool(killed))

    def stop(self) -> list[str]:
        """Send one SIGTERM to each, wait, then SIGKILL; returns the names of those that had to be killed.

        Signals that arrive meanwhile are not passed on: a second SIGTERM makes workers drop their work.
        """
        with handled(lambda *_: None):
            running = {name: process for name, process in self._processes.items() if process.poll() is None}
            for process in running.values():
                process.terminate()
            deadline = time.monotonic() + self._grace_seconds
            while any(process.poll() is None for process in running.values()) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            killed = [name for name, process in running.items() if process.poll() is None]
            for name in killed:
                self._on_line(name, f"did not end within {self._grace_seconds:g} s: killed")
            self._end_groups()
        return killed

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _spawn(self, name: str, command: str) -> Process:
        return subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=PROJECT,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=self._inherited.get(name, ()),
            start_new_session=True,  # the terminal's Ctrl-C reaches us only, and we pass it on once
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - makes system calls only
        )

    def _read(self, name: str, output: IO[str]) -> None:
        with output:
            for line in output:
                self._on_line(name, line.rstrip("\n"))

    def _end_groups(self) -> None:
        """Kill what is left of every group: processes that were too slow, and children that outlived their
        parent."""
        for process in self._processes.values():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for reader in self._readers:
            reader.join(timeout=5)
        self._processes.clear()
        self._readers.clear()


@contextmanager
def handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Inside the block `handler` gets the signals that ask us to stop. Python allows that in the main thread
    only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in STOPPING}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def exit_code(code: int) -> int:
    """Our own exit code after a process ended with `code` (negative: by a signal); never 0."""
    return 128 - code if code < 0 else code or 1


def describe(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def main() -> int:
    with Supervisor(product_commands(), os.environ) as supervisor:
        return supervisor.wait()


if __name__ == "__main__":
    sys.exit(main())
