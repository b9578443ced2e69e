"""The product and the systems around it, with nobody's firm in it yet: the Procfile's own commands on real
servers, a real Tryton, two stand-ins."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from adapters.operations.supervisor import PRODUCT, PROJECT, read_procfile
from sandbox import systems as demo_systems
from sandbox.embedded import EmbeddedServers, ServerAddresses
from sandbox.embedded.tryton import firm
from sandbox.embedded.tryton.server import TrytonAddress, prepare
from sandbox.home import TRYTON_CACHE, TRYTON_REST_KEY, Addresses, Home
from sandbox.stack import tryton_answers
from sandbox.standins.control import KantataControl, SalesforceControl
from tests.harness.programs import Program, Server, postgres_of, redis_of, reserved_ports
from tests.harness.waiting import HANG_SECONDS, Found, NotYet, until

OUTSIDE = ("tryton", "salesforce", "kantata")
ELSEWHERE = ("DATABASE_URL", "REDIS_URL", "REDIS_TLS_URL", "SENTRY_DSN", "PORT", "GUNICORN_CMD_ARGS")
Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    json: Json


class Ground:
    """Everything is in `folder`. A story can stop and start `programs` and the two servers. `outside`: the
    systems that this firm has; `described`: the firm as its ERP knows it."""

    programs: dict[str, Program]
    redis: Server
    postgres: Server
    salesforce: SalesforceControl
    kantata: KantataControl
    servers: ServerAddresses

    def __init__(
        self, folder: Path, outside: Sequence[str] = OUTSIDE, described: firm.Firm = firm.DEMO
    ) -> None:
        self.home = Home(folder / "home")
        # The product's home for servers of its own. It has the addresses of ours, so it must start none.
        self.untouched = folder / "untouched"
        self.untouched.mkdir()
        self._outside, self._described = outside, described
        self._embedded = EmbeddedServers(self.home.servers, durable=False)
        self._stack = ExitStack()
        self._http = httpx2.Client(
            timeout=HANG_SECONDS, trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )

    def start(self) -> None:
        """Start everything up to the upgraded schema; `stop` ends it, also when this fails half-way."""
        self._stack.callback(self._http.close)
        names = tuple(Addresses.model_fields)
        ports = self._stack.enter_context(reserved_ports(len(names)))
        self.addresses = Addresses(
            **{name: f"http://127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}
        )
        self.salesforce = demo_systems.salesforce(self.home, self.addresses)
        self.kantata = demo_systems.kantata(self.home, self.addresses)
        self.tryton = TrytonAddress(
            self.addresses.tryton,
            firm.DATABASE,
            firm.DEVELOPMENT_SERVICE_LOGIN,
            self.home.key(TRYTON_REST_KEY),
        )
        port = demo_systems.port_of(self.tryton.url)
        prepare(self.home.tryton, TRYTON_CACHE, port, self.tryton.rest_key, self._described)
        commands = demo_systems.commands(self.home, self.addresses)
        self.programs = {name: self._program(name, commands[name], os.environ) for name in self._outside}
        self._stack.callback(self._kill_programs)
        self.start_outside()
        self.servers = self._stack.enter_context(self._embedded)
        self.postgres, self.redis = postgres_of(self.home.servers), redis_of(self.home.servers)
        self._stack.callback(self.postgres.stop)
        self._stack.callback(self.redis.stop)
        self.run("release")

    def stop(self) -> None:
        self._stack.close()

    def _kill_programs(self) -> None:
        for program in self.programs.values():
            program.kill()

    def add(self, name: str, process: str, **env: str) -> Program:
        """Add one more process of the Procfile, not yet started."""
        command = read_procfile((PROJECT / "Procfile").read_text())[process]
        self.programs[name] = self._program(name, command, self.environment() | env)
        return self.programs[name]

    def run(self, process: str) -> Program:
        """Run a process of the Procfile that ends by itself, and wait until it ended without an error."""
        program = self.add(process, process)
        program.start()
        assert program.ended() == 0, program.last_words()
        del self.programs[process]
        return program

    def start_outside(self) -> None:
        for name in self._outside:
            self.programs[name].start()

    def wait_for_outside(self) -> None:
        """Wait until each of them answers."""
        for name, control in {"salesforce": self.salesforce, "kantata": self.kantata}.items():
            if name in self._outside:
                self.until(control.is_ready, f"{name} answers")
        self.until(lambda: tryton_answers(self.tryton.url, self.tryton.rest_key), "Tryton answers")

    def start_product(self) -> None:
        for name in PRODUCT:
            self.programs[name].start()
        self.until(lambda: self.ask("GET", "/health/ready").json["status"] == "ok", "web is ready")

    def until(self, look: Callable[[], Found], what: str) -> Found:
        return until(look, what, self.last_words)

    def ask(self, method: str, path: str, **request: Any) -> Answer:
        """Raises NotYet without an answer."""
        try:
            got = self._http.request(method, f"{self.addresses.web}{path}", **request)
        except httpx2.TransportError as error:
            raise NotYet(type(error).__name__) from error
        return Answer(got.status_code, got.headers, got.json())

    def last_words(self) -> str:
        return "\n".join(program.last_words() for program in self.programs.values())

    def environment(self) -> dict[str, str]:
        """The environment of a platform: everything the Procfile's commands need is in variables."""
        port = demo_systems.port_of(self.addresses.web)
        return bare_environment() | {
            "DATABASE_URL": self.servers.database_url,
            "REDIS_URL": self.servers.redis_url,
            "OPPSYNC_SECRET_KEYS": self.home.secret_keys(),
            "OPPSYNC_BASE_URL": self.addresses.web,
            "OPPSYNC_OUTBOX_FOLDER": str(self.home.mail),
            "OPPSYNC_HOME": str(self.untouched),
            "PORT": str(port),
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
        }

    def _program(self, name: str, command: str, env: Mapping[str, str]) -> Program:
        return Program(name, command, env, self.home.log(name))


def bare_environment() -> dict[str, str]:
    """This shell's environment without the addresses of our servers."""
    ours = [name for name in os.environ if name in ELSEWHERE or name.startswith("OPPSYNC_")]
    return {name: value for name, value in os.environ.items() if name not in ours}
