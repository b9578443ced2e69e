"""Read the settings of a process of the Procfile from the environment, or end with one sentence on what is
missing."""

from __future__ import annotations

import sys

from pydantic import ValidationError

from oppsync.kernel.settings import Settings

_NAMES = {
    "database_url": "DATABASE_URL",
    "redis_url": "REDIS_URL",
    "REDIS_TLS_URL": "REDIS_URL",
    "secret_keys": "OPPSYNC_SECRET_KEYS",
}
NEW_KEY = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def read_settings() -> Settings:
    """Exits with one sentence when something required is not set; never prints a value."""
    try:
        return Settings()
    except ValidationError as error:
        sys.exit(_what_to_do(error))


def _what_to_do(error: ValidationError) -> str:
    names = {_name(str(fault["loc"][0])) for fault in error.errors(include_input=False)}
    key = f" (a new key: {NEW_KEY})" if "OPPSYNC_SECRET_KEYS" in names else ""
    return (
        f"Missing or invalid: {', '.join(sorted(names))}. Set it in the environment{key}; "
        "`make up` starts servers of its own."
    )


def _name(field: str) -> str:
    return _NAMES.get(field, field if field.isupper() else f"OPPSYNC_{field.upper()}")
