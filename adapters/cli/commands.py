"""Fail in one way for every command: one sentence on standard error and an exit code for scripts."""

from __future__ import annotations

import click
from psycopg.errors import UndefinedTable
from sqlalchemy.exc import ProgrammingError

from adapters.cli.output import printable
from oppsync.kernel.errors import OppsyncError, TransientError

FAILED, UNREACHABLE = 1, 3
CODES_HELP = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 something cannot be reached now."


class Failed(click.ClickException):
    """A command ends with this sentence and exit code."""

    exit_code: int  # type: ignore[misc] # click's is the class's alone

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(printable(message))
        self.exit_code = exit_code


class Commands(click.Group):
    """A group that prints the errors of its commands as one sentence; anything else is a bug and shows its
    traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except TransientError as error:
            raise Failed(error.message, UNREACHABLE) from None
        except OppsyncError as error:
            raise Failed(error.message) from None
        except ProgrammingError as error:
            if isinstance(error.orig, UndefinedTable):
                raise Failed("The database has no tables yet: run `oppsync db upgrade`.") from None
            raise
