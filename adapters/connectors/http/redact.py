"""Remove secrets from text that a vendor sent, however it wrote them: as they are, percent- or plus-encoded,
escaped for JSON or HTML, in base64 or in hexadecimal digits, or several of these one in another."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Collection
from functools import lru_cache
from html.entities import html5
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
# A shorter piece of a secret's base64 stands in other texts by chance.
SHORTEST_PIECE = 6
# One octet in Latin-1 and two in UTF-8: both are percent-encoded.
_LATIN1_BEGINS, _LATIN1_ENDS = 0x80, 0x100
_NAMES: dict[str, list[str]] = {}
for _name, _meant in html5.items():
    if _name.endswith(";"):
        _NAMES.setdefault(_meant, []).append(_name)
_SHORT_ESCAPES = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
# An encoding over another: `%2541` is `%41` encoded once more, `&amp;lt;` is `&lt;`, `\\u0041` is `\u0041`.
# Each is possessive or bounded: a hostile text must not have many ways to match, nor long ones.
_PERCENT = "%(?:25){0,8}"
# Not possessive: Python before 3.11.5 loses matches of a possessive group that has choices in it (gh-106052).
_BACKSLASH = rf"(?:\\|{_PERCENT}5[cC])"
_HASH, _SEMICOLON = f"(?:#|{_PERCENT}23)", f"(?:;|{_PERCENT}3[bB])"
_AMPERSAND = (
    f"(?:&|{_BACKSLASH}{{1,32}}u0026|{_PERCENT}26)"
    f"(?:amp{_SEMICOLON}|{_HASH}38{_SEMICOLON}|{_HASH}x26{_SEMICOLON}){{0,8}}"
)
_BACKSLASHES = re.compile(r"\\+|[^\\]", re.DOTALL)
_ENCODED = re.compile(r"[%&\\+]")


def redact(text: str, secrets: Collection[str]) -> str:
    """The text without any of the secrets in any of these forms."""
    known = frozenset(secret for secret in secrets if secret)
    if _ENCODED.search(text) is None:
        for form in _forms(known):
            text = text.replace(form, REDACTED)
        return text
    for pattern in _patterns(known):
        text = pattern.sub(REDACTED, text)
    return text


@lru_cache(maxsize=64)
def _forms(secrets: frozenset[str]) -> tuple[str, ...]:
    """The secrets, their base64 and their digits; longest first, since a secret may be a part of another."""
    written = (form for secret in secrets for form in _before_base64(secret))
    return _longest_first(secrets.union(*(_pieces(form) for form in written)))


def _before_base64(secret: str) -> set[str]:
    """The secret as a text may have it that is then written in base64: a form, a JSON text, HTML, base64."""
    plain = secret.encode("utf-8", "surrogatepass")
    return {
        secret,
        quote(plain, safe=""),
        quote_plus(plain),
        json.dumps(secret)[1:-1],
        html.escape(secret),
        base64.b64encode(plain).decode(),
    }


@lru_cache(maxsize=64)
def _patterns(secrets: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(form, is_secret=form in secrets) for form in _forms(secrets))


def _longest_first(forms: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _pieces(secret: str) -> set[str]:
    """The secret inside of base64 begins at one of three places of its groups; only signs that do not depend on
    what stands around it are its own."""
    plain = secret.encode("utf-8", "surrogatepass")
    pieces = {plain.hex(), plain.hex().upper()}
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + plain).decode()
        own = coded[(shift * 8 + 5) // 6 : (shift + len(plain)) * 8 // 6]
        pieces |= {own, own.replace("+", "-").replace("/", "_")}
    return {piece for piece in pieces if len(piece) >= SHORTEST_PIECE}


@lru_cache(maxsize=1_000)
def _pattern(form: str, *, is_secret: bool) -> re.Pattern[str]:
    """Backslashes in a row count as one, and those that a JSON text puts before the next sign belong to them:
    else there would be many ways to match them. Who encodes base64 leaves letters and digits as they are.

    A pattern takes long to compile, and of a client's secrets only its access token is ever a new one."""
    parts, after_backslash = [], False
    for signs in _BACKSLASHES.findall(form):
        is_backslash = signs.startswith("\\")
        if signs.isalnum() and not is_secret:
            parts.append(signs)
        else:
            one = _sign(signs[0], after_backslash=after_backslash)
            parts.append(f"(?>{one}{{1,256}})" if is_backslash else one)
        after_backslash = is_backslash
    return re.compile("".join(parts))


@lru_cache(maxsize=1_000)
def _sign(sign: str, *, after_backslash: bool) -> str:
    """A pattern of one character in all its forms."""
    backslash = f"{_BACKSLASH}{{0,32}}" if after_backslash else f"{_BACKSLASH}{{1,32}}"
    point, literal = ord(sign), re.escape(sign)
    utf8 = _percent(sign.encode("utf-8", "surrogatepass"))
    units = sign.encode("utf-16-be", "surrogatepass")
    hexadecimal = _any_case(f"{point:x}")
    references = [
        f"{_HASH}(?:0{{0,8}}{point}|[xX]0{{0,8}}{hexadecimal}){_SEMICOLON}?",
        *(f"{re.escape(name[:-1])}{_SEMICOLON}" for name in _NAMES.get(sign, ())),
    ]
    reference = f"&(?:amp;){{0,8}}(?:{'|'.join(references)})"
    forms = [
        utf8,
        "".join(rf"{backslash}u{_any_case(units[at : at + 2].hex())}" for at in range(0, len(units), 2)),
        f"{_AMPERSAND}(?:{'|'.join(references)})",
        # JSON puts a backslash before these, also where HTML or percents then stand for the sign.
        f"{_BACKSLASH}{{0,32}}(?:{literal}|{utf8}|{reference})" if sign in '"/' else literal,
    ]
    if _LATIN1_BEGINS <= point < _LATIN1_ENDS:
        forms.append(_percent(sign.encode("latin-1")))
    if sign == " ":
        forms.append(r"\+")
    if sign in _SHORT_ESCAPES:
        forms.append(f"{backslash}{_SHORT_ESCAPES[sign]}")
    return f"(?:{'|'.join(forms)})"


def _percent(octets: bytes) -> str:
    return "".join(f"{_PERCENT}{_any_case(f'{octet:02x}')}" for octet in octets)


def _any_case(digits: str) -> str:
    return "".join(f"[{d}{d.upper()}]" if d.isalpha() else d for d in digits)
