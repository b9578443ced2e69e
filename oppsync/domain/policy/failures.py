"""Why a condition could not be evaluated for some facts, in words: the place in its text, and what is available
there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from oppsync.domain.policy.compile_errors import place_of

# Text in all the ways that CEL writes it, and comments, in which names and brackets are none.
_TEXT_OR_COMMENT = r"""
    [bB]?[rR][bB]?(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*')
    | \"\"\"(?:[^\\]|\\.)*?\"\"\" | '''(?:[^\\]|\\.)*?'''
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
    | //[^\n]*
"""
_TOKEN = re.compile(rf"{_TEXT_OR_COMMENT} | && | \|\| | [()\[\]{{}}]", re.VERBOSE | re.DOTALL)
_NO_KEY = re.compile(r'Key not found in map : "(.*)"$')
_NO_ITEM = re.compile(r"Index error: index=(\d+) size=(\d+)")
_NAMED = re.compile(r"\b(\w+)\.(\w+)")
_MOST_NAMED = 10
_LONGEST = 60


class Part(NamedTuple):
    """A part of a condition, and where in its text it begins."""

    text: str
    at: int


def explained(condition: str, facts: Mapping[str, Any], why: str, fails: Callable[[str], bool]) -> str:
    """`why`: as the library says it. `fails`: whether a part cannot be evaluated by itself."""
    part = _failing(Part(condition, 0), fails)
    key, item = _NO_KEY.search(why), _NO_ITEM.search(why)
    if key:
        at = next((part.text.index(quote) for quote in _written(key[1]) if quote in part.text), 0)
        names = sorted(facts["deal"].custom) if "deal" in facts else []
        return f"{place_of(condition, part.at + at)}: {_no_name(key[1], names)}"
    if item:
        return f"{place_of(condition, part.at)}: there is no item {item[1]}; of {item[2]}, the first is item 0"
    there = ", ".join(dict.fromkeys(_values(part.text, facts)))
    return f"{place_of(condition, part.at)}: {why}{f'. Available here: {there}' if there else ''}"


def _failing(part: Part, fails: Callable[[str], bool]) -> Part:
    """The smallest part that cannot be evaluated: of what `&&` and `||` combine, an operand that fails by
    itself makes the whole fail."""
    for each in _operands(part):
        if fails(each.text):
            return _failing(each, fails)
    return part


def _operands(part: Part) -> Iterator[Part]:
    """Without any where the part combines nothing."""
    begin, depth, found = 0, 0, list[Part]()
    for token in _TOKEN.finditer(part.text):
        if token[0] in "([{":
            depth += 1
        elif token[0] in ")]}":
            depth -= 1
        elif token[0] in ("&&", "||") and depth == 0:
            found.append(_stripped(part.text[begin : token.start()], part.at + begin))
            begin = token.end()
    if found:
        yield from (*found, _stripped(part.text[begin:], part.at + begin))
    elif (inside := _inside(part.text)) is not None:
        yield _stripped(inside, part.at + part.text.index(inside))


def _inside(text: str) -> str | None:
    """What is negated or stands in brackets as a whole."""
    if text.startswith("!"):
        return text[1:]
    if not text.startswith("(") or not text.endswith(")"):
        return None
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in "([{") - (token[0] in ")]}")
        if depth == 0:
            return text[1:-1] if token.end() == len(text) else None
    return None


def _stripped(text: str, at: int) -> Part:
    return Part(text.strip(), at + len(text) - len(text.lstrip()))


def _written(key: str) -> tuple[str, ...]:
    return f"'{key}'", f'"{key}"'


def _no_name(key: str, names: list[str]) -> str:
    near = get_close_matches(key, names, n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    known = f"{', '.join(names[:_MOST_NAMED])}{more}" if names else "none"
    return f"there is no field {key!r} in deal.custom. {meant}Available here: {known}"


def _values(text: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """The facts that a part names, with their values."""
    for variable, name in _NAMED.findall(text):
        value = getattr(facts.get(variable), name, None)
        if isinstance(value, bool | int | float | str):
            shown = repr(value) if isinstance(value, str) else f"{value}"
            yield f"{variable}.{name} {shown[:_LONGEST]}"
