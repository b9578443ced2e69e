"""A webhook request before its signature is verified, and the protocol of a signature scheme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class RawRequest:
    """`url` as the sender called it; header names in any case; `body` is the signed bytes."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Verify(Protocol):
    def __call__(self, request: RawRequest, secrets: Sequence[str], now: datetime) -> str:
        """Return the sender's delivery id when one of the secrets signed this request. Raises
        SignatureRefused."""


class Sign(Protocol):
    def __call__(self, delivery_id: str, body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
        """The headers that a sender with this secret adds."""
