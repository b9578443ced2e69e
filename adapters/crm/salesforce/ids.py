"""Record ids: 15 case-sensitive characters, or 18, where the last three encode which of them are upper case."""

from __future__ import annotations

import re
import string

_SHORT = re.compile(r"[A-Za-z0-9]{15}")
_CHECK_LETTERS = string.ascii_uppercase + "012345"
_GROUP = 5


def full_id(text: str) -> str:
    """The 18-character form. Raises ValueError for anything but an id, and for a wrong checksum."""
    short, given = text[:15], text[15:]
    if _SHORT.fullmatch(short) is None or given not in ("", checksum(short)):
        raise ValueError("is not a Salesforce id: 15 letters and digits, or 18 with a right checksum")
    return short + checksum(short)


def checksum(short: str) -> str:
    """Three characters, one for each group of five: bit i is set when character i is upper case."""
    groups = (short[start : start + _GROUP] for start in range(0, len(short), _GROUP))
    return "".join(_CHECK_LETTERS[sum(letter.isupper() << i for i, letter in enumerate(g))] for g in groups)
