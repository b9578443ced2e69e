"""The project's documentation as HTML: its own Markdown, without raw HTML, each guide's name a link to it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence, Set
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

_CHECKOUT = Path(__file__).parents[3]
_PLACES = (_CHECKOUT / "docs", Path(sys.prefix) / "share" / "oppsync" / "docs")


class Guide(NamedTuple):
    title: str
    body: Markup


@cache
def guides() -> Mapping[str, Path]:
    """Each guide's file by its name, such as `connectors/tryton`, from the checkout, or from where it was
    installed to; none where the documentation is nowhere."""
    docs = next((each for each in _PLACES if (each / "deploying.md").is_file()), _PLACES[0])
    names = {path.relative_to(docs).with_suffix("").as_posix(): path for path in sorted(docs.rglob("*.md"))}
    # Why it is built like this comes after how it is used.
    return dict(sorted(names.items(), key=lambda each: each[0].startswith("adr/")))


@cache
def guide(name: str) -> Guide:
    """Raises KeyError for a name that is no guide's."""
    text = guides()[name].read_text(encoding="utf-8")
    title = text.removeprefix("# ").partition("\n")[0]
    return Guide(title, rendered(text, name, guides().keys()))


def rendered(text: str, name: str, known: Set[str]) -> Markup:
    """`name`: of the guide, to which names of others are relative; `known`: all there are."""
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    return Markup(markdown.render(text, {"name": name, "known": known}))  # noqa: S704


def linked(code: str, name: str, known: Set[str]) -> str | None:
    """The guide that a file name in the text of guide `name` means, such as `trust.md` or `docs/trust.md`."""
    path = PurePosixPath(code.removeprefix("docs/"))
    if path.suffix != ".md":
        return None
    beside = (PurePosixPath(name).parent / path).with_suffix("")
    return next((each for each in (str(beside), str(path.with_suffix(""))) if each in known), None)


def slug(title: str) -> str:
    """As links within a document name a title: its words with dashes between."""
    return "-".join(re.findall(r"\w+", title.lower()))


class _Renderer(RendererHTML):
    """Methods are the tokens' names."""

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        tokens[idx].attrSet("id", slug(tokens[idx + 1].content))
        return self.renderToken(tokens, idx, options, env)

    def code_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        code = tokens[idx].content
        name = linked(code, env["name"], env["known"])
        shown = f"<code>{escape(code)}</code>"
        return f'<a href="/guides/{escape(name)}">{shown}</a>' if name else shown

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<th scope="col">'

    def td_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "<td>"

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        code = escape(tokens[idx].content)
        return (
            f'<pre class="scroll" role="region" aria-label="Commands" tabindex="0"><code>{code}</code></pre>\n'
        )
