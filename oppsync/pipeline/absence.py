"""What a run found absent outside when it looked many keys up at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# Keys that a bulk look-up did not find count as absent for so long.
ABSENT_FOR = timedelta(seconds=2)


@dataclass
class Absent:
    """Of one run, so that stages that follow each other at once share a look-up."""

    _until: dict[str, datetime] = field(default_factory=dict)

    def look_up(
        self, keys: Sequence[str], existing_keys: Callable[[Sequence[str]], Iterable[str]], now: datetime
    ) -> Collection[str]:
        """Those of the keys that exist. The others count as absent from `now`, which is before the question."""
        existing = set(existing_keys(keys))
        for key in keys:
            self.forget(key)
        self._until |= dict.fromkeys(set(keys).difference(existing), now + ABSENT_FOR)
        return existing

    def has(self, key: str, now: datetime) -> bool:
        until = self._until.get(key)
        return until is not None and now < until

    def forget(self, key: str) -> None:
        """Something is sent under this key, or it was found."""
        self._until.pop(key, None)
