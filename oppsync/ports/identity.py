"""What the core needs to check passwords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class PasswordHasher(Protocol):
    def hash(self, password: str) -> str: ...

    def hash_of_nobody(self) -> str:
        """Hash a password that nobody has, since an unknown e-mail is to take as long as a known one."""

    def verify(self, hashed: str, password: str) -> bool: ...


class OneTimeCodes(Protocol):
    """Codes of six digits that a key gives at a time, as programs on people's phones make them."""

    def new_key(self) -> str:
        """In base 32."""

    def at(self, key: str, step: int) -> str:
        """The code of the step with this number."""

    def uri(self, key: str, account: str) -> str:
        """What such programs read: all that they need to know."""


class PasswordCheck(Protocol):
    def is_common(self, password: str, about: Sequence[str]) -> bool:
        """Whether it is guessed early: from lists of passwords and words, dates, keyboards, or what is `about`
        the person."""
