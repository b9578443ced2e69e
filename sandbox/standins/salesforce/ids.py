"""Record ids: 15 case-sensitive characters, or 18, where the last three encode which of the 15 are upper
case."""

import string

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
CHECK_ALPHABET = string.ascii_uppercase + "012345"
INSTANCE = "Ws0"
SHORT, LONG, GROUP = 15, 18, 5


def new_id(prefix: str, number: int) -> str:
    """The 18-character id of the `number`-th record of the object with this key prefix."""
    digits = ""
    while number:
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    head = prefix + INSTANCE
    return with_checksum(head + digits.rjust(SHORT - len(head), "0"))


def with_checksum(short: str) -> str:
    checks = ""
    for start in range(0, SHORT, GROUP):
        group = short[start : start + GROUP]
        checks += CHECK_ALPHABET[
            sum(1 << i for i, character in enumerate(group) if character in string.ascii_uppercase)
        ]
    return short + checks


def full_id(text: str) -> str | None:
    """The 18-character form of an id. An 18-character id may come in any case: its checksum restores it."""
    if not (text.isascii() and text.isalnum()):
        return None
    if len(text) == SHORT:
        return with_checksum(text)
    return _with_case_restored(text) if len(text) == LONG else None


def _with_case_restored(text: str) -> str | None:
    short = ""
    for group, check in enumerate(text[SHORT:].upper()):
        if check not in CHECK_ALPHABET:
            return None
        upper = CHECK_ALPHABET.index(check)
        part = text[group * GROUP : (group + 1) * GROUP]
        short += "".join(c.upper() if upper >> i & 1 else c.lower() for i, c in enumerate(part))
    restored = with_checksum(short)
    return restored if restored[SHORT:] == text[SHORT:].upper() else None
