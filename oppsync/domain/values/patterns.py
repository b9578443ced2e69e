"""Naming and numbering patterns of project templates: `{account} / {workstream}`."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator

from oppsync.domain.values.model import Text

# What a pattern may contain. `account`, `deal` and `workstream` are names; the others are codes.
PLACEHOLDERS = frozenset(
    {
        "account",
        "customer",
        "deal",
        "entity",
        "key",
        "record",
        "region",
        "service_line",
        "template",
        "workstream",
    }
)
_LONGEST = 200


def _known(pattern: str) -> str:
    for _text, name, form, conversion in Formatter().parse(pattern):
        if name is not None and (name not in PLACEHOLDERS or form or conversion):
            known = ", ".join(f"{{{each}}}" for each in sorted(PLACEHOLDERS))
            raise ValueError(f"{{{name}}} is not one of {known}")
    return pattern


Pattern = Annotated[Text, AfterValidator(_known)]


def filled(pattern: str, values: Mapping[str, str]) -> str:
    """One line of at most 200 characters. `values` has every placeholder."""
    return " ".join(pattern.format_map(values).split())[:_LONGEST]
