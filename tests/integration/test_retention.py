"""Retention on a real Postgres: old bodies go in small batches, digests and audit stay; and its migration."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from adapters.bootstrap import Application
from adapters.postgres import schema
from adapters.postgres.retention import prune
from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.configuration.versions import ConfigurationUse, ProposalStatus
from oppsync.domain.effects.effects import Effect, ExternalRecord
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.exceptions import NewException
from oppsync.domain.work.intake import Delivery
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import Conflict
from oppsync.ports.storage.configuration import NewProposal
from oppsync.services.configuration.commands import ApplyConfiguration, BacktestConfiguration
from oppsync.services.intake.commands import AcceptDelivery
from oppsync.services.queue.commands import DismissException, ReplayException
from tests.harness.builders import TENANT
from tests.web.office import CONNECTION, Office
from tests.web.test_configuration_pages import FIRM, ROWS
from tests.web.test_recomputed import keep

BODY = b"no notification at all"
FIRST_TABLES = "20261123a"


@pytest.fixture
def office(application: Application) -> Office:
    made = Office(application)
    made.open()
    return made


def rows(application: Application, query: str, **values: Any) -> list[dict[str, Any]]:
    with application.engine.begin() as connection:
        found = connection.execute(text(query), values)
        return [dict(row) for row in found.mappings()] if found.returns_rows else []


def deliver(application: Application, body: bytes = BODY) -> UUID:
    delivery = Delivery(
        tenant_id=TENANT,
        connection_id=CONNECTION,
        delivery_id=str(uuid4()),
        headers={},
        body=body,
        traceparent=new_traceparent(),
    )
    return application.dispatch(AcceptDelivery(delivery)).event_id


def age(application: Application, days: int) -> None:
    rows(application, "update inbox set received_at = received_at - make_interval(days => :days)", days=days)
    rows(
        application, "update effects set confirmed_at = confirmed_at - make_interval(days => :days)", days=days
    )


def prune_all(application: Application, **days: Any) -> int:
    return prune(application.engine, changed(application.settings, **days))


def dismiss_all(application: Application) -> None:
    for item in application.queries.exceptions(TENANT, limit=100).rows:
        application.dispatch(DismissException(TENANT, item.id, COMMAND_LINE, "Seen"))


def test_a_body_is_pruned_when_it_is_old_and_its_digest_stays(office: Office) -> None:
    application = office.application
    event_id = deliver(application)
    dismiss_all(application)
    age(application, 89)
    assert prune_all(application) == 0

    age(application, 2)
    assert prune_all(application) == 1
    assert prune_all(application) == 0

    with application.uow() as uow:
        stored = uow.deliveries.get(TENANT, event_id)
    assert (stored.body, stored.body_sha256) == (b"", hashlib.sha256(BODY).hexdigest())
    assert stored.pruned_at is not None


def test_the_age_is_a_setting(office: Office) -> None:
    deliver(office.application)
    dismiss_all(office.application)
    age(office.application, 8)

    assert prune_all(office.application, retention_inbox_days=9) == 0
    assert prune_all(office.application, retention_inbox_days=7) == 1


def test_a_row_of_the_release_before_gets_its_digest_when_it_is_pruned(office: Office) -> None:
    event_id = deliver(office.application)
    dismiss_all(office.application)
    rows(office.application, "update inbox set body_sha256 = null")
    age(office.application, 91)

    assert prune_all(office.application) == 1

    (row,) = rows(office.application, "select body_sha256 from inbox where id = :id", id=event_id)
    assert row["body_sha256"] == hashlib.sha256(BODY).hexdigest()


def test_a_delivery_that_waits_for_a_person_keeps_its_body(office: Office) -> None:
    deliver(office.application)  # unreadable: an exception is open
    age(office.application, 400)
    assert prune_all(office.application) == 0

    dismiss_all(office.application)
    assert prune_all(office.application) == 1


def test_replaying_a_pruned_delivery_says_so(office: Office) -> None:
    application = office.application
    event_id = deliver(application)
    dismiss_all(application)
    age(application, 91)
    prune_all(application)
    with application.uow() as uow:
        item_id = uow.exceptions.raise_item(
            NewException(
                tenant_id=TENANT,
                delivery_id=event_id,
                code="UNREADABLE_DELIVERY",
                message="Opened again by hand",
                owner="integration",
                payload_reference=f"delivery:{event_id}",
            )
        )
        uow.commit()

    with pytest.raises(Conflict, match="was pruned on") as refused:
        application.dispatch(ReplayException(TENANT, item_id, COMMAND_LINE))
    assert refused.value.code == "BODY_PRUNED"


def test_old_bodies_go_in_batches(office: Office) -> None:
    for _ in range(5):
        deliver(office.application)
    dismiss_all(office.application)
    age(office.application, 91)

    engine, settings = office.application.engine, office.application.settings

    assert [prune(engine, settings, batch=2) for _ in range(4)] == [2, 2, 1, 0]


def write_effects(office: Office) -> UUID:
    """One confirmed, one with an unknown outcome."""
    opportunity_id = office.deal()
    with office.uow() as uow:
        taken = uow.opportunities.take_lease(opportunity_id, "test")
        assert taken is not None
        before, lease = taken
        for name in ("confirmed", "unknown"):
            effect = Effect(
                key=name,
                kind=EffectKind.PARENT,
                path="project",
                opportunity_id=opportunity_id,
                connection_id=CONNECTION,
                request={"name": "what was sent"},
                quarantine=timedelta(0),
            )
            digest = canonical_json.digest(effect.request)
            uow.ledger.mark_sent(TENANT, effect, digest, lease, before.traceparent)
        external = ExternalRecord(outside_id="7", number="PRJ-7", response={"id": 7})
        uow.ledger.confirm(TENANT, "confirmed", external, lease)
        uow.ledger.unknown(TENANT, "unknown", "no answer", lease)
        uow.commit()
    return opportunity_id


def test_of_a_confirmed_effect_the_bodies_go_and_digests_and_numbers_stay(office: Office) -> None:
    opportunity_id = write_effects(office)
    before = office.application.queries.effects(TENANT, opportunity_id)
    kept = rows(office.application, "select key, request_digest, response_digest from effects order by key")
    age(office.application, 91)

    assert prune_all(office.application) == 1

    bodies = {
        row["key"]: (row["request"], row["response"])
        for row in rows(office.application, "select key, request, response from effects")
    }
    assert bodies == {"confirmed": ({}, None), "unknown": ({"name": "what was sent"}, None)}
    after = office.application.queries.effects(TENANT, opportunity_id)
    assert [(row.outside_id, row.number) for row in after] == [(row.outside_id, row.number) for row in before]
    digests = rows(office.application, "select key, request_digest, response_digest from effects order by key")
    assert digests == kept


def test_what_a_plan_was_made_from_goes_once_it_is_no_deal_s_plan_any_more(office: Office) -> None:
    application = office.application
    waiting = office.waiting()
    keep(office, waiting, configuration=ConfigurationUse(fingerprint="f00", number=1))
    rows(application, "update plan_inputs set kept_at = kept_at - make_interval(days => 4000)")
    assert prune_all(application) == 0

    rows(application, "update opportunities set plan_hash = 'another'")
    assert prune_all(application, retention_inputs_days=4_001) == 0
    assert prune_all(application, retention_inputs_days=3_999) == 1
    keep(office, waiting, configuration=ConfigurationUse(fingerprint="f00", number=1))
    rows(application, "update plan_inputs set kept_at = kept_at - make_interval(days => 364)")
    assert prune_all(application) == 0
    rows(application, "update plan_inputs set kept_at = kept_at - make_interval(days => 2)")
    assert prune_all(application) == 1


def test_what_a_withdrawn_deal_was_planned_from_goes(office: Office) -> None:
    keep(office, office.waiting(), configuration=ConfigurationUse(fingerprint="f00", number=1))
    rows(office.application, "update plan_inputs set kept_at = kept_at - make_interval(days => 366)")
    rows(office.application, "update opportunities set state = 'active'")
    assert prune_all(office.application) == 0

    rows(office.application, "update opportunities set state = 'withdrawn'")
    assert prune_all(office.application) == 1


def test_a_report_on_past_deals_stays_with_a_version_and_with_an_open_proposal(office: Office) -> None:
    application = office.application
    for row in ROWS[0], ROWS[1], ROWS[2]:
        application.dispatch(BacktestConfiguration(TENANT, COMMAND_LINE, [row], 1))
    rows(application, "update backtests set made_at = made_at - make_interval(days => 91)")
    application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, [ROWS[0]]))
    with application.uow() as uow:
        proposal = NewProposal("f00", fingerprint([ROWS[1]]), FIRM, [ROWS[1]], office.ids["kim"], "", None)
        proposal_id = uow.configurations.propose(TENANT, proposal)
        uow.commit()

    assert prune_all(application, retention_backtests_days=92) == 0
    assert prune_all(application) == 1
    left = {row["fingerprint"] for row in rows(application, "select fingerprint from backtests")}
    assert left == {fingerprint([ROWS[0]]), fingerprint([ROWS[1]])}
    with application.uow() as uow:
        uow.configurations.decide(TENANT, proposal_id, ProposalStatus.REJECTED, office.ids["ana"], "no")
        uow.commit()
    assert prune_all(application) == 1


def test_the_audit_trail_is_never_pruned(office: Office) -> None:
    deliver(office.application)
    dismiss_all(office.application)
    before = rows(office.application, "select count(*), md5(string_agg(a::text, '' order by id)) from audit a")
    age(office.application, 4_000)

    prune_all(office.application)

    assert (
        rows(office.application, "select count(*), md5(string_agg(a::text, '' order by id)) from audit a")
        == before
    )


def test_every_migration_goes_up_and_down_and_keeps_what_is_stored(empty: Engine) -> None:
    schema.upgrade(empty, FIRST_TABLES)
    with empty.begin() as connection:
        connection.execute(
            text("insert into connections (tenant_id, id, role, vendor, name, secrets) values "
                 "('default', 'crm', 'crm', 'salesforce', 'CRM', '')")
        )  # fmt: skip
        connection.execute(
            text("insert into inbox (tenant_id, id, connection_id, delivery_id, body, traceparent) values "
                 "('default', gen_random_uuid(), 'crm', 'msg-1', 'body', '')")
        )  # fmt: skip
    schema.upgrade(empty)
    assert (schema.current(empty), schema.differences(empty)) == (schema.head(), [])

    schema.downgrade(empty, FIRST_TABLES)
    with empty.connect() as connection:
        assert connection.execute(text("select delivery_id from inbox")).scalars().all() == ["msg-1"]
    schema.downgrade(empty, "base")
    schema.upgrade(empty)
    assert schema.differences(empty) == []
