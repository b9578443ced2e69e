"""`oppsync doctor` against real servers: a sound installation passes, and each fault is found and named."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner
from sqlalchemy import text

from adapters.bootstrap import Application
from adapters.cli.__main__ import oppsync
from adapters.connectors.registry import connector_of
from adapters.operations.doctor import Verdict, clock, eviction, lacking, polling, redis_connections, signatures
from adapters.postgres import schema
from adapters.runtime.connection_budget import needs, web_processes
from adapters.runtime.processes import free_port
from oppsync.domain.plan.capabilities import Capabilities, CrmCapabilities, ErpCapabilities, PsaCapabilities
from oppsync.domain.plan.limits import Limit
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.reading.readings import PollStatus
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel import canonical_json
from oppsync.kernel.settings import Settings
from sandbox.firm.install import PEOPLE, DemoSystems, install
from tests.harness.builders import TENANT

Examine = Callable[..., tuple[int, dict[str, tuple[str, str]]]]
NOBODY = DemoSystems(
    salesforce_url="http://127.0.0.1:9",
    salesforce_client_id="id",
    salesforce_client_secret="a-salesforce-secret",
    webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    tryton_url="http://127.0.0.1:9",
    tryton_database="erp",
    tryton_rest_key="a-rest-key",
    kantata_url="http://127.0.0.1:9",
    kantata_token="a-token",
)


@pytest.fixture
def installed(application: Application) -> Application:
    install(application, NOBODY, {person.email: "a password nobody guesses" for person in PEOPLE})
    return application


@pytest.fixture
def doctor(settings: Settings, tmp_path: Path) -> Examine:
    """Run the command; return its exit code, and each check's verdict and text."""

    def examine(**changed: str) -> tuple[int, dict[str, tuple[str, str]]]:
        environment = {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
            "OPPSYNC_HOME": str(tmp_path),
        } | changed
        done = CliRunner().invoke(oppsync, ["doctor", "--json"], env=environment)
        assert not {"a-salesforce-secret", "a-rest-key", "a-token"} & set(done.output.split())
        answer: dict[str, Any] = canonical_json.loads(done.stdout.encode())
        assert answer["ok"] is (done.exit_code == 0)
        return done.exit_code, {c["name"]: (c["verdict"], c["says"]) for c in answer["checks"]}

    return examine


def test_a_sound_installation_passes(doctor: Examine, installed: Application) -> None:
    code, checks = doctor()

    assert {verdict for verdict, _says in checks.values()} == {"ok"}, checks
    assert code == 0
    assert {"settings", "postgres", "schema", "clock", "redis", "redis eviction"} <= set(checks)
    assert {"connection salesforce-demo", "connection tryton-demo", "connection kantata-demo"} <= set(checks)
    assert checks["postgres connections"][1].startswith("Up to 13 needed")
    assert checks["redis connections"][1].startswith("Up to 16 needed")


def test_people_read_a_table(installed: Application, settings: Settings, tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }
    done = CliRunner().invoke(oppsync, ["doctor"], env=environment)
    assert done.exit_code == 0
    assert "ok  schema" in done.stdout
    assert "as this release wants it" in done.stdout


def test_what_is_not_set_is_named(doctor: Examine) -> None:
    for wrong in ({"OPPSYNC_SECRET_KEYS": ""}, {"OPPSYNC_SECRET_KEYS": "short"}):
        code, checks = doctor(**wrong)
        assert code == 1
        assert list(checks) == ["settings"]
        assert "OPPSYNC_SECRET_KEYS" in checks["settings"][1]
    code, checks = doctor(WORKER_THREADS="many")
    assert (code, checks["sizes"][0]) == (1, "failed")


def test_an_old_schema_is_found_and_its_cure_named(doctor: Examine, installed: Application) -> None:
    schema.downgrade(installed.engine, "base")
    code, checks = doctor()
    assert (code, checks["schema"][0]) == (1, "failed")
    assert "db upgrade" in checks["schema"][1]


def test_servers_that_are_away_are_named(doctor: Examine, installed: Application) -> None:
    nowhere = f"127.0.0.1:{free_port(0)}"
    code, checks = doctor(
        DATABASE_URL=f"postgresql://someone:hidden@{nowhere}/x", REDIS_URL=f"redis://{nowhere}/0"
    )
    assert code == 1
    assert {name for name, (verdict, _says) in checks.items() if verdict == "failed"} == {"postgres", "redis"}
    assert "hidden" not in str(checks)


def test_too_few_connections_are_found_before_they_are_missed(
    doctor: Examine, installed: Application, settings: Settings
) -> None:
    with installed.engine.connect() as connection:
        name = connection.execute(text("select current_database()")).scalar_one()
        connection.execute(text(f"alter database {name} connection limit 12"))
        connection.commit()
    code, checks = doctor()
    assert (code, checks["postgres connections"][0]) == (1, "failed")
    assert "12 allowed" in checks["postgres connections"][1]
    assert doctor(WEB_CONCURRENCY="1")[0] == 0


@pytest.fixture
def evicting(settings: Settings) -> Iterator[None]:
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        yield
        client.config_set("maxmemory-policy", "noeviction")


def test_an_evicting_redis_is_a_warning_not_a_failure(
    doctor: Examine, installed: Application, evicting: None
) -> None:
    code, checks = doctor()
    assert (code, checks["redis eviction"][0]) == (0, "warning")
    assert "noeviction" in checks["redis eviction"][1]


def test_keys_that_do_not_open_the_connections_are_found(doctor: Examine, installed: Application) -> None:
    code, checks = doctor(OPPSYNC_SECRET_KEYS="another random value of more than thirty-two characters")
    assert code == 1
    wrong = [name for name, (verdict, _says) in checks.items() if verdict == "failed"]
    assert wrong == ["connection kantata-demo", "connection salesforce-demo", "connection tryton-demo"]
    assert "OPPSYNC_SECRET_KEYS" in checks["connection tryton-demo"][1]


def test_a_connection_nothing_here_can_serve_is_found(doctor: Examine, installed: Application) -> None:
    def put(vendor: str, scheme: str | None, **settings: str) -> tuple[str, str]:
        connection = Connection(
            tenant_id=TENANT,
            id="odd",
            role=ConnectionRole.PSA,
            vendor=vendor,
            name="Odd",
            settings=settings,
            signature_scheme=scheme,
        )
        with installed.uow() as uow:
            uow.connections.put(connection, {"token": "a-token"})
            uow.commit()
        code, checks = doctor()
        assert code == 1
        return checks["connection odd"]

    assert "'nonesuch' is not known here" in put("nonesuch", None)[1]
    assert "base_url" in put("kantata", None)[1]
    assert "'handshake' is not known here" in put("kantata", "handshake", base_url="http://127.0.0.1:9")[1]


def test_an_installation_without_connections_is_told_that_nothing_goes_through(
    doctor: Examine, application: Application
) -> None:
    code, checks = doctor()
    assert (code, checks["connections"][0]) == (0, "warning")


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, "ok"), (-4, "ok"), (6, "warning"), (-59, "warning"), (61, "failed"), (-900, "failed")],
)
def test_clocks_apart(seconds: int, verdict: str) -> None:
    assert clock(timedelta(seconds=seconds)).verdict == verdict


def test_limits_of_redis() -> None:
    assert eviction("noeviction").verdict is Verdict.OK
    assert redis_connections(12, 18).verdict is Verdict.OK
    assert redis_connections(19, 18).verdict is Verdict.FAILED
    assert redis_connections(12, None).verdict is Verdict.WARNING


def test_the_defaults_fit_the_small_plans_and_are_gunicorns_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEB_CONCURRENCY", "WORKER_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert sum(need.postgres for need in needs({})) <= 18
    assert sum(need.redis for need in needs({})) <= 18
    configured = runpy.run_path(str(Path(__file__).parents[2] / "web" / "gunicorn.py"))
    assert configured["workers"] == web_processes({})


NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
POLLED = PollStatus(
    connection_id="crm", covered_until=NOW, due_at=NOW, deals=3, changes=2, most_late_seconds=240
)


@pytest.mark.parametrize(
    ("poll", "verdict", "words"),
    [
        (POLLED, Verdict.OK, "3 deals and 2 changes that arrived without a webhook, 240 s late at most"),
        (PollStatus(connection_id="crm", due_at=NOW), Verdict.OK, "Covered until nothing yet"),
        (
            changed(POLLED, error="away", tries=4),
            Verdict.FAILED,
            "4 polls failed in a row: away",
        ),
        (changed(POLLED, due_at=NOW - timedelta(hours=1)), Verdict.FAILED, "start a relay"),
    ],
)
def test_a_poll_that_fails_or_that_nobody_does_is_found(poll: PollStatus, verdict: Verdict, words: str) -> None:
    found = polling(poll, NOW)
    assert (found.name, found.verdict) == ("poll of crm", verdict)
    assert words in found.says


def test_a_scheme_that_is_not_the_vendors_is_a_warning() -> None:
    salesforce = connector_of(ConnectionRole.CRM, "salesforce")
    kantata = connector_of(ConnectionRole.PSA, "kantata")

    assert signatures("c", salesforce, "standard_webhooks") is None
    assert signatures("c", salesforce, None) is None
    other = signatures("c", salesforce, "handshake")
    none = signatures("c", kantata, "standard_webhooks")

    assert other is not None
    assert none is not None
    assert (other.verdict, none.verdict) == (Verdict.WARNING, Verdict.WARNING)
    assert other.says == "Its webhooks are verified by handshake, but Salesforce signs by standard_webhooks."
    assert none.says == "Its webhooks are verified by standard_webhooks, but Kantata sends no webhooks."


@pytest.mark.parametrize(
    ("capabilities", "says"),
    [
        (ErpCapabilities(line_kinds=frozenset(LineKind), holds=frozenset(Limit)), ""),
        (
            ErpCapabilities(line_kinds=frozenset(LineKind), holds=frozenset({Limit.CAP})),
            " It only notes limits of invoices, which people have to watch.",
        ),
        (
            ErpCapabilities(
                line_kinds=frozenset(LineKind), holds=frozenset(Limit), creates_customers=False, cancels=False
            ),
            " It creates no customers and closes nothing that was created.",
        ),
        (
            CrmCapabilities(polls=False, owner_history=True),
            " It cannot be polled, so nobody notices a lost webhook.",
        ),
        (CrmCapabilities(), " It does not tell who owned a deal before it was read."),
        (PsaCapabilities(staffing=False), " It takes no staffing requests."),
    ],
)
def test_what_a_system_cannot_do_is_said(capabilities: Capabilities, says: str) -> None:
    assert lacking(capabilities) == says
