"""The version is written in one place; packaging and the command line read it there."""

import tomllib
from pathlib import Path

from click.testing import CliRunner

from adapters.cli.__main__ import oppsync
from oppsync import __version__


def test_the_command_line_says_which_release_it_is() -> None:
    assert CliRunner().invoke(oppsync, ["--version"]).stdout == f"oppsync, version {__version__}\n"


def test_packaging_reads_it_where_the_code_does() -> None:
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert "version" not in pyproject["project"]
    assert pyproject["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "oppsync.__version__"}
