"""The Salesforce stand-in in a process of its own, and who speaks to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.standins.control import SalesforceControl
from sandbox.standins.process import running
from tests.integration.salesforce_standin.outside import Receiver
from tests.integration.standin_calls import SalesforceClient


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with running("salesforce", tmp_path / "salesforce.sqlite3") as address:
        yield address


@pytest.fixture
def control(url: str) -> SalesforceControl:
    return SalesforceControl(url)


@pytest.fixture
def client(url: str) -> SalesforceClient:
    return SalesforceClient(url)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    web_server = Receiver()
    yield web_server
    web_server.close()
