"""Seals: what a decision said when it was taken, made fast by a key that is not in the database."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from oppsync.domain.values.model import Code, Frozen


class Seal(Frozen):
    """`signed` says who decided what and when; `mac` is its message authentication code under key `key_id`."""

    key_id: Code
    mac: Code
    signed: dict[str, Any]


class SealCheck(StrEnum):
    GENUINE = "genuine"
    UNKNOWN_KEY = "unknown key"  # its key is none of those that this installation has
    FORGED = "forged"  # nobody who has the key made it of this
