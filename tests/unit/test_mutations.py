"""Mutations name places of the engine by their text: code that moves takes its mutations with it."""

from __future__ import annotations

import pytest

from tests.mutants.__main__ import MUTATIONS
from tests.mutants.mutation import Mutation
from tests.mutants.warm import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_stands_once_in_its_file(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1


@pytest.mark.parametrize("mutation", [each for each in MUTATIONS if each.first], ids=lambda each: each.name)
def test_the_test_a_mutation_asks_first_exists(mutation: Mutation) -> None:
    file, test = mutation.first.split("[")[0].split("::")
    assert f"def {test}(" in (ROOT / file).read_text()
