"""The pins: production's are a part of development's, and each dependency of pyproject is pinned."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins(name: str) -> list[str]:
    return (ROOT / name).read_text().splitlines()


def names(requirements: Iterable[str]) -> set[str]:
    found = (re.match(r"[\w.-]+", line) for line in requirements)
    return {match[0].lower() for match in found if match}


def test_what_production_runs_is_what_was_tested() -> None:
    assert set(pins("requirements.txt")) <= set(pins("requirements-dev.txt"))


def test_everything_that_is_asked_for_is_pinned() -> None:
    assert names(PROJECT["dependencies"]) <= names(pins("requirements.txt"))
    everything = [*PROJECT["dependencies"], *EXTRAS["sandbox"], *EXTRAS["dev"]]
    assert names(everything) - {"oppsync"} <= names(pins("requirements-dev.txt"))


def test_production_pins_nothing_that_is_asked_for_elsewhere() -> None:
    assert not names(pins("requirements.txt")) & names([*EXTRAS["sandbox"], *EXTRAS["dev"]])


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_pins_are_names_and_versions_alone(name: str) -> None:
    assert [line for line in pins(name) if not re.match(r"[\w.-]+==[\w.]+( ; .+)?$", line)] == []
