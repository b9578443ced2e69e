"""A deal is previewed before any delivery about it: it gets that plan later, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from adapters.cli.__main__ import oppsync
from adapters.postgres.tables import metadata
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.reading.preview import PlanPreview
from oppsync.domain.reading.readings import OpportunityDetail
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed, require
from oppsync.domain.values.roles import ApprovalRole
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import NotFound, RecordGone
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import CreateToken
from oppsync.services.changes.commands import OverridePlan
from oppsync.services.insight.commands import PreviewPlan
from sandbox.contracts.deals import fixed_line, opportunity
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.house import FINANCE, WON_ON, House
from tests.harness.tryton import Books
from tests.service.test_approval_rules import set_rule
from web.app import create_app


def preview(house: House, of: Opportunity | UUID | str) -> PlanPreview:
    return house.application.dispatch(PreviewPlan(TENANT, COMMAND_LINE, of))


def everything(house: House, books: Books) -> Mapping[str, object]:
    """The rows of all our tables, and the content of the outside systems. What the ERP was asked is remembered,
    whoever asks."""
    with house.application.engine.connect() as connection:
        rows = {
            name: connection.scalar(select(func.count()).select_from(table))
            for name, table in metadata.tables.items()
            if name != "mirrored_rows"
        }
    models = ("project.work", "account.invoice", "party.party")
    return {
        **rows,
        **{model: sorted(found["id"] for found in books.find(model, [], "id")) for model in models},
        "workspaces": house.kantata.workspaces(),
        "opportunities in the CRM": house.salesforce.records("Opportunity"),
    }


@pytest.mark.parametrize("won", [True, False])
def test_a_preview_tells_the_plan_that_comes_and_writes_nothing(house: House, books: Books, won: bool) -> None:
    record_id = str(house.salesforce.win_deal(deals.three_workstreams(WON_ON))["id"])
    if not won:
        house.salesforce.edit(record_id, {"opportunity": {"StageName": "Proposal/Price Quote"}})
    before = everything(house, books)

    shown = preview(house, record_id)

    assert everything(house, books) == before
    assert (shown.is_won, shown.findings) == (won, ())
    assert {needed.role for needed in shown.approvals if needed.candidates} == set(ApprovalRole)
    house.win_again(record_id)
    house.settle()
    assert house.plan(record_id).hash == shown.hash


def test_a_document_is_previewed_and_nothing_is_written(house: House, books: Books) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    deal = house.opportunity(record_id).record
    assert deal is not None
    before = everything(house, books)

    shown = preview(house, deal)
    broken = preview(house, changed(deal, lines=(), account=None))

    assert everything(house, books) == before
    assert shown.hash == house.plan(record_id).hash
    assert [found.code for found in broken.findings] == ["ACCOUNT_MISSING", "NO_LINES"]


def test_a_stored_deal_is_read_anew(house: House, books: Books) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    opportunity = house.opportunity(record_id)
    house.salesforce.edit(record_id, {"opportunity": {"Name": "Data platform, phase one"}})
    before = everything(house, books)

    shown = preview(house, opportunity.id)

    assert everything(house, books) == before
    assert shown.name == "Data platform, phase one"
    assert shown.hash != opportunity.plan_hash
    assert house.opportunity(record_id) == opportunity


def test_what_people_overrode_is_in_the_preview_of_a_known_deal(
    house: House, books: Books, settings: Settings
) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    before = house.opportunity(record_id)
    assert before.record is not None
    ends_on = require(before.record.ends_on, "the end")
    override(house, before, "ends_on", (ends_on + timedelta(days=1)).isoformat())
    house.settle()
    opportunity = house.opportunity(record_id)
    assert opportunity.plan_hash != before.plan_hash
    counted = everything(house, books)

    for of in (opportunity.id, record_id):
        shown = preview(house, of)
        assert shown.hash == opportunity.plan_hash
        # Finance may not approve its own override, and there is no second approver.
        by_role = {needed.role: needed.candidates for needed in shown.approvals}
        assert (by_role[ApprovalRole.FINANCE], len(by_role[ApprovalRole.DELIVERY])) == ((), 1)
    assert preview(house, before.record).hash == before.plan_hash  # a document is what it says
    assert everything(house, books) == counted

    in_words = run(settings, str(opportunity.id)).stdout
    assert "changed by people" in in_words
    assert "As the customer asked" in in_words
    token = house.application.dispatch(CreateToken(TENANT, COMMAND_LINE, "preview", FINANCE))
    headers = {"Authorization": f"Bearer {token}"}
    client = create_app(house.application).test_client()
    answer = client.get(f"/api/v1/opportunities/{opportunity.id}/preview", headers=headers)
    assert answer.json is not None
    assert answer.json["hash"] == opportunity.plan_hash
    (use,) = answer.json["plan"]["provenance"]["overrides"]
    assert (use["author"], use["before"]) == (FINANCE, ends_on.isoformat())


def test_a_preview_promises_no_rule_where_people_decided_before(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    opportunity = house.opportunity(record_id)
    set_rule(house)
    assert opportunity.record is not None
    assert by_rule(preview(house, opportunity.record)) == {"small"}
    assert by_rule(preview(house, record_id)) == {"small"}

    house.decide(house.tasks(record_id)[ApprovalRole.FINANCE], FINANCE)

    assert by_rule(preview(house, opportunity.id)) == by_rule(preview(house, record_id)) == {None}


def by_rule(shown: PlanPreview) -> set[str | None]:
    return {needed.rule.name if needed.rule else None for needed in shown.approvals}


def override(house: House, opportunity: OpportunityDetail, field: str, value: str) -> None:
    """An override of the first line by finance."""
    with house.application.uow() as uow:
        found = uow.people.by_email(TENANT, FINANCE)
    assert found is not None
    assert opportunity.record is not None
    house.application.dispatch(
        OverridePlan(
            tenant_id=TENANT,
            opportunity_id=opportunity.id,
            actor=found[0].id,
            workstream=opportunity.record.lines[0].id,
            field=OverrideField(field),
            value=value,
            reason="As the customer asked",
        )
    )


def run(settings: Settings, *arguments: str, typed: str = "") -> Result:
    """`plan preview` with the environment of a platform."""
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
    }
    return CliRunner().invoke(oppsync, ["plan", "preview", *arguments], input=typed, env=environment)


def test_what_does_not_exist_cannot_be_previewed(house: House) -> None:
    with pytest.raises(RecordGone):
        preview(house, "006000000000000AAA")
    with pytest.raises(NotFound):
        preview(house, UUID(int=7))


def test_the_command_line_previews_a_file_an_id_and_a_record(
    house: House, settings: Settings, tmp_path: Path
) -> None:
    record_id = house.to_approval(deals.three_workstreams(WON_ON))
    opportunity = house.opportunity(record_id)
    assert opportunity.record is not None
    file = tmp_path / "deal.json"
    file.write_text(opportunity.record.model_dump_json(indent=2))
    for of in (str(file), str(opportunity.id), record_id):
        shown = canonical_json.loads(run(settings, of, "--json").stdout)
        assert (shown["hash"], shown["findings"], shown["is_blocked"]) == (opportunity.plan_hash, [], False)
    in_words = run(
        settings, "-", typed=file.read_text().replace("NET30", "NET31").replace("CUST-1004", "CUST-9999")
    )
    assert in_words.exit_code == 0, in_words.output
    assert "stopped by" in in_words.stdout
    assert "ACCOUNT_UNKNOWN" in in_words.stdout
    assert "EUR 213,400.00" in in_words.stdout
    assert "Fiona Finance <fiona.finance@example.com>" in in_words.stdout
    wrong = run(settings, "-", typed='{"name": 5}')
    assert wrong.exit_code == 1
    assert "line 1: /name: Input should be a valid string" in wrong.stderr
    assert "cannot be read" in run(settings, str(tmp_path / "nowhere.yaml")).stderr


def test_a_document_with_the_noise_of_floats_is_what_was_meant(house: House, settings: Settings) -> None:
    line = fixed_line(unit_price=1_200, discount_percent=28, net=864).model_dump(mode="json")
    deal = opportunity(amount=864).model_dump(mode="json") | {"lines": [line]}
    typed = json.dumps(deal).replace('"discount_percent": "28"', '"discount_percent": 28.000000000000004')
    assert "28.000000000000004" in typed

    shown = canonical_json.loads(run(settings, "-", "--json", typed=typed).stdout)

    assert not shown["is_blocked"]
    assert {found["code"] for found in shown["findings"]} <= {"MARGIN_BELOW_FLOOR"}  # hours cost what they cost
    assert shown["plan"]["content"]["total"] == {"amount": "864.00", "currency": "EUR"}


def test_dinars_have_two_decimals_and_are_refused_as_a_currency_alone(house: House, settings: Settings) -> None:
    line = fixed_line(unit_price="100000.50", net="100000.50")
    deal = opportunity(line, amount="100000.50", currency="RSD")

    shown = canonical_json.loads(run(settings, "-", "--json", typed=deal.model_dump_json()).stdout)

    blocks = [found["code"] for found in shown["findings"] if found["severity"] == "blocks"]
    assert blocks == ["CURRENCY_NOT_ALLOWED", "ERP_SETUP_MISSING"]  # the ERP has no such currency either
    assert shown["plan"]["content"]["total"] == {"amount": "100000.50", "currency": "RSD"}


def test_the_api_previews_a_document_an_opportunity_and_a_record(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))
    opportunity = house.opportunity(record_id)
    assert opportunity.record is not None
    token = house.application.dispatch(CreateToken(TENANT, COMMAND_LINE, "preview", FINANCE))
    client, headers = create_app(house.application).test_client(), {"Authorization": f"Bearer {token}"}
    document = opportunity.record.model_dump(mode="json")

    answers = [
        client.post("/api/v1/plans/preview", json=document, headers=headers),
        client.get(f"/api/v1/plans/preview?record={record_id}", headers=headers),
        client.get(f"/api/v1/opportunities/{opportunity.id}/preview", headers=headers),
    ]

    for answer in answers:
        assert answer.status_code == HTTPStatus.OK, answer.text
        assert answer.json is not None
        assert answer.json["hash"] == opportunity.plan_hash
        assert canonical_json.digest(answer.json["plan"]["content"]) == opportunity.plan_hash
    gone = client.get("/api/v1/plans/preview?record=006000000000000AAA", headers=headers)
    assert (gone.status_code, gone.json and gone.json["code"]) == (HTTPStatus.NOT_FOUND, "CRM_RECORD_GONE")
    house.connect(CRM_CONNECTION, base_url="http://127.0.0.1:9")
    away = client.get(f"/api/v1/opportunities/{opportunity.id}/preview", headers=headers)
    assert (away.status_code, away.headers["Retry-After"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "5")
    assert away.json is not None
    assert away.json["code"] == "VENDOR_UNAVAILABLE"
