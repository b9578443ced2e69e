"""The whole product on this machine: its own servers, the demo firm's systems, and the Procfile's commands."""

from __future__ import annotations

import http.client
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from types import FrameType
from typing import IO, Self

from adapters.bootstrap import Application, build
from adapters.cli.commands import Failed
from adapters.cli.connect import CONNECTIONS, names_servers
from adapters.operations.supervisor import POLL_SECONDS, OnLine, Supervisor, describe, handled, product_commands
from adapters.postgres import schema
from adapters.runtime.environment import read_settings
from adapters.runtime.local_set import announced
from oppsync.domain.values.model import changed
from oppsync.kernel.settings import Settings
from sandbox import systems as demo_systems
from sandbox.embedded import EmbeddedServers
from sandbox.embedded.servers import take_lock
from sandbox.embedded.tryton import firm
from sandbox.home import TRYTON_CACHE, TRYTON_REST_KEY, Addresses, Home
from sandbox.standins.control import WrongNeighbour

START_WITHIN_SECONDS = 600.0  # a slow machine builds Tryton's template first
ANSWER_SECONDS = 5.0
LAST_LINES = 8
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Say = Callable[[str], None]
Check = Callable[[], None]


class Stack:
    """A context manager that starts everything, and ends everything it started, whatever happens.

    `say` gets a sentence for each step, `on_line` each line that a process prints. `check_stop` is called
    between steps and raises when we are to stop. Use it on the main thread.
    """

    addresses: Addresses
    application: Application

    def __init__(
        self, home: Home, say: Say, on_line: OnLine, check_stop: Check, first_port: int | None = None
    ) -> None:
        self.home = home
        self._check_stop = check_stop
        self._first_port = first_port
        self._say = say
        self._on_line = on_line
        self._last_lines: dict[str, list[str]] = {}
        self._lock: IO[str] | None = None
        self._listeners: demo_systems.Listeners | None = None
        self._servers: EmbeddedServers | None = None
        self._announcement = ExitStack()
        self._supervisors: list[Supervisor] = []

    def start(self) -> None:
        """Raises Failed, and EmbeddedServersError, with a sentence; then nothing is left running."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the product first, then the systems it calls, the servers last. Harmless when nothing runs."""
        with handled(lambda *_: None):
            while self._supervisors:
                self._supervisors.pop().stop()
            if "application" in self.__dict__:
                self.application.close()
            self._announcement.close()
            if self._listeners:
                self._listeners.close()
                self._listeners = None
            if self._servers:
                self._servers.stop()
                self._servers = None
            if self._lock:
                self._lock.close()
                self._lock = None

    def check(self) -> None:
        """Raises Failed when one of the processes has ended, KeyboardInterrupt when we were asked to stop."""
        self._check_stop()
        for supervisor in self._supervisors:
            ended = supervisor.ended()
            if ended:
                last = "".join(f"\n  {line}" for line in self._last_lines.get(ended[0], ()))
                raise Failed(f"{ended[0]} ended ({describe(ended[1])}). Its last words:{last or ' none.'}")

    def wait(self) -> None:
        """Wait until `check` raises."""
        while True:
            self.check()
            time.sleep(POLL_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        self.home.root.mkdir(parents=True, exist_ok=True)
        self._lock = take_lock(self.home.root)
        settings = self._settings_of_servers()
        listeners = self._listeners = self._listen()
        self.addresses = listeners.addresses
        if not any(TRYTON_CACHE.glob("*.sqlite")):
            self._say("Building Tryton's database (once; about half a minute) while the rest starts ...")
        self._say("Starting Tryton, and stand-ins for Salesforce and Kantata ...")
        outside = demo_systems.commands(self.home, self.addresses, listeners.descriptors())
        self._supervise(outside, os.environ, listeners)
        settings = changed(settings, base_url=self.addresses.web, outbox_folder=self.home.mail)
        self.application = build(settings, pool_size=CONNECTIONS)
        schema.upgrade(self.application.engine)
        demo_systems.install_demo_firm(self.application, self.home, self.addresses)
        self._say("Starting web, worker and relay ...")
        self._supervise(product_commands(), self._environment(settings, listeners), listeners)
        for standin in (demo_systems.salesforce, demo_systems.kantata):
            self._wait_for(standin(self.home, self.addresses).is_ready)
        demo_systems.configure_webhook(self.home, self.addresses)
        self._wait_for(lambda: answers(f"{self.addresses.web}/health/ready"))
        self._wait_for(lambda: tryton_answers(self.addresses.tryton, self.home.key(TRYTON_REST_KEY)))
        self.home.remember(self.addresses)
        if self._servers:
            self._announcement.enter_context(announced(self.home.root, settings))

    def _settings_of_servers(self) -> Settings:
        if names_servers():
            return read_settings()
        self._say(f"Starting Postgres and Redis in {self.home.servers} ...")
        self._servers = EmbeddedServers(self.home.servers)
        return self.home.settings_for(self._servers.start())

    def _listen(self) -> demo_systems.Listeners:
        try:
            return demo_systems.Listeners(self._first_port)
        except OSError as error:
            raise Failed(str(error)) from None

    def _environment(self, settings: Settings, listeners: demo_systems.Listeners) -> Mapping[str, str]:
        """The environment of a platform: everything the Procfile's commands need is in variables."""
        return os.environ | {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
            "OPPSYNC_BASE_URL": settings.base_url,
            "OPPSYNC_OUTBOX_FOLDER": str(settings.outbox_folder),
            "PORT": str(demo_systems.port_of(self.addresses.web)),
            # On loopback only: a demo's passwords do not protect it on a network.
            "GUNICORN_CMD_ARGS": f"--bind fd://{listeners.descriptors()['web']}",
        }

    def _supervise(
        self, commands: Mapping[str, str], env: Mapping[str, str], listeners: demo_systems.Listeners
    ) -> None:
        """Start commands; those that listen inherit their socket."""
        inherited = {name: each for name, each in listeners.descriptors().items() if name in commands}
        supervisor = Supervisor(
            commands, env, self._keep_line, inherited={name: [each] for name, each in inherited.items()}
        )
        self._supervisors.append(supervisor)
        supervisor.start()
        listeners.close(*inherited)

    def _keep_line(self, name: str, line: str) -> None:
        last = self._last_lines.setdefault(name, [])
        last.append(line)
        del last[:-LAST_LINES]
        self._on_line(name, line)

    def _wait_for(self, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_WITHIN_SECONDS
        self.check()
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise Failed(f"Not everything started within {START_WITHIN_SECONDS:.0f} s: try again.")
            time.sleep(POLL_SECONDS)


def answers(url: str) -> bool:
    """Whether a GET succeeds."""
    return _status(urllib.request.Request(url)) == HTTPStatus.OK  # noqa: S310


def tryton_answers(url: str, rest_key: str) -> bool:
    """Whether our Tryton answers. Raises WrongNeighbour when one answers that refuses our key, since ours
    accepts it from its first answer on."""
    request = urllib.request.Request(  # noqa: S310
        f"{url}/{firm.DATABASE}/rest/model/company.company?f=id",
        headers={"Authorization": f"Bearer {rest_key}"},
    )
    status = _status(request)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise WrongNeighbour(url)
    return status == HTTPStatus.OK


def _status(request: urllib.request.Request) -> int | None:
    """The status; None when nobody answers."""
    try:
        with _direct.open(request, timeout=ANSWER_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return None


# Calls to this machine must not go through a proxy.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def stop_check() -> Iterator[Check]:
    """Yields a function that raises KeyboardInterrupt after Ctrl-C, SIGTERM or SIGHUP; call it between steps.

    Raised inside a step, an exception could be lost, or leave behind a process that is not yet recorded. A
    second signal raises at once: its sender does not want to wait.
    """
    signals: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        signals.append(number)
        if len(signals) > 1:
            raise KeyboardInterrupt

    def check() -> None:
        if signals:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in STOPPING}
    try:
        yield check
    finally:
        for number, old in before.items():
            signal.signal(number, old)
