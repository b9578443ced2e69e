"""Registries name what they hold by dotted path (`package.module:name`); it is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from oppsync.kernel.errors import Misconfigured


def load(registry: Mapping[str, str], key: str) -> Any:
    """What the row named `key` points at. Raises Misconfigured when there is no such row."""
    if key not in registry:
        raise Misconfigured(f"{key!r} is not known here: use one of {', '.join(sorted(registry))}")
    module, _, name = registry[key].partition(":")
    return getattr(import_module(module), name)
