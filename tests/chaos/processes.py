"""The product's processes, as the Procfile starts them; a dead one is started again, as a platform does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from adapters.operations.supervisor import PROJECT
from adapters.runtime.processes import die_with_parent
from tests.harness.waiting import HANG_SECONDS

RESTART_SECONDS = 0.5
STARTED = {"web": "Booting worker", "worker": "worker_started", "relay": "relay_started"}


@dataclass
class Managed:
    """One process that is kept running: `web.1`, `worker.2`. `extra` is added to the environment of the next
    start."""

    name: str
    command: str
    cwd: Path
    env: Mapping[str, str]
    log: Path
    kill_after: float
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    codes: list[int] = field(default_factory=list)
    restart_at: float = 0.0
    kill_at: float | None = None
    is_wanted: bool = True
    began_at: int = 0  # where in the log its present run begins

    @property
    def kind(self) -> str:
        return self.name.partition(".")[0]

    @property
    def pid(self) -> int:
        """Raises ProcessLookupError when it is not running."""
        if self.process is None or self.process.poll() is not None:
            raise ProcessLookupError(self.name)
        return self.process.pid

    @property
    def is_up(self) -> bool:
        """Whether it has started far enough to end cleanly on a signal."""
        return self.runs and self.count_in_log(STARTED[self.kind], self.began_at) > 0

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        env, self.extra = {**self.env, **self.extra}, {}
        self.began_at = self.log_size
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {self.command}"],
                cwd=self.cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - makes system calls only
            )

    def signal(self, number: signal.Signals) -> None:
        """Signal every process of the group, as a platform does; SIGKILL follows SIGTERM after `kill_after`
        seconds."""
        if self.process is None:
            return
        if number is signal.SIGTERM and self.kill_at is None:
            self.kill_at = time.monotonic() + self.kill_after
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def tick(self) -> None:
        """Record an end, kill a process that does not obey, start a dead one again."""
        if self.process is None:
            if self.is_wanted and time.monotonic() >= self.restart_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            if self.kill_at is not None and time.monotonic() > self.kill_at:
                self.signal(signal.SIGKILL)
            return
        with suppress(ProcessLookupError):  # children of a gunicorn that was killed itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.codes.append(code)
        self.process, self.kill_at = None, None
        self.restart_at = time.monotonic() + RESTART_SECONDS

    def count_in_log(self, words: str, since: int = 0) -> int:
        """How often its log has these words after byte `since`."""
        return self.log.read_bytes()[since:].count(words.encode()) if self.log.exists() else 0

    @property
    def log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0


class Processes:
    """`kill_after`: seconds from SIGTERM until SIGKILL."""

    def __init__(
        self, commands: Mapping[str, str], env: Mapping[str, str], logs: Path, kill_after: float
    ) -> None:
        self.kill_after = kill_after
        logs.mkdir(parents=True, exist_ok=True)
        path = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
        whole = {**env, "PATH": path, "PYTHONUNBUFFERED": "1"}
        self.all = [
            Managed(name, command, PROJECT, whole, logs / f"{name}.log", kill_after)
            for name, command in commands.items()
        ]

    def of(self, kind: str) -> list[Managed]:
        return [one for one in self.all if one.kind == kind]

    def tick(self) -> None:
        for one in self.all:
            one.tick()

    def count_in_log(self, words: str) -> int:
        return sum(one.count_in_log(words) for one in self.all)

    def stop(self) -> list[str]:
        """SIGTERM, then SIGKILL for what is left; returns the names that had to be killed."""
        for one in self.all:
            one.is_wanted = False
            one.signal(signal.SIGCONT)
            one.signal(signal.SIGTERM)
        deadline = time.monotonic() + self.kill_after
        while any(one.runs for one in self.all) and time.monotonic() < deadline:
            time.sleep(0.05)
        killed = [one.name for one in self.all if one.runs]
        for one in self.all:
            one.signal(signal.SIGKILL)
            if one.process is not None:
                one.process.wait(timeout=HANG_SECONDS)
        return killed
