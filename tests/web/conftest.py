"""The real web application over the real Postgres, with people and without workers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from adapters.bootstrap import Application
from tests.web.browser import Browser
from tests.web.office import Office
from web.app import create_app


@pytest.fixture
def office(application: Application) -> Office:
    office = Office(application)
    office.open()
    return office


@pytest.fixture
def app(office: Office) -> Flask:
    return create_app(office.application)


@pytest.fixture
def browser(app: Flask) -> Callable[[str], Browser]:
    """A browser signed in as one of the office's people."""

    def signed_in(name: str) -> Browser:
        browser = Browser(app)
        assert browser.sign_in(name).status == 303
        return browser

    return signed_in
