"""A terminal shows what others wrote and does nothing that they wrote."""

from __future__ import annotations

import pytest

from adapters.cli.output import print_json, print_table, say
from oppsync.kernel import canonical_json

NAME = "Portal\x1b[2J\u202e 👩\u200d💻"


def test_a_table_shows_signs_that_do_not_print_by_their_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("deal",), [(NAME,)])

    assert capsys.readouterr().out == "deal\nPortal\\u001b[2J\\u202e 👩\u200d💻\n"


def test_sentences_keep_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"{NAME}\nis parked")

    assert capsys.readouterr().out == "Portal\\u001b[2J\\u202e 👩\u200d💻\nis parked\n"


def test_json_says_the_same_and_prints_nothing_odd(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"deal": NAME, "beyond": "\U000e0001"})

    printed = capsys.readouterr().out
    assert "\u202e" not in printed
    assert canonical_json.loads(printed) == {"deal": NAME, "beyond": "\U000e0001"}
