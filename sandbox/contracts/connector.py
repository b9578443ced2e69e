"""What every connector must do, whatever its role: the base of each role's suite.

A suite is a class of tests. Inherit it and give it two fixtures: `connector`, and `place`, which starts the
vendor (a sandbox account, a stand-in) and has its address and credentials.
"""

from __future__ import annotations

import socket

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.connectors.signatures.registry import SIGNATURE_SCHEMES
from adapters.runtime.plugins import load
from oppsync.kernel.errors import Misconfigured, VendorUnavailable
from sandbox.contracts.harness import ADDRESS, Access, FixedClock, Harness


class ConnectorContract:
    @pytest.fixture(scope="class")
    @classmethod
    def connector(cls) -> AnyConnector:
        raise NotImplementedError("give the suite the connector that it is to run for")

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls) -> Harness:
        raise NotImplementedError("give the suite the vendor's harness")

    @pytest.fixture
    def access(self, place: Harness) -> Access:
        return place.access

    def test_the_adapter_can_do_what_its_connector_says(self, connector: AnyConnector, access: Access) -> None:
        adapter = connector.connect(access.settings, access.secrets, FixedClock())

        assert adapter.capabilities == connector.capabilities_of(access.settings)

    def test_the_signature_scheme_of_its_webhooks_is_known_here(self, connector: AnyConnector) -> None:
        if connector.signature_scheme is not None:
            assert callable(load(SIGNATURE_SCHEMES, connector.signature_scheme))

    def test_it_goes_by_its_address_and_has_a_name_for_people(
        self, connector: AnyConnector, access: Access
    ) -> None:
        assert ADDRESS in connector.settings.model_fields
        with pytest.raises(Misconfigured, match=connector.title):
            connector.connect({}, access.secrets, FixedClock())

    def test_its_maps_are_settings_of_its_and_no_address(self, connector: AnyConnector) -> None:
        assert set(connector.maps) <= connector.settings.model_fields.keys() - {ADDRESS}

    def test_it_gives_a_sign_of_life_to_whom_it_knows(self, connector: AnyConnector, access: Access) -> None:
        connector.connect(access.settings, access.secrets, FixedClock()).ping()

        wrong = {name: f"wrong-{value}" for name, value in access.secrets.items()}
        with pytest.raises(Misconfigured) as refused:
            connector.connect(access.settings, wrong, FixedClock()).ping()
        assert not any(value in refused.value.message for value in wrong.values())

        with socket.create_server(("127.0.0.1", 0)) as listener:
            nowhere = access.at(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(VendorUnavailable):
            connector.connect(nowhere.settings, nowhere.secrets, FixedClock()).ping()

    def test_it_says_what_may_be_done_there_and_changes_nothing(
        self, connector: AnyConnector, access: Access
    ) -> None:
        seen = connector.connect(access.settings, access.secrets, FixedClock()).inspect()

        assert seen
        assert [each.what for each in seen if each.is_fault] == []
        wrong = {name: f"wrong-{value}" for name, value in access.secrets.items()}
        with pytest.raises(Misconfigured):
            connector.connect(access.settings, wrong, FixedClock()).inspect()

    def test_a_setting_that_does_not_exist_is_told_by_name_but_not_by_value(
        self, connector: AnyConnector, access: Access
    ) -> None:
        with pytest.raises(Misconfigured, match="no_such_setting") as refused:
            connector.connect(access.settings | {"no_such_setting": "v4lue"}, access.secrets, FixedClock())
        assert "v4lue" not in refused.value.message
