"""`oppsync doctor` against real servers: a sound installation passes, and each fault is found and named."""

from __future__ import annotations

import hashlib
import re
import runpy
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from adapters.bootstrap import Application
from adapters.cli.__main__ import oppsync
from adapters.connectors.registry import connector_of
from adapters.operations.doctor import (
    Verdict,
    clock,
    eviction,
    is_weak,
    lacking,
    master_data,
    polling,
    redis_connections,
    secret_keys,
    signatures,
)
from adapters.postgres import schema
from adapters.runtime.connection_budget import needs, web_processes
from adapters.runtime.processes import free_port
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.plan.capabilities import Capabilities, CrmCapabilities, ErpCapabilities, PsaCapabilities
from oppsync.domain.plan.limits import Limit
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.reading.readings import PollStatus
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.mirror import KindState, MirrorState
from oppsync.kernel import canonical_json
from oppsync.kernel.settings import Settings
from sandbox.firm.install import PEOPLE, DemoSystems, install
from sandbox.standins.control import KantataControl, SalesforceControl, TrytonControl
from sandbox.standins.process import running
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


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSystems]:
    """A CRM, an ERP and a PSA that answer."""
    folder = tmp_path_factory.mktemp("systems")
    client = ("--client-id", "id", "--client-secret", NOBODY.salesforce_client_secret)
    with (
        running("salesforce", folder / "salesforce.sqlite", *client) as salesforce,
        running("tryton", folder / "tryton.sqlite") as tryton,
        running("kantata", folder / "kantata.sqlite", "--token", NOBODY.kantata_token) as kantata,
    ):
        yield replace(
            NOBODY,
            salesforce_url=salesforce,
            tryton_url=tryton,
            tryton_rest_key="tryton-standin-rest-key",
            kantata_url=kantata,
        )


@pytest.fixture
def installed(application: Application, systems: DemoSystems) -> Application:
    install(application, systems, {person.email: "a password nobody guesses" for person in PEOPLE})
    return application


@pytest.fixture
def deserted(application: Application) -> Application:
    """An installation whose CRM, ERP and PSA are away."""
    install(application, NOBODY, {person.email: "a password nobody guesses" for person in PEOPLE})
    return application


@pytest.fixture
def doctor(settings: Settings, tmp_path: Path) -> Examine:
    """Run the command; return its exit code, and each check's verdict and text."""

    def examine(**changed: str | None) -> tuple[int, dict[str, tuple[str, str]]]:
        environment = {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
            "OPPSYNC_HOME": str(tmp_path),
            "OPPSYNC_BASE_URL": "https://oppsync.firm.example",
            "OPPSYNC_SMTP_URL": "smtp://mail.firm.example",
            "OPPSYNC_MAIL_FROM": "oppsync@firm.example",
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
    assert {"answer of salesforce-demo", "answer of tryton-demo", "answer of kantata-demo"} <= set(checks)
    # Its map says that owners of before are told.
    assert checks["connection salesforce-demo"] == ("ok", "CRM: Salesforce.")
    assert checks["connection tryton-demo"][1].startswith("ERP: Tryton.")
    assert {"address", "mail", "secret keys"} <= set(checks)
    assert checks["postgres connections"][1].startswith("Up to 14 needed")
    assert checks["redis connections"][1].startswith("Up to 17 needed")


def test_people_read_a_table(installed: Application, settings: Settings, tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }
    done = CliRunner().invoke(oppsync, ["doctor"], env=environment)
    assert done.exit_code == 0
    assert re.search("ok +schema", done.stdout)
    assert "as this release wants it" in done.stdout


def test_a_system_that_does_not_answer_is_found(doctor: Examine, deserted: Application) -> None:
    code, checks = doctor()
    away = {name for name, (verdict, _says) in checks.items() if verdict == "failed"}
    assert (code, away) == (
        1,
        {"answer of salesforce-demo", "answer of tryton-demo", "answer of kantata-demo"},
    )
    assert "not reachable" in checks["answer of tryton-demo"][1]


def test_credentials_that_a_system_refuses_are_found(
    doctor: Examine, application: Application, systems: DemoSystems
) -> None:
    wrong = replace(systems, salesforce_client_secret="no", tryton_rest_key="no", kantata_token="no")
    install(application, wrong, {person.email: "a password nobody guesses" for person in PEOPLE})

    code, checks = doctor()

    assert code == 1
    for name in ("salesforce-demo", "tryton-demo", "kantata-demo"):
        assert checks[f"connection {name}"][0] == "ok"
        assert checks[f"answer of {name}"][0] == "failed"
        assert "check" in checks[f"answer of {name}"][1]


def test_routes_that_lead_to_nobody_are_listed(doctor: Examine, installed: Application) -> None:
    assert "routes" not in doctor()[1]
    value = {"connection": "Tryton of Hamburg"}
    row = ReferenceRow(kind=ReferenceKind.ROUTE, key="erp|*|*|*", valid_from=date(2025, 1, 1), value=value)
    with installed.uow() as uow:
        uow.references.put(TENANT, row)
        uow.commit()

    code, checks = doctor()

    assert code == 1
    verdict, says = checks["routes"]
    assert verdict == "failed"
    assert "role erp, entity *, region *, service line *: no ERP is connected as 'Tryton of Hamburg'" in says
    assert "use one of these" in says


def test_several_systems_of_a_role_that_no_row_routes_are_named(
    doctor: Examine, installed: Application
) -> None:
    with installed.uow() as uow:
        known = uow.connections.get("tryton-demo")
        uow.connections.put(changed(known, id="second", name="Second"), uow.connections.secrets(known.id))
        uow.commit()

    code, checks = doctor()

    assert code == 1
    verdict, says = checks["routes"]
    assert verdict == "failed"
    assert says.startswith(
        "2 are connected of the role erp (Second, Tryton), and no row of routes.csv holds today"
    )


def test_a_sign_of_life_changes_nothing_there(
    doctor: Examine, installed: Application, systems: DemoSystems
) -> None:
    crm, erp, psa = (
        SalesforceControl(systems.salesforce_url),
        TrytonControl(systems.tryton_url),
        KantataControl(systems.kantata_url),
    )
    for system in (crm, erp, psa):
        system.clear_requests()

    doctor()

    asked = [[call["method"] for call in system.requests()] for system in (crm, erp, psa)]
    assert asked == [["POST", "POST"], ["GET"], ["GET"]]  # the CRM's are a token and a query
    assert (psa.workspaces(), erp.records("project.work")) == ([], [])


@pytest.mark.parametrize(
    ("changes", "check", "found"),
    [
        ({"OPPSYNC_SMTP_URL": None}, "mail", ("warning", "OPPSYNC_SMTP_URL")),
        ({"OPPSYNC_MAIL_FROM": "oppsync@localhost"}, "mail", ("warning", "OPPSYNC_MAIL_FROM")),
        ({"OPPSYNC_BASE_URL": "http://oppsync.firm.example"}, "address", ("warning", "not encrypted")),
        ({"OPPSYNC_BASE_URL": "http://127.0.0.1:8000"}, "address", ("warning", "this machine only")),
        ({"OPPSYNC_BASE_URL": "oppsync.firm.example"}, "address", ("failed", "no address")),
        ({"OPPSYNC_SECRET_KEYS": "a" * 40}, "secret keys", ("failed", "Number 1")),
    ],
)
def test_settings_that_will_not_do_outside_of_one_machine_are_named(
    doctor: Examine,
    application: Application,
    changes: dict[str, str | None],
    check: str,
    found: tuple[str, str],
) -> None:
    code, checks = doctor(**changes)
    verdict, words = found
    assert checks[check][0] == verdict
    assert words in checks[check][1]
    assert (code == 1) is (verdict == "failed")
    assert "a" * 40 not in str(checks)


@pytest.mark.parametrize(
    ("key", "weak"),
    [
        ("0" * 64, True),
        ("ab" * 32, True),
        ("s3cr3t-t3xt" * 4, True),
        ("abcdefghijklmnopqrstuvwxyz0123456789", True),
        ("01234567890123456789012345678901", True),
        ("changeme-changeme-now-or-somewhat-later", True),
        ("My-Long-Password-Nobody-Will-Ever-Find!", True),
        ("3f1c9a0be77d4e52b8c6f0a91d2e4b73", False),
        ("Zk4rT-9vQ_pLm2XsWd7HbNc5JfGyEa8uRt1o", False),
        ("correct horse battery staple and some more", False),
    ],
)
def test_a_key_that_can_be_guessed_is_known(key: str, weak: bool) -> None:
    assert is_weak(key) is weak
    random_one = "9b1f5d0c7e3a48f2a6d4c8e0b5f71923"
    assert ("Number 2 of" in secret_keys(f"{random_one}, {key}").says) is weak


@given(st.integers(0, 2**128 - 1))
def test_random_keys_are_not_taken_for_guessed_ones(number: int) -> None:
    digest = hashlib.sha256(number.to_bytes(16)).hexdigest()
    assert not is_weak(digest)


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


def test_a_row_that_maps_nothing_and_a_connection_without_one_are_named(
    doctor: Examine, installed: Application
) -> None:
    with installed.uow() as uow:
        known = uow.connections.get("kantata-demo")
        uow.connections.put(changed(known, name="Staff"), uow.connections.secrets(known.id))
        uow.commit()

    code, checks = doctor()

    assert code == 0
    named, own = "Kantata (stand-in)", "its own settings say what it maps"
    assert {name: says for name, (verdict, says) in checks.items() if verdict == "warning"} == {
        f"map of {named}": f"Nothing of its vendor is connected as {named}: its row maps nothing.",
        "map of kantata-demo": f"No row of connection_maps.yaml is about Staff: {own}.",
    }


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
        (
            ErpCapabilities(
                line_kinds=frozenset(LineKind), holds=frozenset(Limit), mirrors=frozenset(MasterKind)
            ),
            "",
        ),
        (
            ErpCapabilities(
                line_kinds=frozenset(LineKind), holds=frozenset({Limit.CAP}), mirrors=frozenset(MasterKind)
            ),
            " It only notes limits of invoices, which people have to watch.",
        ),
        (
            ErpCapabilities(
                line_kinds=frozenset(LineKind), holds=frozenset(Limit), creates_customers=False, cancels=False
            ),
            (
                " It creates no customers and closes nothing that was created and gives no master data, "
                "so that each look-up asks it."
            ),
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


@pytest.mark.parametrize(
    ("state", "verdict", "says"),
    [
        (MirrorState([], [], None, None, False), "ok", "nothing was read yet: 0 rows."),
        (
            MirrorState([KindState(MasterKind.TAX, 4, 0, NOW - timedelta(hours=3))], [], None, None, False),
            "ok",
            "3 hours old: 4 rows.",
        ),
        (
            MirrorState([], [], "Tryton: no answer", None, False),
            "warning",
            "It could not be read: Tryton: no answer. What is known of it: nothing was read yet.",
        ),
    ],
)
def test_how_old_master_data_is_is_said(state: MirrorState, verdict: str, says: str) -> None:
    check = master_data("erp", state, NOW)
    assert (check.verdict.value, check.says) == (verdict, says)
