"""What the core needs to slow somebody down: counts that all processes share."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Limit(NamedTuple):
    """At most so many in so many seconds, from the first on."""

    name: str
    most: int
    seconds: int


class Brake(Protocol):
    """`of`: whose count it is. While the shared counts cannot be reached, each process has its own."""

    def count(self, limit: Limit, *of: str) -> int:
        """Count one more; returns how many there are now."""

    def counted(self, limit: Limit, *of: str) -> int: ...

    def wait_seconds(self, limit: Limit, *of: str) -> int:
        """Until the count begins anew; at least 1."""

    def forget(self, limit: Limit, *of: str) -> None: ...
