"""Settings for a process of the Procfile: read from the environment, or one sentence on what is missing."""

from __future__ import annotations

import sys

from pydantic import ValidationError

from oppsync.settings import Settings

_NAMES = {
    "database_url": "DATABASE_URL",
    "redis_url": "REDIS_URL",
    "secret_keys": "OPPSYNC_SECRET_KEYS",
}


def read_settings() -> Settings:
    """Exits with one sentence when something needed is not set; never prints a value."""
    try:
        return Settings()
    except ValidationError as error:
        names = {str(fault["loc"][0]) for fault in error.errors(include_input=False)}
        shown = ", ".join(sorted(_NAMES.get(name, name) for name in names))
        sys.exit(
            f"Not set, or not right: {shown}. Set it in the environment; `make up` starts servers of its own."
        )
