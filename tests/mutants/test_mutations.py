"""The mutations of `make mutants` apply to the engine as it is, so a move or a rewrite has to update them."""

import pytest

from tests.mutants.__main__ import MUTATIONS
from tests.mutants.mutation import Mutation
from tests.mutants.warm import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_its_text_stands_once_in_its_file(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1


@pytest.mark.parametrize(
    "mutation", [each for each in MUTATIONS if each.first], ids=lambda mutation: mutation.name
)
def test_the_test_that_is_asked_first_exists(mutation: Mutation) -> None:
    """In its file, or in the contract suite that the file's class inherits."""
    file, *_, name = mutation.first.split("::")
    texts = [ROOT / file, *(ROOT / "sandbox/contracts").glob("*.py")]

    assert any(f"def {name.partition('[')[0]}(" in path.read_text() for path in texts)
