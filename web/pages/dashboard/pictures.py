"""Where the marks of the dashboard's pictures stand. The template draws them; a table has the figures."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from oppsync.domain.reading.dashboard import CycleRow, Dashboard

# Of a canvas of 640 by 220; right of the lines stand their names.
_LEFT, _RIGHT, _TOP, _BOTTOM = 24, 450, 28, 180
# Between the names of two lines.
_APART = 20
_A_LINE = 2  # points, at least


class Mark(NamedTuple):
    x: float
    y: float
    seconds: int


class Line(NamedTuple):
    """`stretches`: where months between have no time, the line is broken."""

    name: str
    stretches: Sequence[Sequence[Mark]]
    label_y: float

    @property
    def marks(self) -> Sequence[Mark]:
        return [mark for stretch in self.stretches for mark in stretch]


class CyclePicture(NamedTuple):
    months: Sequence[tuple[float, str]]
    lines: Sequence[Line]


class Bar(NamedTuple):
    """`part`: of the widest bar, in per cent."""

    label: str
    part: float
    at_risk: bool = False


def cycle_picture(shown: Dashboard) -> CyclePicture | None:
    """None where fewer than two months have a time: a line needs two points."""
    rows = [row for row in shown.cycle if row.month is not None]
    longest = max((row.p90_seconds or 0 for row in rows), default=0)
    if sum(row.p90_seconds is not None for row in rows) < _A_LINE:
        return None
    step = (_RIGHT - _LEFT) / (len(rows) - 1)
    xs = [round(_LEFT + step * index, 1) for index in range(len(rows))]
    medians = _stretches(xs, [row.median_seconds for row in rows], longest)
    nineties = _stretches(xs, [row.p90_seconds for row in rows], longest)
    below = medians[-1][-1].y
    above = min(nineties[-1][-1].y, below - _APART)
    return CyclePicture(
        [(x, str(row.month)) for x, row in zip(xs, rows, strict=True)],
        [Line("median", medians, below), Line("p90", nineties, above)],
    )


def revenue_bars(shown: Dashboard) -> Sequence[Bar]:
    parts = _parts([row.revenue.amount for row in shown.revenue])
    return [Bar(row.month, part, row.has_begun) for row, part in zip(shown.revenue, parts, strict=True)]


def trend_in_words(rows: Sequence[CycleRow]) -> str:
    """What the picture of the cycle times shows: how its first median compares with its last."""
    known = [row.median_seconds for row in rows if row.month and row.median_seconds is not None]
    if len(known) < _A_LINE or known[0] == known[-1]:
        return "The median is the same at the end as at the beginning."
    return f"The median {'fell' if known[-1] < known[0] else 'rose'} from the first month to the last."


def _stretches(xs: Sequence[float], seconds: Sequence[int | None], longest: int) -> Sequence[Sequence[Mark]]:
    stretches: list[list[Mark]] = [[]]
    for x, each in zip(xs, seconds, strict=True):
        if each is None:
            stretches.append([])
        else:
            height = (_BOTTOM - _TOP) * each / max(longest, 1)
            stretches[-1].append(Mark(x, round(_BOTTOM - height, 1), each))
    return [stretch for stretch in stretches if stretch]


def _parts(amounts: Sequence[Decimal]) -> Sequence[float]:
    most = max((abs(each) for each in amounts), default=Decimal(0))
    return [round(float(abs(each) * 100 / most), 1) if most else 0.0 for each in amounts]
