"""The fixtures for all tests. Each is defined in tests/harness, beside what it returns.

A module that imports a fixture itself gets an instance of its own: a second Tryton, say, where one was to be
shared.
"""

from __future__ import annotations

import hypothesis

from tests.harness.databases import application, applications, copies, empty, servers, settings, template
from tests.harness.tryton import tryton
from tests.harness.world import running_world, world

__all__ = [
    "application",
    "applications",
    "copies",
    "empty",
    "running_world",
    "servers",
    "settings",
    "template",
    "tryton",
    "world",
]

# A busy machine must not fail a test.
hypothesis.settings.register_profile("oppsync", deadline=None)
hypothesis.settings.load_profile("oppsync")
