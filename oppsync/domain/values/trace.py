"""W3C trace context: one `traceparent` accompanies an opportunity on every row that waits."""

from __future__ import annotations

import re
import secrets

_FORM = re.compile(r"^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")


def new_traceparent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def valid_traceparent(text: str | None) -> bool:
    """Whether `text` has the form of https://www.w3.org/TR/trace-context/ section 3.2."""
    return text is not None and _FORM.match(text) is not None
