"""What Tryton refuses, in the forms its REST interface answers with."""

from sandbox.standins.wire import Reply


class UserError(Exception):
    """A rule of Tryton's said no: a 400 with a sentence, no code."""


class ServerError(Exception):
    """An unknown model or field: Tryton's server stumbles over a KeyError."""


class Refusal(Exception):
    """Refused before any rule was asked; a page, not JSON."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(title)
        self.status = status


def user_error(message: str, status: int = 400) -> Reply:
    return Reply(status, {"status": status, "message": message, "description": ""})


def page(status: int, title: str) -> Reply:
    """What werkzeug sends for an error of HTTP's own."""
    text = f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n"
    return Reply(status, raw=text, headers={"Content-Type": "text/html; charset=utf-8"})
