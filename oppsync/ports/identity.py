"""What the core needs to check passwords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class PasswordHasher(Protocol):
    def hash(self, password: str) -> str: ...

    def hash_of_nobody(self) -> str:
        """Hash a password that nobody has, since an unknown e-mail is to take as long as a known one."""

    def verify(self, hashed: str, password: str) -> bool: ...


class PasswordCheck(Protocol):
    def is_common(self, password: str, about: Sequence[str]) -> bool:
        """Whether it is guessed early: from lists of passwords and words, dates, keyboards, or what is `about`
        the person."""
