"""The Procfile is the one list of processes, and the supervisor reads it."""

import pytest

from adapters.operations.supervisor import exit_code, product_commands, read_procfile


def test_a_procfile_is_names_and_commands() -> None:
    text = "# a comment\nweb: gunicorn web:app --bind :$PORT\n\nworker:  python -m worker \n"
    assert read_procfile(text) == {"web": "gunicorn web:app --bind :$PORT", "worker": "python -m worker"}


@pytest.mark.parametrize("line", ["web", "web:", ": python"])
def test_a_line_that_is_no_process_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="Procfile line 2"):
        read_procfile(f"a: b\n{line}\n")


def test_the_product_is_web_worker_and_relay() -> None:
    commands = product_commands()
    assert list(commands) == ["web", "worker", "relay"]
    assert commands["worker"] == "python -m actors.worker"


@pytest.mark.parametrize(("ended_with", "we_end_with"), [(0, 1), (3, 3), (-9, 137)])
def test_a_process_that_ends_by_itself_never_makes_us_end_with_success(
    ended_with: int, we_end_with: int
) -> None:
    assert exit_code(ended_with) == we_end_with
