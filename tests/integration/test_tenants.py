"""Two firms in one database: a name means nothing to the other firm, even when both use it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from adapters.bootstrap import Application
from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, Seat
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.exceptions import NewException
from oppsync.domain.work.intake import Delivery
from oppsync.kernel.errors import NotFound
from tests.harness.builders import TENANT
from tests.integration import desk

OTHER = "another firm"
FIRMS = (TENANT, OTHER)
KEY = "a key that both happen to use"
TRACE = new_traceparent()


@pytest.fixture
def two_firms(application: Application) -> Application:
    desk.connect(application)
    desk.run(application, "insert into tenants (id, name) values (:id, 'Another')", id=OTHER)
    columns = "id, role, vendor, name, settings, signature_scheme, secrets, updated_at"
    copied = f"insert into connections (tenant_id, {columns}) select :id, {columns} from connections"
    desk.run(application, copied, id=OTHER)
    return application


def receive(application: Application, tenant_id: str) -> UUID:
    with application.uow() as uow:
        opportunity_id, is_new = uow.opportunities.receive(
            tenant_id, desk.CRM, OpportunityRef(id="006A"), TRACE
        )
        uow.commit()
    assert is_new
    return opportunity_id


def test_the_same_delivery_and_the_same_record_are_another_firm_s_own(two_firms: Application) -> None:
    first, second = (receive(two_firms, tenant_id) for tenant_id in FIRMS)
    accepted = []
    with two_firms.uow() as uow:
        for tenant_id in (*FIRMS, *FIRMS):
            delivery = Delivery(
                tenant_id=tenant_id,
                connection_id=desk.CRM,
                delivery_id="msg-1",
                headers={},
                body=tenant_id.encode(),
                traceparent=TRACE,
            )
            accepted.append(uow.deliveries.add(delivery))
        for (event_id, _), (of_ours, of_theirs) in zip(accepted, (FIRMS, FIRMS[::-1]), strict=False):
            assert uow.deliveries.get(of_ours, event_id).body == of_ours.encode()
            with pytest.raises(NotFound):
                uow.deliveries.get(of_theirs, event_id)

    assert first != second
    assert [is_new for _, is_new in accepted] == [True, True, False, False]
    assert accepted[2][0] == accepted[0][0]
    assert accepted[3][0] == accepted[1][0]


def test_nobody_sees_or_touches_what_another_firm_has(two_firms: Application) -> None:
    ours = receive(two_firms, TENANT)
    plan = "insert into plans (tenant_id, opportunity_id, hash, number, content, provenance)"
    desk.run(two_firms, f"{plan} values (:tenant, :id, 'hash', 1, '{{}}', '{{}}')", tenant=TENANT, id=ours)
    with two_firms.uow() as uow:
        task = uow.approvals.open(TENANT, ours, "hash", Seat(DEFAULT_APPROVALS[0]), [])
        item_id = uow.exceptions.raise_item(
            NewException(
                tenant_id=TENANT,
                opportunity_id=ours,
                code="BUG",
                message="It broke",
                owner="operations",
                findings=(),
                payload_reference=f"record:{ours}",
            )
        )
        for look in (
            lambda: uow.opportunities.get(OTHER, ours),
            lambda: uow.opportunities.lock(OTHER, ours),
            lambda: uow.approvals.get(OTHER, task.id),
            lambda: uow.exceptions.get(OTHER, item_id),
        ):
            with pytest.raises(NotFound):
                look()
        assert uow.approvals.of(OTHER, ours) == []
        assert uow.approvals.void(OTHER, ours, None) == 0
        assert uow.exceptions.close_open(OTHER, ours, "person:olga", "theirs") == 0


def test_two_firms_write_their_ledgers_under_one_key(two_firms: Application) -> None:
    leases = {}
    for tenant_id in FIRMS:
        opportunity_id = receive(two_firms, tenant_id)
        taken = desk.take(two_firms, opportunity_id, "worker")
        assert taken is not None
        leases[tenant_id] = taken[1]
        effect = Effect(
            key=KEY,
            kind=EffectKind.PARENT,
            path="project",
            opportunity_id=opportunity_id,
            connection_id="erp",
            request={"of": tenant_id},
            quarantine=timedelta(seconds=45),
        )
        with two_firms.uow() as uow:
            assert uow.ledger.get(tenant_id, KEY) is None
            uow.ledger.intend(tenant_id, effect, f"digest of {tenant_id}", taken[1], TRACE)
            uow.commit()
    with two_firms.uow() as uow:
        uow.ledger.confirm(TENANT, KEY, ExternalRecord(outside_id="7"), leases[TENANT])
        uow.commit()

    with two_firms.uow() as uow:
        rows = [uow.ledger.get(tenant_id, KEY) for tenant_id in FIRMS]
    found = [(row.state, row.outside_id, row.request_digest) for row in rows if row]
    assert found == [
        (EffectState.CONFIRMED, "7", f"digest of {TENANT}"),
        (EffectState.INTENDED, None, f"digest of {OTHER}"),
    ]
