"""Every code that the product's source raises, read from its syntax without running it."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.who_may import RIGHTS
from oppsync.kernel import errors
from oppsync.kernel.errors import OppsyncError
from oppsync.services.admin.guarded import ONLY_THE_PERSON
from web.problems import Problem

ROOT = Path(__file__).parents[2]
PACKAGES = ("oppsync", "adapters", "actors", "web")
# The command line reads documents and reports their faults as text, without codes.
NOT_ASKED_OVER_HTTP = ("adapters/cli/", "adapters/documents/")
# Only subclasses of these are raised: a base class says what happens next, not what happened.
BASES = (OppsyncError, errors.TransientError, errors.BusinessError, errors.RequestRefused)
# Computed codes, by the expression that computes them.
COMPUTED: Mapping[str, frozenset[str]] = {
    "refusal": frozenset(Refusal),
    "RIGHTS[action].code": frozenset(right.code for right in RIGHTS.values()),
    "Refusal.OWN_OPPORTUNITY": frozenset({Refusal.OWN_OPPORTUNITY}),
    "ONLY_THE_PERSON": frozenset({ONLY_THE_PERSON}),
    "Refusal.OUTSIDE_LIMITS": frozenset({Refusal.OUTSIDE_LIMITS}),
    "code": frozenset(),  # a parameter: its callers name the code
}
_CODE = re.compile(r"[A-Z]+(_[A-Z]+)*")


class Raised(NamedTuple):
    """`kind` is the error's class, None where only a code is passed on."""

    code: str
    kind: type[Exception] | None
    where: str


def raised() -> list[Raised]:
    """Raises KeyError for a code that cannot be read from the source, so that none is overlooked."""
    found: list[Raised] = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(NOT_ASKED_OVER_HTTP):
                found += _in(path, name)
    return found


def _in(path: Path, name: str) -> Iterator[Raised]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = _errors(name, tree)
    caught = {id(each) for node in ast.walk(tree) for each in _only_caught(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _called(node, known, f"{name}:{node.lineno}")
        elif isinstance(node, ast.Name) and id(node) not in caught and node.id in known:
            kind = known[node.id]
            if issubclass(kind, OppsyncError) and kind not in BASES:
                yield Raised(kind.code, kind, f"{name}:{node.lineno}")


def _errors(name: str, tree: ast.Module) -> dict[str, type[Exception]]:
    """The errors that a module imports or defines, by their names in it."""
    named = [
        alias.asname or alias.name
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    ]
    if not set(named) & _ERROR_NAMES or name == "oppsync/kernel/errors.py":
        return {}
    module_values: dict[str, Any] = vars(
        importlib.import_module(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    )
    return {
        each: kind
        for each, kind in module_values.items()
        if isinstance(kind, type) and issubclass(kind, OppsyncError | Problem)
    }


def _called(node: ast.Call, known: Mapping[str, type[Exception]], where: str) -> Iterator[Raised]:
    kind = known.get(node.func.id) if isinstance(node.func, ast.Name) else None
    given = next((each.value for each in node.keywords if each.arg == "code"), None)
    if kind is Problem:
        given = node.args[1]
    if isinstance(given, ast.Constant) and isinstance(given.value, str) and _CODE.fullmatch(given.value):
        yield Raised(given.value, kind, where)
    elif given is not None and kind not in (None, Problem):
        for code in COMPUTED[ast.unparse(given)]:
            yield Raised(code, kind, where)


def _only_caught(node: ast.AST) -> Iterator[ast.AST]:
    """Places where an error's name does not raise it."""
    if isinstance(node, ast.ExceptHandler) and node.type is not None:
        yield from ast.walk(node.type)
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("isinstance", "cast")
    ):
        for argument in node.args[1:]:
            yield from ast.walk(argument)


_ERROR_NAMES = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | {"Problem"}
