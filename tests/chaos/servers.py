"""Postgres and Redis of the bench, which are crashed, starved, emptied, restored, and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from sandbox.embedded import postgres, servers
from sandbox.embedded import redis as embedded_redis
from sandbox.embedded.daemon import Daemon, server_environment
from tests.harness.waiting import HANG_SECONDS, until

BALLAST = "ballast"
MEGABYTE = 1024 * 1024


class Servers:
    """`home` holds everything; Postgres keeps its data in `disk`, which may be a small disk of its own.

    Start and restart from the main thread: the servers die with it.
    """

    def __init__(self, home: Path, disk: Path) -> None:
        self.home, self.disk = home, disk
        for folder in (home, disk):
            folder.mkdir(parents=True, exist_ok=True)
        self.account = servers.server_user(home)
        self.sockets = servers.socket_folder(home, self.account)
        self.log = home / "postgres.log"
        self._postgres = replace(postgres.daemon(disk, self.sockets, durable=False), log=self.log)
        self._redis = embedded_redis.daemon(home, self.sockets)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._backup = home / "backup"

    @property
    def database_url(self) -> str:
        return postgres.url(self.sockets)

    @property
    def redis_url(self) -> str:
        return embedded_redis.url(self.sockets)

    @property
    def postgres_socket(self) -> Path:
        return self.sockets / f".s.PGSQL.{postgres.PORT}"

    def start(self) -> None:
        if self.account:
            self.account.own(self.disk)
        postgres.create_cluster(self.disk, self.account)
        embedded_redis.create_data_folder(self.home, self.account)
        self.start_postgres()
        self.start_redis()
        postgres.create_database(self.sockets)

    def stop(self) -> None:
        for daemon in (self._redis, self._postgres):
            process = self._running.pop(daemon.name, None)
            if process:
                daemon.stop(process)
        shutil.rmtree(self.sockets, ignore_errors=True)

    # Postgres.

    def start_postgres(self) -> None:
        self._start(self._postgres)

    def crash_postgres(self) -> int:
        """Immediate shutdown; returns the exit code."""
        return self._end(self._postgres, signal.SIGQUIT)

    @contextmanager
    def sql(self) -> Iterator[psycopg.Connection]:
        """Run statements on a connection of the bench's own, past the proxy; each commits by itself."""
        with psycopg.connect(
            host=str(self.sockets), port=postgres.PORT, user=postgres.USER, dbname=postgres.DATABASE,
            autocommit=True, connect_timeout=5, application_name="bench",
        ) as connection:  # fmt: skip
            yield connection

    def terminate_connections(self) -> int:
        with self.sql() as sql:
            query = """select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and application_name <> 'bench'"""
            found = sql.execute(query).fetchone()
        return int(found[0]) if found else 0

    def back_up(self) -> None:
        """Copy the whole cluster while it runs."""
        shutil.rmtree(self._backup, ignore_errors=True)
        subprocess.run(
            [postgres.program("pg_basebackup"), "-D", str(self._backup), "-h", str(self.sockets),
             "-p", str(postgres.PORT), "-U", postgres.USER, "--checkpoint=fast", "--no-sync"],
            check=True, env=server_environment(), capture_output=True,
        )  # fmt: skip
        if self.account:
            for path in (self._backup, *self._backup.rglob("*")):
                self.account.own(path)

    def restore(self) -> None:
        """Bring back the cluster of the backup; Postgres must be down."""
        data = postgres.data_folder(self.disk)
        shutil.rmtree(data)
        subprocess.run(["cp", "-a", str(self._backup), str(data)], check=True)

    @property
    def disk_is_small(self) -> bool:
        """Whether Postgres has a file system of its own: the machine's must never be filled."""
        return self.disk.stat().st_dev != self.home.stat().st_dev

    def fill_disk(self) -> bool:
        """Leave no byte free on Postgres's disk; False where it has no small disk of its own."""
        if not self.disk_is_small:
            return False
        with (self.disk / BALLAST).open("wb") as ballast, suppress(OSError):
            while True:
                ballast.write(b"\0" * MEGABYTE)
                ballast.flush()
        return True

    def free_disk(self) -> None:
        (self.disk / BALLAST).unlink(missing_ok=True)

    def postgres_is_up(self) -> bool:
        process = self._running.get(self._postgres.name)
        return process is not None and process.poll() is None

    # Redis.

    def start_redis(self) -> None:
        self._start(self._redis)

    def kill_redis(self) -> int:
        return self._end(self._redis, signal.SIGKILL)

    def empty_redis(self) -> None:
        """Delete everything it has on disk; Redis must be down."""
        data = embedded_redis.data_folder(self.home)
        for path in data.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        client = redis.Redis.from_url(self.redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=5)
        try:
            yield client
        finally:
            client.close()

    def _start(self, daemon: Daemon) -> None:
        process = daemon.spawn(self.account)
        self._running[daemon.name] = process
        daemon.wait_for_answer(process)

    def _end(self, daemon: Daemon, number: signal.Signals) -> int:
        process = self._running.pop(daemon.name)
        process.send_signal(number)
        code = process.wait(timeout=HANG_SECONDS)
        if daemon is self._postgres:
            _wait_for_children(daemon)
        return code


def _wait_for_children(daemon: Daemon) -> None:
    """A killed server's last queries end a moment after it."""
    needle = str(daemon.data).encode()
    until(
        lambda: not any(needle in _cwd(pid) for pid in os.listdir("/proc") if pid.isdecimal()),
        "the server's children end",
    )


def _cwd(pid: str) -> bytes:
    try:
        return os.fsencode(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return b""
