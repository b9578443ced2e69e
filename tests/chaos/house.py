"""The demo firm with the product: stand-ins behind proxies, short quarantines, two approvers."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import SecretStr

from adapters.bootstrap import build
from adapters.operations.supervisor import PROJECT, read_procfile
from adapters.postgres import schema
from adapters.runtime.processes import free_port
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import ApprovalRole
from oppsync.domain.values.scopes import EVERY_SCOPE
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import CreateToken
from sandbox.firm.demo_firm import BEGIN
from sandbox.firm.install import CRM_CONNECTION, ERP_CONNECTION, PEOPLE, PSA_CONNECTION, DemoSystems, install
from sandbox.standins import process
from sandbox.standins.control import KantataControl, SalesforceControl, StandinControl, TrytonControl
from tests.chaos.crashing import POISON
from tests.chaos.crm import Crm
from tests.chaos.people import DELIVERY, FINANCE, OPERATIONS, approver, operator
from tests.chaos.processes import Processes
from tests.chaos.proxies import Proxies, Proxy
from tests.chaos.servers import Servers
from tests.harness.builders import TENANT
from tests.harness.waiting import HANG_SECONDS

# Seconds. The stand-ins' faults stay within these limits.
TIMEOUT, LATE_COMMIT, SEARCH_LAG = 2.0, 2.0, 1.0
POLL_EVERY = 5.0
PASSWORD = "a long demo password"
# A template that requests staff.
ASKS = ReferenceRow(
    kind=ReferenceKind.PROJECT_TEMPLATE,
    key="CLOUD|DACH|milestone",
    valid_from=BEGIN,
    value={
        "code": "TPL-CLOUD-DACH-MS",
        "name": "Cloud, DACH, milestone",
        "tasks": ["Landing zone review"],
        "budget": [{"role": "Consultant", "percent": "100"}],
    },
)
REST_KEY = "tryton-standin-rest-key"
WEBS, WORKERS, RELAYS = 1, 2, 2


class House:
    """Everything of one run. Call `start` and `stop` on the main thread."""

    def __init__(self, home: Path, disk: Path, seed: str, kill_after: float) -> None:
        self.home, self.seed, self._kill_after = home, seed, kill_after
        self.servers = Servers(home / "servers", disk)
        self.proxies = Proxies()
        self.vendors: dict[str, Proxy] = {}
        self.poison = home / "poison"
        self.poison.touch()
        self.port = free_port(0)
        self.died_at: Counter[str] = Counter()  # places where a process died
        self.recoveries: list[float] = []  # seconds from a worker's death until another took over its deal
        self.rude: list[str] = []  # processes that did not end with 0 after SIGTERM
        self._standins: list[subprocess.Popen[str]] = []

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.servers.start()
        sockets = self.servers.sockets / "proxy"
        sockets.mkdir()
        self.postgres = self.proxies.unix(self.servers.postgres_socket, sockets / ".s.PGSQL.5432")
        standins = {vendor: self._standin(vendor) for vendor in ("salesforce", "tryton", "kantata")}
        self.salesforce = SalesforceControl(standins["salesforce"][0])
        self.tryton = TrytonControl(standins["tryton"][0])
        self.kantata = KantataControl(standins["kantata"][0])
        # The bench delivers to the product itself, so that it knows what was acknowledged.
        webhook_secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        settings = Settings(
            database_url=SecretStr(self.servers.database_url),
            redis_url=SecretStr(self.servers.redis_url),
            secret_keys=SecretStr(Fernet.generate_key().decode()),
            base_url=self.web,
            outbox_folder=self.home / "mail",
        )
        self.application = build(settings)
        schema.upgrade(self.application.engine)
        self._install({vendor: urls[1] for vendor, urls in standins.items()}, webhook_secret)
        environment = self._environment(settings, sockets)
        self.processes = Processes(self._commands(), environment, self.home / "logs", self._kill_after)
        self.crm = Crm(self.salesforce, self.web, CRM_CONNECTION, webhook_secret, self.seed)
        tokens = {
            email: self.application.dispatch(CreateToken(TENANT, COMMAND_LINE, email, email, EVERY_SCOPE))
            for email in (FINANCE, DELIVERY, OPERATIONS)
        }
        self.approvers = [
            approver(self.web, tokens[FINANCE], ApprovalRole.FINANCE),
            approver(self.web, tokens[DELIVERY], ApprovalRole.DELIVERY),
        ]
        self.operator = operator(self.web, tokens[OPERATIONS])
        self.people = [*self.approvers, self.operator]

    def stop(self) -> list[str]:
        """End everything; returns the names of processes that did not obey SIGTERM."""
        killed: list[str] = []
        for one in (*getattr(self, "people", ()), *([self.crm] if hasattr(self, "crm") else [])):
            one.stop()
        if hasattr(self, "processes"):
            killed = self.processes.stop()
        if hasattr(self, "application"):
            self.application.close()
        self.proxies.stop()
        for standin in self._standins:
            standin.send_signal(signal.SIGKILL)
            standin.wait(timeout=HANG_SECONDS)
        self.servers.stop()
        return killed

    def poll_now(self) -> None:
        """Make the next poll of the CRM due now."""
        with self.servers.sql() as sql:
            sql.execute("update crm_watermarks set due_at = now()")

    def end_polls(self) -> None:
        with self.servers.sql() as sql:
            sql.execute("update crm_watermarks set due_at = now() + interval '1 day'")

    def vendor(self, name: str) -> StandinControl:
        found: StandinControl = getattr(self, name)
        return found

    def _standin(self, vendor: str) -> tuple[str, str]:
        """Start a stand-in; returns its own address for the bench, and the one behind a proxy for the
        product."""
        started, url = process.start(vendor, self.home / f"{vendor}.sqlite")
        self._standins.append(started)
        self.vendors[vendor], port = self.proxies.tcp(int(url.rpartition(":")[2]))
        return url, f"http://127.0.0.1:{port}"

    def _install(self, urls: Mapping[str, str], webhook_secret: str) -> None:
        systems = DemoSystems(
            salesforce_url=urls["salesforce"],
            salesforce_client_id="oppsync-demo",
            salesforce_client_secret="salesforce-demo-secret",
            webhook_secret=webhook_secret,
            tryton_url=urls["tryton"],
            tryton_database="erp",
            tryton_rest_key=REST_KEY,
            kantata_url=urls["kantata"],
            kantata_token="kantata-demo-token",
        )
        install(self.application, systems, {person.email: PASSWORD for person in PEOPLE})
        with self.application.uow() as uow:
            uow.references.put(TENANT, ASKS)
            uow.commit()
        # Tryton and Salesforce have no setting of their own for how long a search may miss new records.
        both = {"timeout": TIMEOUT, "late_commit": LATE_COMMIT + SEARCH_LAG}
        limits = {
            CRM_CONNECTION: both | {"poll_every": POLL_EVERY},
            ERP_CONNECTION: both,
            PSA_CONNECTION: {"timeout": TIMEOUT, "late_commit": LATE_COMMIT, "search_lag": SEARCH_LAG},
        }
        with self.servers.sql() as sql:
            for connection, settings in limits.items():
                sql.execute(
                    "update connections set settings = settings || %s::jsonb where id = %s",
                    [json.dumps(settings), connection],
                )

    def _commands(self) -> dict[str, str]:
        """The Procfile's commands, started so that they can be killed at chosen places."""
        listed = read_procfile((PROJECT / "Procfile").read_text())
        web = listed["web"].replace("web.wsgi:app", "tests.chaos.crashing_web:app")
        wrapped = {
            kind: listed[kind].replace("python -m", "python -m tests.chaos.crashing")
            for kind in ("worker", "relay")
        }
        return (
            {f"web.{number}": web for number in range(1, WEBS + 1)}
            | {f"worker.{number}": wrapped["worker"] for number in range(1, WORKERS + 1)}
            | {f"relay.{number}": wrapped["relay"] for number in range(1, RELAYS + 1)}
        )

    def _environment(self, settings: Settings, sockets: Path) -> dict[str, str]:
        return os.environ | {
            "DATABASE_URL": self.servers.database_url.replace(str(self.servers.sockets), str(sockets)),
            "REDIS_URL": self.servers.redis_url,
            "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
            "OPPSYNC_BASE_URL": self.web,
            "OPPSYNC_OUTBOX_FOLDER": str(settings.outbox_folder),
            "PORT": str(self.port),
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{self.port}",
            POISON: str(self.poison),
        }
