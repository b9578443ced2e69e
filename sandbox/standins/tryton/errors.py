"""Tryton's refusals, in the forms of its REST interface."""

from sandbox.standins.wire import Reply


class UserError(Exception):
    """Refused by a rule of Tryton's: a 400 with a sentence, no code."""


class ServerError(Exception):
    """An unknown model or field: Tryton's server fails with a KeyError."""


class HttpRefusal(Exception):
    """Refused before any rule was evaluated; a page, not JSON."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(title)
        self.status = status


def user_error(message: str, status: int = 400) -> Reply:
    return Reply(status, {"status": status, "message": message, "description": ""})


def page(status: int, title: str) -> Reply:
    """The page that werkzeug sends for HTTP errors."""
    text = f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n"
    return Reply(status, raw=text, headers={"Content-Type": "text/html; charset=utf-8"})
