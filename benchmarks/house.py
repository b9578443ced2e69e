"""The product as the Procfile starts it, on its own servers with durable commits, with lean vendors around it.

Use it on the main thread: `with House(workers=2) as house`. At the end its processes are stopped and its folder
is removed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import psycopg
import redis
from pydantic import SecretStr
from sqlalchemy import make_url

from adapters.bootstrap import build
from adapters.connectors.traffic.limits import SETTING
from adapters.operations.supervisor import PROJECT, read_procfile
from adapters.postgres import schema
from adapters.runtime.processes import die_with_parent, free_port
from benchmarks import lean_tryton, vendors
from benchmarks.exchanges import Exchange
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from oppsync.domain.work.connections import Connection
from oppsync.kernel.settings import Settings
from sandbox.embedded import EmbeddedServers, ServerAddresses
from sandbox.firm.install import CRM_CONNECTION, PEOPLE, DemoSystems, install
from sandbox.home import Home

RULE, VENDORS = "benchmark", "vendors"
START_SECONDS = 180.0
PASSWORD = "a long benchmark password"  # noqa: S105
Json = dict[str, Any]


class House:
    """`workers`: worker processes; `delay_ms`: how long vendors take for each answer."""

    def __init__(self, *, workers: int, delay_ms: float = 0.0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="oppsync-bench-")
        self.home = Home(Path(self._folder.name))
        self._workers, self._delay_ms = workers, delay_ms
        self._embedded = EmbeddedServers(self.home.servers)
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self.port, self._vendors_port = free_port(0), free_port(0)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._end(list(self._started))
        self._embedded.stop()
        self._folder.cleanup()

    def stop_product(self) -> None:
        """End whatever stands between load and vendors: the product, or what took its place."""
        self._end([name for name in self._started if name != VENDORS])

    def _end(self, names: list[str]) -> None:
        ending = [self._started.pop(name) for name in reversed(names)]
        for process in ending:
            process.send_signal(signal.SIGTERM)
        for process in ending:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def addresses(self) -> ServerAddresses:
        return self._addresses

    @property
    def vendors_url(self) -> str:
        return f"http://127.0.0.1:{self._vendors_port}"

    @property
    def webhook_path(self) -> str:
        return f"/webhooks/{CRM_CONNECTION}"

    @property
    def webhook_secret(self) -> str:
        return self.home.webhook_secret()

    @property
    def product(self) -> Mapping[str, list[int]]:
        """Kind of process -> their ids: web, worker, relay; vendors."""
        kinds: dict[str, list[int]] = {}
        for name, process in self._started.items():
            kinds.setdefault(name.partition(".")[0], []).append(process.pid)
        return kinds

    @property
    def postgres_pid(self) -> int:
        return int((self.home.servers / "postgres" / "postmaster.pid").read_text().split()[0])

    @property
    def redis_pid(self) -> int:
        return int(self.redis().info("server")["process_id"])

    @contextmanager
    def sql(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        url = make_url(self._addresses.database_url)
        with psycopg.connect(url.set(drivername="postgresql").render_as_string(False), autocommit=True) as sql:
            yield sql

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self._addresses.redis_url)

    def vendor_calls(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.vendors_url}{vendors.STATISTICS}") as answer:  # noqa: S310
            calls: dict[str, int] = json.load(answer)
            return calls

    def exchanges(self, since: float = 0.0) -> list[Exchange]:
        """The vendors' calls that began after this moment of `time.monotonic`, as they were answered."""
        with urllib.request.urlopen(f"{self.vendors_url}{vendors.EXCHANGES}") as answer:  # noqa: S310
            calls = [Exchange(*call) for call in json.load(answer)]
        return [call for call in calls if call.began >= since]

    def erp_moments(self) -> list[float]:
        """When each call reached the ERP, in seconds of the ERP's own clock."""
        return sorted(call.began for call in self.exchanges() if call.vendor == vendors.TRYTON)

    def limit(self, connection_id: str, limits: Mapping[str, object]) -> None:
        """Give a connection these limits."""
        self._put(connection_id, lambda known: {"settings": {**known.settings, SETTING: dict(limits)}})

    def double(self, connection_id: str, twin_id: str) -> None:
        """Add a second connection to the same system, which maps the same."""
        self._put(connection_id, lambda known: {"id": twin_id})

    def _put(self, connection_id: str, fields: Callable[[Connection], Json]) -> None:
        application = build(self._settings(), pool_size=1)
        with application.uow() as uow:
            known = uow.connections.get(connection_id)
            secrets = uow.connections.secrets(connection_id)
            uow.connections.put(changed(known, **fields(known)), secrets)
            uow.commit()
        application.close()

    def start_worker(self, number: int) -> None:
        self._run(f"worker.{number}", read_procfile((PROJECT / "Procfile").read_text())["worker"])

    def _start(self) -> None:
        self.home.root.mkdir(parents=True, exist_ok=True)
        self._addresses = self._embedded.start()
        self._count_statements()
        command = f"{sys.executable} -m benchmarks.vendors {self._vendors_port} --delay {self._delay_ms}"
        self._run(VENDORS, command)
        self._install()
        self.start_product()

    def start_product(self) -> None:
        commands = read_procfile((PROJECT / "Procfile").read_text())
        for name in ("web", "relay"):
            self._run(name, commands[name])
        for number in range(self._workers):
            self.start_worker(number)
        self._wait_until_ready()

    def start_instead(self, commands: Mapping[str, str], settings: Mapping[str, str]) -> None:
        """Start other processes, with further environment variables, in the product's place."""
        for name, command in commands.items():
            self._run(name, command, settings)
        self._wait_until_ready()

    def _count_statements(self) -> None:
        """Postgres counts statements from its next start on."""
        with self.sql() as sql:
            sql.execute("alter system set shared_preload_libraries = 'pg_stat_statements'")
            sql.execute("alter system set max_wal_size = '4GB'")
        self._embedded.stop()
        self._addresses = self._embedded.start()
        with self.sql() as sql:
            sql.execute("create extension if not exists pg_stat_statements")

    def _install(self) -> None:
        application = build(self._settings(), pool_size=1)
        schema.upgrade(application.engine)
        systems = DemoSystems(
            salesforce_url=self.vendors_url,
            salesforce_client_id=vendors.CLIENT[0],
            salesforce_client_secret=vendors.CLIENT[1],
            webhook_secret=self.webhook_secret,
            tryton_url=self.vendors_url,
            tryton_database=lean_tryton.DATABASE,
            tryton_rest_key=lean_tryton.REST_KEY,
            kantata_url=self.vendors_url,
            kantata_token=vendors.KANTATA_TOKEN,
        )
        install(application, systems, {person.email: PASSWORD for person in PEOPLE})
        rule = ApprovalRule(up_to=Money(amount=Decimal(100_000), currency="EUR"), known_customers_only=False)
        with application.uow() as uow:
            for template in uow.references.of_kind(application.tenant_id, ReferenceKind.PROJECT_TEMPLATE):
                bare = changed(template, value={**template.value, "tasks": []})
                uow.references.put(application.tenant_id, bare)
            row = ReferenceRow(
                kind=ReferenceKind.APPROVAL_RULE,
                key=RULE,
                valid_from=date(2026, 1, 1),
                value=rule.model_dump(mode="json"),
            )
            uow.references.put(application.tenant_id, row)
            for connection in uow.connections.of_tenant(application.tenant_id):
                unlimited = {**connection.settings, SETTING: dict.fromkeys(("requests", "burst", "concurrent"))}
                known = uow.connections.secrets(connection.id)
                uow.connections.put(changed(connection, settings=unlimited), known)
            uow.commit()
        application.engine.dispose()

    def _settings(self) -> Settings:
        return Settings(
            database_url=SecretStr(self._addresses.database_url),
            redis_url=SecretStr(self._addresses.redis_url),
            secret_keys=SecretStr(self.home.secret_keys()),
            base_url=f"http://127.0.0.1:{self.port}",
            outbox_folder=self.home.mail,
        )

    def log_end(self, name: str) -> str:
        return self.home.log(name).read_text()[-2000:]

    def _run(self, name: str, command: str, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        log = self.home.log(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self._started[name] = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                cwd=PROJECT,
                env={**self.environment(), **settings},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - makes system calls only
            )

    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return os.environ | {
            "PATH": path,
            "DATABASE_URL": self._addresses.database_url,
            "REDIS_URL": self._addresses.redis_url,
            "OPPSYNC_SECRET_KEYS": self.home.secret_keys(),
            "OPPSYNC_BASE_URL": f"http://127.0.0.1:{self.port}",
            "OPPSYNC_OUTBOX_FOLDER": str(self.home.mail),
            "PORT": str(self.port),
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{self.port}",
        }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            for name, process in self._started.items():
                if process.poll() is not None:
                    raise SystemExit(f"{name} ended:\n{self.log_end(name)}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready") as answer:
                    if json.load(answer)["status"] == "ok":
                        return
            except (urllib.error.URLError, OSError):
                pass
            if time.monotonic() > deadline:
                raise SystemExit("The product did not start in time.")
            time.sleep(0.2)
