"""Registries name their entries by dotted path (`package.module:name`); each is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from oppsync.kernel.errors import Misconfigured


def load(registry: Mapping[str, str], key: str) -> Any:
    """Import the entry named `key`. Raises Misconfigured when the registry has none of that name."""
    if key not in registry:
        raise Misconfigured(f"{key!r} is not known here: use one of {', '.join(sorted(registry))}")
    module, _, name = registry[key].partition(":")
    return getattr(import_module(module), name)
