"""`oppsync connection`: a firm connects its systems without Python, SQL or a secret on a command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from adapters.bootstrap import Application
from adapters.cli.__main__ import oppsync
from adapters.documents.bundle_files import read_bundle
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import NotFound
from oppsync.kernel.settings import Settings
from oppsync.services.configuration.commands import ApplyConfiguration
from tests.contract.harness.salesforce import CLIENT_SECRET, SalesforceHarness, salesforce
from tests.harness.builders import TENANT
from tests.integration import desk

Run = Callable[..., Result]
SECRETS = f"client_id=oppsync-tests\nclient_secret={CLIENT_SECRET}\n"


@pytest.fixture
def run(settings: Settings, tmp_path: Path, application: Application) -> Run:
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "OPPSYNC_HOME": str(tmp_path),
    }

    def invoke(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(oppsync, ["connection", *arguments], input=typed, env=environment)

    return invoke


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SalesforceHarness]:
    with salesforce(tmp_path_factory.mktemp("org")) as harness:
        yield harness


def add(run: Run, org: SalesforceHarness, *more: str) -> Result:
    address = f"base_url={org.access.settings['base_url']}"
    options = ("--role", "crm", "--vendor", "salesforce", "--name", "Our org", "--set", address)
    return run("add", *options, *more, typed=SECRETS)


def test_what_can_be_connected_is_listed_with_what_each_wants_to_know(run: Run) -> None:
    listed = run("vendors").output

    for words in (
        "crm salesforce",
        "erp tryton",
        "psa kantata",
        "client_secret",
        "Address of the org",
        "needed",
    ):
        assert words in listed


def test_a_connection_is_added_tested_and_shown_and_its_secrets_never(
    run: Run, org: SalesforceHarness, application: Application
) -> None:
    added = canonical_json.loads(
        add(
            run, org, "--set", "billing_terms=yes", "--set", "fields=Opportunity.Region__c=Region__c", "--json"
        ).output
    )

    assert added["webhook"]["url"].endswith(f"/webhooks/{added['id']}")
    assert added["webhook"]["secret"].startswith("whsec_")
    shown = run("show", added["id"]).output
    listed = run("list").output
    assert "Our org" in shown
    assert "Opportunity.Region__c = Region__c" in shown
    assert added["id"] in listed
    for output in (shown, listed, run("show", added["id"], "--json").output):
        assert CLIENT_SECRET not in output
        assert added["webhook"]["secret"] not in output
    with application.uow() as uow:
        assert uow.connections.secrets(added["id"])["webhook_secrets"] == [added["webhook"]["secret"]]
        assert uow.connections.get(added["id"]).settings["billing_terms"] is True


def test_a_second_erp_that_would_stop_new_deals_is_connected_with_confirm(
    run: Run, application: Application
) -> None:
    def add_books(name: str, *more: str) -> Result:
        options = ("--set", "base_url=https://erp.firm.example", "--set", "database=erp", *more)
        return run("add", "--role", "erp", "--vendor", "tryton", "--name", name, *options, typed="rest_key=x\n")

    assert add_books("Books").exit_code == 0
    with application.engine.begin() as connection:
        connection.execute(text("update tenants set went_live_at = now()"))

    refused = add_books("Other books")
    assert refused.exit_code == 1
    assert "every new deal would stop" in refused.output
    assert "Other books" not in run("list").output
    assert add_books("Other books", "--confirm").exit_code == 0
    assert "Other books" in run("list").output


def test_each_fault_names_its_field_and_no_value_and_nothing_is_stored(
    run: Run, org: SalesforceHarness
) -> None:
    refused = run(
        "add", "--role", "crm", "--vendor", "salesforce", "--name", "Our org",
        "--set", "currency=euros", "--set", "timeout=999", typed=SECRETS,
    )  # fmt: skip

    assert refused.exit_code == 1
    for words in ("base_url: This is needed", "currency:", "timeout:"):
        assert words in refused.output
    assert CLIENT_SECRET not in refused.output
    assert "Nothing is connected yet" in run("list").output
    assert "There is no such setting: colour" in add(run, org, "--set", "colour=red").output
    assert "client_secret" in run(
        "add", "--role", "crm", "--vendor", "salesforce", "--name", "x", "--set", "base_url=https://a.example",
        typed="client_id=only\n",
    ).output  # fmt: skip
    assert "use salesforce" in run("add", "--role", "crm", "--vendor", "sugar", "--name", "x").output


def test_whoever_changes_the_address_gives_the_secrets_anew(
    run: Run, org: SalesforceHarness, application: Application
) -> None:
    """Else a stored secret, which nobody may read, could be sent to any address."""
    added = canonical_json.loads(add(run, org, "--json").output)["id"]

    refused = run("edit", added, "--set", "base_url=https://elsewhere.example")
    renamed = run("edit", added, "--name", "The new org", "--set", "timeout=20")
    moved = run(
        "edit", added, "--set", "base_url=https://elsewhere.example", "--unset", "timeout",
        "--secret", "client_id", "--secret", "client_secret", typed="client_id=new\nclient_secret=newer\n",
    )  # fmt: skip

    assert refused.exit_code == 1
    assert "would be sent there" in refused.output
    assert (renamed.exit_code, moved.exit_code) == (0, 0)
    with application.uow() as uow:
        found, secrets = uow.connections.get(added), uow.connections.secrets(added)
    assert (found.name, found.settings) == ("The new org", {"base_url": "https://elsewhere.example"})
    assert (secrets["client_id"], secrets["client_secret"]) == ("new", "newer")
    assert len(secrets["webhook_secrets"]) == 1


def test_a_secret_is_rotated_a_connection_paused_resumed_and_removed(
    run: Run, org: SalesforceHarness, application: Application
) -> None:
    added = canonical_json.loads(add(run, org, "--json").output)
    secret = run("rotate-secret", added["id"]).output.strip()
    with application.uow() as uow:
        assert uow.connections.secrets(added["id"])["webhook_secrets"] == [secret, added["webhook"]["secret"]]
    assert "The webhook secret before is accepted until" in run("show", added["id"]).output
    assert "at most 30 days" in run("rotate-secret", added["id"], "--both-valid-hours", "9999").output

    assert run("pause", added["id"]).exit_code == 0
    assert "Paused since" in run("show", added["id"]).output
    assert run("resume", added["id"]).exit_code == 0
    assert "Paused since" not in run("show", added["id"]).output
    desk.run(
        application,
        """
        insert into inbox (tenant_id, id, connection_id, delivery_id, body, traceparent)
        values ('default', gen_random_uuid(), :id, 'delivery-1', '', '00-1-2-01')
        """,
        id=added["id"],
    )
    assert "delivery-1" in run("show", added["id"]).output
    shown = canonical_json.loads(run("show", added["id"], "--json").output)
    assert [each["signature"] for each in shown["deliveries"]] == ["valid"]

    assert run("remove", added["id"]).exit_code == 0
    assert "There is no such connection" in run("show", added["id"]).output
    with pytest.raises(NotFound):
        application.webhook(added["id"])


def test_what_it_maps_is_printed_as_a_row_and_once_the_configuration_has_it_edited_there_alone(
    run: Run, org: SalesforceHarness, application: Application
) -> None:
    fields = "fields=Opportunity.Special_Terms__c=,Opportunity.Region__c=Area__c"
    given = ("--set", "contract_terms=yes", "--set", fields)
    connection_id = canonical_json.loads(add(run, org, *given, "--json").output)["id"]
    today = application.clock.now().date()

    row = run("show", connection_id, "--row").output
    assert (
        row
        == f"""- connection: Our org
  valid_from: {today}
  vendor: salesforce
  settings:
    contract_terms: true
    fields:
      Opportunity.Region__c: Area__c
      Opportunity.Special_Terms__c: ""
"""
    )
    files = {"oppsync.yaml": b"format: 1\nfirm: Acme\n", "connection_maps.yaml": row.encode()}
    application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, *read_bundle(files)))

    shown = run("show", connection_id).output
    assert "The configuration (connection_maps.yaml, row Our org) says what it maps" in shown
    mapped = canonical_json.loads(run("show", connection_id, "--json").output)
    assert mapped["map"] == {"row": "Our org", "valid_from": str(today)}
    assert mapped["settings"]["fields"]["Opportunity.Special_Terms__c"] is None
    for refused in (("--set", "contract_terms=no"), ("--unset", "contract_terms")):
        said = run("edit", connection_id, *refused)
        assert said.exit_code == 1
        assert "The configuration (connection_maps.yaml, row Our org)" in said.output
    assert run("edit", connection_id, "--set", "poll_page=20").exit_code == 0
    assert run("show", connection_id, "--row").output == row
    assert run("edit", connection_id, "--name", "Another").exit_code == 0
    assert run("show", connection_id, "--row").output == row.replace("Our org", "Another")
