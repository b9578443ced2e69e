"""Require a session before pages. Without one only sign-in shows, and it leads back with the typed text
kept."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from oppsync.domain.approval.who_may import Action, check
from oppsync.kernel.settings import Settings
from web.access.sign_in_page import render
from web.context import application, sign_in_as

# Text fields that survive a sign-in. A decision does not: it is made again, in sight of the plan.
KEPT_FIELDS = ("comment", "reason", "given_up_because", "remark", "withdrawal", "reassignment")
SECOND_FACTOR = "second_factor"  # the one page of who has to set one up first
_COOKIE_ROOM = 2_000  # compressed bytes; browsers drop cookies over 4 KiB


def admit(action: Action) -> ResponseReturnValue | None:
    """None when the session's person may do this; the redirect to sign-in without a session, or to the second
    factor that a role of theirs asks for. Raises Forbidden for a person who may not."""
    found = application().session(session_secret())
    if found is None:
        return _to_sign_in()
    sign_in_as(found)
    check(found.person, action)
    if found.lacks_second_factor and request.blueprint != SECOND_FACTOR:
        return redirect(url_for(f"{SECOND_FACTOR}.show"), 303)
    return None


def session_secret() -> str:
    return request.cookies.get(cookie_name(application().settings), "")


def cookie_name(settings: Settings) -> str:
    return "__Host-session" if settings.secure_cookies else "session"


def _to_sign_in() -> ResponseReturnValue:
    if request.method != "POST":
        back = request.full_path.rstrip("?")
        return redirect(url_for("sign_in.show", next=back), 303)
    kept = {name: request.form[name] for name in KEPT_FIELDS if request.form.get(name)}
    notice = "Your session ended before this was recorded. Sign in to go on; what you wrote is kept."
    return Response(render(next_=request.path, kept=kept, notice=notice), status=401)


def local_path(text: str | None) -> str:
    """`text` when it is a path of this site, else `/`, so that signing in never leads to another site."""
    if not text or not text.isprintable() or "\\" in text:
        return "/"
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//"):
        return "/"
    return text


def keep_input(path: str, fields: Mapping[str, str]) -> None:
    """Keep text for the page at `path`, for one showing, in the signed form cookie, if it fits there."""
    kept = {name: fields[name] for name in KEPT_FIELDS if fields.get(name)}
    if kept and len(zlib.compress(json.dumps(kept).encode())) <= _COOKIE_ROOM:
        session["kept"] = {"path": path, "fields": kept}


def kept_input() -> dict[str, str]:
    """Remove and return the text kept for this page."""
    kept = session.get("kept")
    if not kept or kept["path"] != request.path:
        return {}
    session.pop("kept")
    fields: dict[str, str] = kept["fields"]
    return fields
