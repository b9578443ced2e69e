"""Named places between two steps where a process may die and nothing must be lost.

The bench (`tests/chaos`) registers a hook and kills the process there. In production there is no hook, and
passing one of these places does nothing.
"""

from __future__ import annotations

from collections.abc import Callable

_hooks: list[Callable[[str, str], None]] = []


def crash_point(name: str, subject: object = "") -> None:
    """`name` is the place; `subject` is what was being worked: an effect's kind, a deal's record id."""
    for hook in _hooks:
        hook(name, str(subject))


def hang_in(hook: Callable[[str, str], None]) -> None:
    """Call `hook(name, subject)` at each crash point of this process from now on."""
    _hooks.append(hook)
