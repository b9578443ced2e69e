"""A connection that is set up wrong loses none of the CRM's deliveries."""

from __future__ import annotations

import pytest

from adapters.notify.files import FileNotifier
from oppsync.domain.plan.orders import Message
from oppsync.domain.work.states import State
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION, ERP_CONNECTION, DemoSystems
from tests.harness.builders import TENANT
from tests.harness.gate import gate_before
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


def test_a_connection_that_is_changed_before_the_approval_counts_for_the_run_that_goes_on(
    house: House, systems: DemoSystems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last approval comes while the deal's worker still sends notifications."""
    record_id = house.win(deals.milestone(WON_ON))
    send = FileNotifier.send
    with gate_before(systems.tryton_url) as (gate, url):

        def somebody_acts_meanwhile(notifier: FileNotifier, message: Message) -> None:
            send(notifier, message)
            monkeypatch.setattr(FileNotifier, "send", send)
            house.connect(ERP_CONNECTION, base_url=url)
            house.approve(record_id)

        monkeypatch.setattr(FileNotifier, "send", somebody_acts_meanwhile)
        house.settle()

        assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)
        assert gate.writes > 0
