"""Figures of the dashboard in words."""

from __future__ import annotations

from web.pages.formats import NO_BREAK

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def duration(seconds: int | None) -> str:
    """In the two largest units, as people say it: `3 d 4 h`, `12 min`; `Too few` for None."""
    if seconds is None:
        return "Too few"
    if seconds < _MINUTE:
        return f"{seconds}{NO_BREAK}s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}{NO_BREAK}min"
    large, small, first, second = (_DAY, _HOUR, "d", "h") if seconds >= _DAY else (_HOUR, _MINUTE, "h", "min")
    whole, rest = divmod(seconds, large)
    return NO_BREAK.join([f"{whole}", first, *([f"{rest // small}", second] if rest >= small else [])])
