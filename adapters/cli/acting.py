"""Whom a command acts as that a person has to answer for: the person of an API token."""

from __future__ import annotations

import os
import sys

import click

from adapters.bootstrap import Application
from adapters.cli.commands import Failed
from oppsync.domain.values.actor import AskingPerson

TOKEN = "OPPSYNC_TOKEN"  # noqa: S105


def acting_person(application: Application) -> AskingPerson:
    """The person that the token acts as, within its scopes. It is never an argument, since everybody on the
    machine can read those."""
    secret = os.environ.get(TOKEN, "")
    if not secret and sys.stdin.isatty():
        secret = str(click.prompt("API token", hide_input=True))
    if not secret:
        raise Failed(f"Set {TOKEN} to an API token of your own: `oppsync token create` makes one.")
    signed_in = application.token(secret)
    if signed_in is None:
        raise Failed(f"The token in {TOKEN} is not valid any more, or never was.")
    return signed_in.asker
