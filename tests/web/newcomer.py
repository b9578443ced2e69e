"""Somebody who sets a firm up in a browser, and what they read on the pages on their way."""

from __future__ import annotations

import html
import re

from tests.web.browser import Browser, Screen

PASSWORDS = {
    "ada@example.com": "seven quiet lighthouses",
    "ben@example.com": "a kettle under the bridge",
    "fay@example.com": "violins bought on Tuesday",
    "dan@example.com": "moss grows over granite",
}


class Newcomer(Browser):
    """A browser of somebody who knows their own firm and nothing of ours."""

    def come_in(self, email: str, link: str) -> None:
        key = link.strip().partition("key=")[2]
        password = PASSWORDS[email]
        path = f"/invitation?key={key}"
        assert self.post("/invitation", form_of=path, key=key, new=password, again=password).status == 303
        assert self.sign_in_as(email).status == 303

    def sign_in_as(self, email: str) -> Screen:
        return self.post("/sign-in", email=email, password=PASSWORDS[email], next="/")

    def connect(self, role: str, vendor: str, **fields: str) -> str:
        form = f"/connections/new?role={role}&vendor={vendor}"
        added = self.post(form, **fields)
        assert added.status == 303, added.words
        assert added.location is not None
        return added.location.partition("?")[0]

    def standing(self) -> dict[str, str]:
        """Step -> how the page says it stands."""
        rows = re.findall(
            r'<th scope="row">([^<]+)<.*?<td data-label="Standing">(.*?)</td>', self._list(), re.S
        )
        return {html.unescape(title).strip(): re.sub("<[^>]*>", "", mark).strip() for title, mark in rows}

    def _list(self) -> str:
        return self.get("/set-up").markup.partition('id="steps"')[2].partition("</table>")[0]


def link_on(screen: Screen) -> str:
    found = re.search(r"https?://[^/]+/invitation\?key=[\w-]+", screen.markup)
    assert found is not None
    return found[0]


def secret_on(screen: Screen) -> str:
    found = re.search(r'id="secret"[^>]*>([^<]+)<', screen.markup)
    assert found is not None
    return found[1]
