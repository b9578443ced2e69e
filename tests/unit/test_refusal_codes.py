"""Every code that a client may receive is documented once, and no other is."""

from __future__ import annotations

import re
from pathlib import Path

from oppsync.domain.values.findings.codes import CODES
from oppsync.kernel.errors import BusinessError, OppsyncError
from tests.harness.raised_codes import BASES, raised
from web.problems import BY_FLASK, Problem, status_of
from web.refusals import REFUSALS

_ROW = re.compile(r"\| `[A-Z_]+` \| \d{3} \|")
DOC = Path(__file__).parents[2] / "docs" / "api.md"


def test_every_code_that_is_raised_is_documented() -> None:
    unknown = {
        (each.code, each.where) for each in raised() if each.code not in REFUSALS and each.code not in CODES
    }

    assert not unknown


def test_no_code_is_documented_that_is_never_raised() -> None:
    assert not set(REFUSALS) - {each.code for each in raised()} - set(BY_FLASK.values())


def test_the_table_names_the_status_that_is_answered() -> None:
    differing = {
        (each.code, each.where)
        for each in raised()
        if each.kind is not None and issubclass(each.kind, OppsyncError) and each.kind not in BASES
        if each.code in REFUSALS and each.code != "BUG"
        if status_of(each.kind.__new__(each.kind)) != REFUSALS[each.code].status
    }

    assert not differing


def test_an_error_raised_while_somebody_waits_has_an_entry_of_its_own() -> None:
    """An entry among exception items is not enough: whoever previews a plan gets the outside's errors
    directly."""
    outside = {each.code for each in raised() if each.kind is not None and issubclass(each.kind, BusinessError)}

    assert outside <= set(REFUSALS)


def test_the_docs_list_the_table_as_it_is() -> None:
    listed = [line for line in DOC.read_text(encoding="utf-8").splitlines() if _ROW.match(line)]

    assert listed == [
        f"| `{code}` | {status.value} | {text} | {fix} |" for code, (status, text, fix) in REFUSALS.items()
    ]


def test_every_problem_of_the_web_s_own_is_found() -> None:
    own = {each.code for each in raised() if each.kind is Problem}

    assert own == {
        "UNKNOWN_ACTION",
        "UNREADABLE_JSON",
        "UNREADABLE_BODY",
        "TOKEN_REFUSED",
        "UNSUPPORTED_MEDIA_TYPE",
        "INVALID_INPUT",
        "BUG",
    }
