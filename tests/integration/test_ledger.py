"""The ledger of effects: what is recorded before and after each write outside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from adapters.bootstrap import Application
from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord, LedgerRow
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.domain.work.tracked import Lease
from oppsync.ports.storage.ledger import Ledger
from tests.harness.builders import TENANT
from tests.integration import desk

KEY = "oppsync:default:crm:006A:parent:project"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
QUARANTINE = timedelta(seconds=45)


@pytest.fixture
def opportunity_id(application: Application) -> UUID:
    desk.connect(application)
    (opportunity_id,) = desk.receive(application, "006A")
    return opportunity_id


@pytest.fixture
def lease(application: Application, opportunity_id: UUID) -> Lease:
    found = desk.take(application, opportunity_id, "worker")
    assert found is not None
    return found[1]


@pytest.fixture
def ledger(application: Application) -> Iterator[Ledger]:
    with application.uow() as uow:
        yield uow.ledger


@pytest.fixture
def effect(opportunity_id: UUID) -> Effect:
    return Effect(
        key=KEY,
        kind=EffectKind.PARENT,
        path="project",
        opportunity_id=opportunity_id,
        connection_id="erp",
        request={"name": "A"},
        quarantine=QUARANTINE,
    )


def row(ledger: Ledger) -> LedgerRow:
    found = ledger.get(TENANT, KEY)
    assert found is not None
    return found


def test_nothing_is_known_of_what_was_never_intended(ledger: Ledger) -> None:
    assert ledger.get(TENANT, KEY) is None
    assert ledger.waits_until(TENANT, KEY, QUARANTINE) is None


def test_an_effect_is_intended_sent_and_confirmed(ledger: Ledger, effect: Effect, lease: Lease) -> None:
    ledger.intend(TENANT, effect, "digest", lease, TRACE)
    intended = row(ledger)
    assert (intended.state, intended.attempts, intended.sent_at) == (EffectState.INTENDED, 0, None)

    ledger.mark_sent(TENANT, effect, "digest", lease, TRACE)
    sent = row(ledger)
    assert (sent.state, sent.attempts) == (EffectState.SENT, 1)
    assert sent.sent_at is not None

    external = ExternalRecord(outside_id="7", number="P-7", url="http://erp/7", response={"id": 7})
    ledger.confirm(TENANT, KEY, external, lease)
    done = row(ledger)
    assert (done.state, done.outside_id, done.number, done.url) == (
        EffectState.CONFIRMED,
        "7",
        "P-7",
        "http://erp/7",
    )
    assert done.confirmed_at is not None
    assert done.may_exist


def test_a_quarantine_is_counted_from_the_sending(ledger: Ledger, effect: Effect, lease: Lease) -> None:
    ledger.mark_sent(TENANT, effect, "digest", lease, TRACE)
    ledger.unknown(TENANT, KEY, "timed out", lease)

    sent_at = row(ledger).sent_at
    assert sent_at is not None
    assert ledger.waits_until(TENANT, KEY, QUARANTINE) == sent_at + QUARANTINE
    assert ledger.waits_until(TENANT, KEY, timedelta(0)) is None


def test_what_is_sent_again_counts_and_forgets_its_error(ledger: Ledger, effect: Effect, lease: Lease) -> None:
    ledger.mark_sent(TENANT, effect, "digest", lease, TRACE)
    ledger.unknown(TENANT, KEY, "timed out", lease)
    first = row(ledger)

    ledger.mark_sent(TENANT, changed(effect, request={"name": "B"}), "other", lease, TRACE)

    again = row(ledger)
    assert (again.state, again.attempts, again.error) == (EffectState.SENT, 2, None)
    assert again.request_digest == "other"
    assert first.sent_at is not None
    assert again.sent_at is not None
    assert again.sent_at > first.sent_at


@pytest.mark.parametrize("state", [EffectState.INTENDED, EffectState.REJECTED, EffectState.CONFIRMED])
def test_a_settled_effect_is_intended_again_with_its_new_request(
    ledger: Ledger, effect: Effect, lease: Lease, state: EffectState
) -> None:
    ledger.mark_sent(TENANT, effect, "digest", lease, TRACE)
    match state:
        case EffectState.INTENDED:
            ledger.unsent(TENANT, KEY, "too many requests", lease)
        case EffectState.REJECTED:
            ledger.reject(TENANT, KEY, "blocked", lease)
        case _:
            ledger.confirm(TENANT, KEY, ExternalRecord(outside_id="7"), lease)
    assert row(ledger).state is state

    ledger.intend(TENANT, changed(effect, request={"name": "B"}), "other", lease, TRACE)

    again = row(ledger)
    attempts = 0 if state is EffectState.INTENDED else 1  # what was not sent counts as no attempt
    assert (again.state, again.request_digest, again.attempts) == (EffectState.INTENDED, "other", attempts)


@pytest.mark.parametrize("kind", [EffectKind.NOTIFICATION, EffectKind.CRM_WRITE_BACK])
def test_telling_somebody_makes_nothing_exist(
    ledger: Ledger, effect: Effect, lease: Lease, kind: EffectKind
) -> None:
    ledger.mark_sent(TENANT, changed(effect, kind=kind), "digest", lease, TRACE)
    ledger.confirm(TENANT, KEY, ExternalRecord(outside_id="someone"), lease)

    assert not row(ledger).may_exist


def test_effects_are_listed_in_the_order_they_were_intended(
    application: Application, effect: Effect, lease: Lease
) -> None:
    for path in ("z", "a", "m"):
        each = changed(effect, key=f"{KEY}/{path}", path=path)
        with application.uow() as uow:
            uow.ledger.intend(TENANT, each, "digest", lease, TRACE)
            uow.commit()

    with application.uow() as uow:
        assert [row.path for row in uow.ledger.of(TENANT, effect.opportunity_id)] == ["z", "a", "m"]
        assert uow.ledger.of("another tenant", effect.opportunity_id) == []
