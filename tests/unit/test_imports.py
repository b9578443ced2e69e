"""What may import what: the core's few packages, and the contracts of `make check`, which notice what breaks
them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.copied_tree import CopiedTree

CORE = Path(__file__).parents[2] / "oppsync"
# Shapes, formats and public tables; none reaches outside. No framework, no driver, no vendor's library.
ALLOWED = frozenset(
    {
        "babel",
        "cel_expr_python",
        "google",  # protocol buffers, by which conditions are typed
        "holidays",
        "iso4217",
        "pydantic",
        "pydantic_core",
        "pydantic_settings",
        "rfc8785",
        "stdnum",
    }
)
PLANTED = {
    "migrations/versions/2026_12_01_from_the_sandbox.py": "from sandbox import home",
    "migrations/versions/2026_12_01_from_the_tests.py": "from tests.harness import builders",
    "web/pages/with_a_vendor.py": "from adapters.erp.tryton import wire",
    "adapters/cli/with_a_vendor.py": "from adapters.crm.salesforce import ids",
    "adapters/operations/with_a_vendor.py": "from adapters.psa.kantata import note",
    "web/from_the_tests.py": "from tests.harness import builders",
    "adapters/runtime/from_the_tests.py": "import tests",
    "actors/from_the_benchmarks.py": "from benchmarks import measure",
    "oppsync/kernel/from_the_benchmarks.py": "from benchmarks import measure",
}
LINT = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"


def imported(module: Path) -> Iterator[str]:
    """The packages that a module imports, wherever it does so."""
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_core_imports_these_few_packages_and_no_other() -> None:
    found = {
        package: str(module.relative_to(CORE)) for module in CORE.rglob("*.py") for package in imported(module)
    }
    outside = {package: where for package, where in found.items() if package not in sys.stdlib_module_names}

    assert {package: where for package, where in outside.items() if package not in ALLOWED | {"oppsync"}} == {}
    assert set(outside) >= ALLOWED


def test_the_checks_notice_every_import_that_goes_the_wrong_way(tmp_path: Path) -> None:
    tree = CopiedTree(tmp_path)
    for place, line in PLANTED.items():
        tree.write(place, f'"""Planted."""\n\n{line}\n')

    with pytest.raises(AssertionError) as told:
        tree.run("-c", LINT)

    modules = {place.removesuffix(".py").replace("/", ".") for place in PLANTED}
    assert modules - set(re.findall(r"[\w.]+", str(told.value))) == set()
