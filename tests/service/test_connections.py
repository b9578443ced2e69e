"""A connection that is set up wrong loses none of the CRM's deliveries."""

from __future__ import annotations

from oppsync.domain.work.states import State
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House


def test_a_delivery_for_a_misconfigured_connection_waits_until_it_is_mended(house: House) -> None:
    with house.application.uow() as uow:
        connection = uow.connections.get(CRM_CONNECTION)
        secrets = dict(uow.connections.secrets(CRM_CONNECTION))
        uow.connections.put(connection, {name: secrets[name] for name in secrets if name != "client_secret"})
        uow.commit()

    record_id = house.win(deals.fixed_fee(WON_ON))

    (item,) = house.application.queries.exceptions(TENANT).rows
    assert item.code == "CONNECTION_MISCONFIGURED"
    assert "client_secret" in item.message
    with house.application.uow() as uow:
        uow.connections.put(connection, secrets)
        uow.commit()
    house.replay(item)
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL
