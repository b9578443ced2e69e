"""What a unit of work writes, and when: in few round trips to Postgres, and still all of it or nothing."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from adapters.bootstrap import Application
from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.domain.work.events import EffectRecorded
from oppsync.domain.work.tracked import Lease, TrackedOpportunity
from oppsync.kernel.errors import LeaseLost
from oppsync.ports.storage.opportunities import ON_ACTION
from tests.harness.builders import TENANT
from tests.integration import desk

KEY = "oppsync:default:crm:006A:parent:project"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TOLD = "select summary from audit order by at, id"
Held = tuple[TrackedOpportunity, Lease]


@pytest.fixture
def held(application: Application) -> Held:
    """An opportunity with its lease; an effect of it is intended."""
    desk.connect(application)
    (opportunity_id,) = desk.receive(application, "006A")
    found = desk.take(application, opportunity_id, "worker")
    assert found is not None
    with application.uow() as uow:
        uow.ledger.intend(TENANT, _effect(opportunity_id), "digest", found[1], TRACE)
        uow.commit()
    return found


def _effect(opportunity_id: UUID) -> Effect:
    return Effect(
        key=KEY,
        kind=EffectKind.PARENT,
        path="project",
        opportunity_id=opportunity_id,
        connection_id="erp",
        request={"name": "A"},
        quarantine=timedelta(seconds=45),
    )


def _event(opportunity_id: UUID, summary: str) -> EffectRecorded:
    return EffectRecorded(
        opportunity_id=opportunity_id,
        actor="stage:create_projects",
        after={"state": "confirmed", "outside_id": "7"},
        detail={"key": KEY, "error": 'Größe \N{RIGHTWARDS ARROW} 7 "m"'},
        summary=summary,
    )


def _lose(application: Application, held: Held) -> None:
    desk.run(application, "update opportunities set lease_until = clock_timestamp() - interval '1 second'")
    assert desk.take(application, held[0].id, "successor") is not None


def test_an_answer_and_what_it_tells_are_kept_together(application: Application, held: Held) -> None:
    opportunity, lease = held
    external = ExternalRecord(outside_id="7", number="P-7", url="http://erp/7", response={"id": 7, "name": "Ä"})
    with application.uow() as uow:
        uow.ledger.confirm(TENANT, KEY, external, lease)
        uow.audit.append(TENANT, _event(opportunity.id, "confirmed"), TRACE)
        uow.audit.append(TENANT, _event(opportunity.id, "and seen"), TRACE)
        uow.commit()

    with application.uow.reading() as uow:
        row = uow.ledger.get(TENANT, KEY)
    assert row is not None
    assert (row.state, row.outside_id, row.number, row.url) == (
        EffectState.CONFIRMED,
        "7",
        "P-7",
        "http://erp/7",
    )
    assert desk.run(application, "select response from effects") == [({"id": 7, "name": "Ä"},)]
    assert desk.run(application, TOLD) == [("confirmed",), ("and seen",)]
    (told,) = desk.run(
        application,
        "select tenant_id, opportunity_id, type, actor, after, detail, correlation_id, traceparent from audit"
        " where summary = 'confirmed'",
    )
    event = _event(opportunity.id, "confirmed")
    assert told == (
        TENANT,
        opportunity.id,
        event.type,
        event.actor,
        event.after,
        event.detail,
        TRACE.split("-")[1],
        TRACE,
    )


def test_what_a_refused_write_tells_is_not_told(application: Application, held: Held) -> None:
    opportunity, lease = held
    _lose(application, held)

    with application.uow() as uow:
        uow.ledger.confirm(TENANT, KEY, ExternalRecord(outside_id="7"), lease)
        uow.audit.append(TENANT, _event(opportunity.id, "confirmed"), TRACE)
        with pytest.raises(LeaseLost):
            uow.commit()
    with application.uow() as uow:
        uow.audit.append(TENANT, _event(opportunity.id, "done"), TRACE)
        assert uow.commit_outcome(opportunity, opportunity, ON_ACTION, lease) is None

    assert desk.run(application, "select state from effects") == [("intended",)]
    assert desk.run(application, TOLD) == []


def test_without_a_commit_nothing_is_written(application: Application, held: Held) -> None:
    opportunity, lease = held
    with application.uow() as uow:
        uow.ledger.mark_sent(TENANT, _effect(opportunity.id), "digest", lease, TRACE)
        uow.audit.append(TENANT, _event(opportunity.id, "sent"), TRACE)
    with application.uow() as uow:
        uow.ledger.mark_sent(TENANT, _effect(opportunity.id), "digest", lease, TRACE)
        seen = uow.ledger.get(TENANT, KEY)
        assert seen is not None
        assert seen.state is EffectState.SENT  # a unit of work sees its own writes

    assert desk.run(application, "select state from effects") == [("intended",)]
    assert desk.run(application, TOLD) == []


def test_of_several_writes_all_are_kept_or_none(application: Application, held: Held) -> None:
    opportunity, lease = held
    with application.uow() as uow:
        uow.ledger.mark_sent(TENANT, _effect(opportunity.id), "digest", lease, TRACE)
        uow.ledger.confirm(TENANT, KEY, ExternalRecord(outside_id="7"), lease)
        uow.audit.append(TENANT, _event(opportunity.id, "confirmed"), TRACE)
        uow.commit()
    assert desk.run(application, "select state, attempts from effects") == [("confirmed", 1)]

    # The first is written when the second comes. The opportunity's outcome is refused, and both are rolled
    # back.
    older = changed(opportunity, version=opportunity.version - 1)
    with application.uow() as uow:
        uow.ledger.mark_sent(TENANT, _effect(opportunity.id), "another", lease, TRACE)
        uow.ledger.unknown(TENANT, KEY, "timed out", lease)
        assert uow.commit_outcome(older, older, ON_ACTION, lease) is None

    assert desk.run(application, "select state, attempts from effects") == [("confirmed", 1)]
    assert desk.run(application, TOLD) == [("confirmed",)]
