"""What is wrong with a bundle: the file, the place in it, the problem, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from oppsync.domain.configuration.place_words import place_in_words
from oppsync.kernel.errors import InvalidInput
from oppsync.kernel.json_pointer import pointer

# A message may quote what somebody wrote, which may be a whole file.
_LONGEST_VALUE = 80


@dataclass(frozen=True, order=True)
class Fault:
    """`line` counts from 1; 0: the whole file. `field` is the column, or the names on the way to the value."""

    file: str
    line: int
    field: str
    problem: str
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.in_words}"

    @property
    def place(self) -> str:
        """The field as people read it."""
        return place_in_words(self.field)

    @property
    def in_words(self) -> str:
        """Without file and line."""
        what = f"{self.place}: {self.problem}" if self.field else self.problem
        return f"{what}.{' ' + self.fix if self.fix else ''}{'' if self.fix[-1:] in '?' else '.'}"


@dataclass(frozen=True)
class Place:
    """Where a row was written. `lines`: the line of each value in it by its JSON pointer, below `within`."""

    file: str
    line: int
    lines: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)
    within: str = ""

    def fault(self, at: Iterable[object], problem: str, fix: str = "") -> Fault:
        steps = [str(step) for step in at]
        inner = (self.within + pointer(steps[:length]) for length in range(len(steps), -1, -1))
        line = next((self.lines[each] for each in inner if each in self.lines), self.line)
        return Fault(self.file, line, ".".join(steps), problem, fix)


class BadBundle(InvalidInput):
    """`faults`: all that is wrong, in the order of files and lines."""

    code = "BAD_BUNDLE"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        count = "fault" if len(self.faults) == 1 else "faults"
        super().__init__(
            f"The configuration has {len(self.faults)} {count}:\n{lines}", field=self.faults[0].file
        )


def quoted(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
