"""Each step of the set-up links its guide, which the installation itself shows to anybody."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from flask import Flask

from adapters.cli.__main__ import oppsync
from oppsync.domain.reading.set_up import STEPS
from oppsync.domain.values.roles import PersonRole
from tests.web.browser import Browser
from tests.web.office import Office
from web.pages.guides.rendering import guides, rendered


def test_each_step_of_the_page_links_a_guide_that_opens(
    office: Office, browser: Callable[[str], Browser]
) -> None:
    office.hire("ada", PersonRole.ADMIN)
    ada = browser("ada")

    linked = re.findall(r'<a href="([^"]+)">Guide<span class="unseen">: ([^<]+)<', ada.get("/set-up").markup)

    assert [html.unescape(title) for _, title in linked] == [step.title for step in STEPS]
    for address, title in linked:
        shown = ada.get(address)
        assert (shown.status, "<h1" in shown.markup) == (200, True), title


def test_init_prints_the_same_guides_as_addresses_that_open_without_an_account(
    app: Flask, office: Office
) -> None:
    settings = office.application.settings
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "OPPSYNC_BASE_URL": "https://oppsync.acme.example",
    }

    printed = CliRunner().invoke(oppsync, ["init"], env=environment).stdout

    base = re.escape("https://oppsync.acme.example")
    for step in STEPS:
        found = re.search(rf"^{re.escape(step.title)} +{base}(/guides/\S+)$", printed, re.MULTILINE)
        assert found is not None, step.title
        assert Browser(app).get(found[1]).status == 200


def test_every_guide_opens_and_so_does_each_that_it_links(app: Flask) -> None:
    anybody = Browser(app)
    index = anybody.get("/guides")
    assert len(guides()) == index.markup.count('<li><a href="/guides/')

    for name in guides():
        markup = anybody.get(f"/guides/{name}").markup
        assert "style=" not in markup, f"{name}: the pages' policy refuses it"
        for linked in re.findall(r'href="(/guides[^"]*)"', markup):
            assert linked == "/guides" or linked.removeprefix("/guides/") in guides(), f"{name}: {linked}"


@pytest.mark.parametrize(
    "name", ["nothing", "../README", "deploying.md", "..%2F..%2Fetc%2Fpasswd", "configuration.schema"]
)
def test_what_is_no_guide_is_not_found(app: Flask, name: str) -> None:
    assert Browser(app).get(f"/guides/{name}").status == 404


def test_a_guide_s_text_is_escaped_and_names_of_others_are_links() -> None:
    text = (
        "# A <b>title</b>\n\nSee `trust.md`, `docs/trust.md` and `other.md`. <script>x</script> "
        "[go](javascript:alert(1))\n\n| a |\n|--:|\n| `<i>` |\n"
    )

    markup = rendered(text, "connectors/tryton", {"trust", "connectors/tryton"})

    assert markup.count('<a href="/guides/trust"><code>') == 2
    assert "<code>other.md</code>" in markup
    assert 'id="a-b-title-b"' in markup
    for raw in ("<script", "<b>", "<i>", 'href="javascript', "style="):
        assert raw not in markup
