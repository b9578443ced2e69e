"""The texts that people give when they decide or dismiss."""

from __future__ import annotations

import pytest

from oppsync.kernel.errors import InvalidInput
from oppsync.kernel.text_input import comment


def test_a_comment_is_kept_without_the_space_around_it() -> None:
    assert comment("  fine by me \n", "comment") == "fine by me"


@pytest.mark.parametrize(
    ("text", "said"),
    [("   ", "Say why."), ("x" * 2_001, "2001 characters"), ("a\x00b", "NUL")],
)
def test_a_comment_that_cannot_be_kept_names_its_field(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        comment(text, "reason", required="Say why.")
    assert refused.value.field == "reason"
