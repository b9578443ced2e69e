"""A browser without JavaScript: cookies, pages, and the forms on them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from tests.web.office import PASSWORD, email

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Response(Protocol):
    """What a browser needs of Flask's response, or of one that came over HTTP."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def get_data(self, *, as_text: Literal[True]) -> str: ...


class Site(Protocol):
    """A Flask application, or a server that runs (`over_http.py`)."""

    def test_client(self) -> Any: ...


class Screen:
    """A response: its markup, and the text on it."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self.status = response.status_code
        self.location = response.headers.get("Location")
        self.markup = response.get_data(as_text=True)

    @property
    def title(self) -> str:
        return html.unescape(self.markup.partition("<title>")[2].partition("</title>")[0])

    @property
    def words(self) -> str:
        """The text between the tags, no-break spaces as spaces, runs of space as one."""
        body = self.markup.partition("<main")[2].partition("</main>")[0]
        return self.words_of("<main" + body)

    @staticmethod
    def words_of(markup: str) -> str:
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())

    @property
    def form_token(self) -> str:
        found = _TOKEN.search(self.markup)
        assert found is not None, "there is no form on this page"
        return found[1]


class Browser:
    def __init__(self, app: Site) -> None:
        self.client = app.test_client()

    def get(self, path: str, **headers: str) -> Screen:
        return Screen(self.client.get(path, headers=headers))

    def post(self, path: str, form_of: str | None = None, **fields: str) -> Screen:
        """Fill in the form shown at `form_of` (else at `path`) and send it to `path`."""
        token = self.get(form_of or path).form_token
        return Screen(self.client.post(path, data={"csrf_token": token, **fields}))

    def sign_in(self, name: str, password: str = PASSWORD, back: str = "/") -> Screen:
        return self.post("/sign-in", email=email(name), password=password, next=back)
