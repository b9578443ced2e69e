"""Who asks for something: a person, by id, or a program that has no account here."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID


class Program(StrEnum):
    """`command-line`: an operator with a shell on the installation, who could read its keys and its database
    anyway. The timeline cannot name the person behind it."""

    COMMAND_LINE = "command-line"


COMMAND_LINE = Program.COMMAND_LINE
Asker = UUID | Program
