"""What any test may ask for. Each fixture stands in tests/harness, beside what it hands out.

A module that imports a fixture has one of its own: a second Tryton, say, where one was to be shared.
"""

from __future__ import annotations

import hypothesis

from tests.harness.databases import application, applications, empty, servers, settings, template
from tests.harness.tryton import tryton
from tests.harness.world import running_world, world

__all__ = [
    "application",
    "applications",
    "empty",
    "running_world",
    "servers",
    "settings",
    "template",
    "tryton",
    "world",
]

# A busy machine is no failure.
hypothesis.settings.register_profile("oppsync", deadline=None)
hypothesis.settings.load_profile("oppsync")
