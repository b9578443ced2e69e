"""A webhook call as it came, before anybody trusts it, and what a signature scheme does with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class RawRequest:
    """`url` as the sender called it; header names in any case; `body` the bytes that were signed."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Verify(Protocol):
    def __call__(self, request: RawRequest, secrets: Sequence[str], now: datetime) -> str:
        """The sender's delivery id, when any of the secrets signed this request. Raises SignatureRefused."""
