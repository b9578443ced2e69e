"""Redact bodies for people: no secrets, tokens or personal data, and of limited size.

Fields are recognised by name, in JSON of any shape. E-mail addresses are removed everywhere. A name or a
telephone number in free text is not recognised.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from adapters.connectors.http.redact import REDACTED, redact
from oppsync.kernel import canonical_json

LONGEST = 2_000
LONGEST_TARGET = 500
# Larger bodies are not worth the time; only their size is kept.
LONGEST_READ = 64 * 1024
DEEPEST = 40

SECRET, PERSONAL = REDACTED, "[personal]"
# Parts of field names, in lower case and without punctuation.
_SECRET = re.compile(
    "password|passwd|secret|token|apikey|restkey|privatekey|authorization|signature|sessionid|credential|cookie"
    "|assertion"
)
_PERSONAL = re.compile(
    "email|phone|mobile|fax|street|address|postal|zipcode|birth|firstname|lastname|fullname|iban|salutation"
)
# Fields that hold a person: names inside them are personal data too.
_PEOPLE = re.compile("owner|contact|user|createdby|modifiedby|employee|manager|approver|person")
_NAME = re.compile("name|title")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+", re.IGNORECASE)
# Matched only where a name begins, because trying each letter of a long query costs milliseconds.
_FIELD = re.compile(rf"(?<![\w-])([\w-]*(?:{_SECRET.pattern}|key)[\w-]*=)[^&\s]+", re.IGNORECASE)


def redacted_body(body: bytes | None, secrets: Collection[str]) -> str | None:
    """The body redacted; None for an empty body."""
    if not body:
        return None
    if len(body) > LONGEST_READ:
        return f"({len(body)} bytes)"
    try:
        known = canonical_json.dumps(_walked(canonical_json.loads(body), people=False, depth=0))
        text = redact(known, secrets)
    except canonical_json.UnreadableJson:
        text = _without_fields(redact(body.decode("utf-8", "replace"), secrets))
    return _cut(_without_addresses(text), LONGEST, len(body))


def redacted_target(target: str, secrets: Collection[str]) -> str:
    """The path and query redacted."""
    text = _without_addresses(_without_fields(redact(target, secrets)))
    return _cut(text, LONGEST_TARGET, len(target))


def _walked(value: Any, *, people: bool, depth: int) -> Any:
    if depth > DEEPEST:
        return SECRET
    match value:
        case dict():
            return {name: _of_field(name, inside, people=people, depth=depth) for name, inside in value.items()}
        case list():
            return [_walked(inside, people=people, depth=depth + 1) for inside in value]
        case _:
            return value


def _of_field(name: str, value: Any, *, people: bool, depth: int) -> Any:
    plain = _plain_name(name)
    if isinstance(value, dict | list):
        return _walked(value, people=people or bool(_PEOPLE.search(plain)), depth=depth + 1)
    if value is None or isinstance(value, bool):
        return value
    if _SECRET.search(plain):
        return SECRET
    if isinstance(value, str) and value and (_PERSONAL.search(plain) or (people and _NAME.search(plain))):
        return PERSONAL
    return value


@lru_cache(maxsize=1_000)
def _plain_name(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


# Secrets go first: one may hold what looks like a field or an address, and would be removed in part only.
def _without_fields(text: str) -> str:
    return _FIELD.sub(rf"\1{SECRET}", text)


def _without_addresses(text: str) -> str:
    return _MAIL.sub(PERSONAL, text).replace("\x00", "")


def _cut(text: str, longest: int, size: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({size} bytes)"
