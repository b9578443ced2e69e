"""Names that somebody may have meant who wrote another one."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from oppsync.domain.deal.owned_fields import who_owns

# Each takes about a millisecond, and a bundle may have a hundred thousand unknown names.
MOST = 100


class NearNames:
    """Of one check: after so many, further names are told without what is near them."""

    def __init__(self) -> None:
        self._left = MOST

    def of(self, name: str, known: Sequence[str], most: int = 1) -> Sequence[str]:
        """The nearest first."""
        self._left -= 1
        return get_close_matches(name, known, n=most) if self._left >= 0 else ()

    def advice(self, name: str, known: Sequence[str]) -> str:
        near = self.of(name, known)
        return f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}"

    def column(self, name: str, known: Sequence[str]) -> str:
        """The advice for a column that there is not: what another system owns is not written here."""
        return who_owns(name) or self.advice(name, known)
