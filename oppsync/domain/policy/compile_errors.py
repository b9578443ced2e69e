"""What is wrong with a condition, in words for whoever wrote it: the place, and what is available there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from oppsync.domain.policy.context import SEEN, SHAPES, Scope

FUNCTIONS = ("day", "has", "size", "duration", "all", "exists", "exists_one")
# What CEL has, and conditions here have not: it costs time or memory.
_LEFT_OUT = {
    "matches": "Use startsWith, endsWith or contains",
    "map": "Use all or exists",
    "filter": "Use all or exists",
}
_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_NO_FIELD = re.compile(r"undefined field '(\w+)' not found in struct '(\w+)'")
_NO_NAME = re.compile(r"undeclared reference to '(\w+)")
_NO_OVERLOAD = re.compile(r"found no matching overload for '(\S+)' applied to '\(?(.*?)\)?'$")
_CONSEQUENCE = "*error*"
_NAME_AT_END = re.compile(r"(?:^|[^\w.\]) ])\s*([A-Za-z_]\w*)\s*$")
_TYPES = {
    "string": "text",
    "int": "whole number",
    "double": "number",
    "bool": "true or false",
    "google.protobuf.Timestamp": "day",
    "timestamp": "day",
}
_LONGEST = 300


class Problem(NamedTuple):
    """`place`: such as `column 5`; empty where it is the whole condition. `lacks`: the name that is not
    there."""

    place: str
    problem: str
    fix: str = ""
    lacks: str = ""

    @property
    def in_words(self) -> str:
        return f"{self.place}: {self.problem}" if self.place else self.problem


def problems(said: str, scope: Scope, condition: str = "") -> tuple[Problem, ...]:
    """At least one. What only follows from another is left out."""
    errors = _ERROR.findall(said)
    found = [
        Problem(_place(int(line), int(column)), *_in_words(text, scope, owner), _lacks(text))
        for line, column, text in errors
        if _CONSEQUENCE not in text
        for owner in [_name_before(condition, int(line), int(column))]
    ]
    left_out = [each for each in found if each.fix in _LEFT_OUT.values()]
    return tuple(dict.fromkeys(left_out or found)) or (Problem("", *_in_words(said.partition("\n")[0], scope)),)


def _lacks(text: str) -> str:
    found = _NO_NAME.search(text)
    return found[1] if found else ""


def _name_before(condition: str, line: int, column: int) -> str:
    """What stands before the point at this place, where it is a name alone, such as `l` of `l.net`."""
    lines = condition.split("\n")
    if not 1 <= line <= len(lines):
        return ""
    found = _NAME_AT_END.search(lines[line - 1][: max(column - 1, 0)])
    return found[1] if found else ""


def place_of(condition: str, at: int) -> str:
    """Such as `column 5`, of the character at this index."""
    before = condition[:at]
    return _place(before.count("\n") + 1, at - before.rfind("\n"))


def _place(line: int, column: int) -> str:
    if line < 1 or column < 1:
        return ""
    return f"column {column}" if line == 1 else f"line {line}, column {column}"


def _in_words(text: str, scope: Scope, owner: str = "") -> tuple[str, str]:
    if found := _NO_FIELD.search(text):
        return _no_fact(found[1], found[2], owner)
    if found := _NO_NAME.search(text):
        return _no_variable(found[1], scope)
    if found := _NO_OVERLOAD.search(text):
        return _not_comparable(found[1], found[2].split(", "))
    if "recursion" in text:
        return "it is nested too deeply", "Make two rules of it"
    said = text.partition(" expecting ")[0].removeprefix("Syntax error: ")
    return f"cannot be read: {said}"[:_LONGEST], ""


def _no_fact(field: str, shape: str, owner: str) -> tuple[str, str]:
    """`owner`: by which name the condition has what lacks the field."""
    names = [fact.name for fact in SHAPES.get(shape, ())]
    variable = owner or shape.lower()
    near = get_close_matches(field, names, n=1)
    meant = f"Did you mean `{variable}.{near[0]}`? " if near else ""
    return f"there is no `{variable}.{field}`", f"{meant}Available here: {', '.join(names)}"


def _no_variable(name: str, scope: Scope) -> tuple[str, str]:
    if name in _LEFT_OUT:
        return f"`{name}` is not available", _LEFT_OUT[name]
    near = get_close_matches(name, [*SEEN[scope], *FUNCTIONS], n=1)
    meant = f"Did you mean `{near[0]}`? " if near else ""
    text = "Text stands in quotes. " if name.isupper() and not near else ""
    return f"there is no `{name}` here", f"{meant}{text}Available here: {', '.join(SEEN[scope])}"


def _not_comparable(function: str, types: Sequence[str]) -> tuple[str, str]:
    operator = function.strip("_@")
    words = " and ".join(_of(types))
    if sorted(types) == ["double", "int"]:
        return f"`{operator}` does not take {words}", "Write whole numbers as 20.0 here"
    return f"`{operator}` does not take {words}", ""


def _of(types: Sequence[str]) -> Iterator[str]:
    return (_TYPES.get(each, each.lower()) for each in types)
