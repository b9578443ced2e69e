"""The sign-in page, also shown for a form whose session ended before it was sent."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template

from web.forms import FormError


def render(
    *,
    next_: str,
    kept: Mapping[str, str] | None = None,
    email: str = "",
    errors: list[FormError] | None = None,
    notice: str = "",
) -> str:
    return render_template(
        "sign_in/page.html", next=next_, kept=kept or {}, email=email, errors=errors or [], notice=notice
    )
