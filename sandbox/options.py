"""Options that several commands of the sandbox share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def first_port_option(command: Function) -> Function:
    text = "First of the four ports to listen on. [default: 8000, 8069, 8101, 8102]"
    return click.option("--first-port", type=click.IntRange(1, 65_500), help=text)(command)
