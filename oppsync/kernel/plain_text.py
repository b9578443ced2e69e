"""Text that people typed or that came from outside: cleaned once where it comes in, shown without tricks.

Joiners (U+200C, U+200D) stay everywhere: emoji and Persian are not written without them.
"""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\u200c\u200d"
_BIDI = "\u202a-\u202e\u2066-\u2069"
_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("[\x0b\x0c\x85\u2028\u2029]|\r(?!\n)")
_UNWANTED = re.compile(f"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f{_BIDI}]")
# What mail programs make a link of: a scheme with its colon, and the dot of a host's name.
_LINK_COLON = re.compile(r"(?i)(?<=\w):(?=//)|(?<=\bmailto):|(?<=\btel):|(?<=\bsms):|(?<=\bdata):")
_HOST_DOT = re.compile(r"(?<=\w)\.(?=[^\W\d_])")
_LONGEST_QUOTE = 200
_LAST_OF_16_BITS = 0xFFFF


def without_half_pairs(text: str) -> str:
    """The replacement character for half a surrogate pair, which can be neither stored nor sent."""
    return _SURROGATES.sub("\ufffd", text)


def cleaned(text: str) -> str:
    """Without what nobody types on purpose: half a surrogate pair, controls but tab and line end, and signs
    that turn the direction of what follows. Other line ends become the usual one."""
    return _UNWANTED.sub("", _LINE_ENDS.sub("\n", without_half_pairs(text)))


def escaped(text: str) -> str:
    """For a terminal: every sign that does not print, spaces and the joiners excepted, as its `\\u` escape."""
    if text.isprintable():
        return text
    return "".join(sign if _is_harmless(sign) else _escape(sign) for sign in text)


def quoted_in_mail(text: str) -> str:
    """A text of somebody else inside a sentence of ours: on one line, not endless, and no link."""
    line = " ".join(cleaned(text).split())
    line = _HOST_DOT.sub("[.]", _LINK_COLON.sub("[:]", line))
    return line if len(line) <= _LONGEST_QUOTE else f"{line[: _LONGEST_QUOTE - 1]}…"


def _is_harmless(sign: str) -> bool:
    return sign.isprintable() or sign in _JOINERS or unicodedata.category(sign) == "Zs"


def _escape(sign: str) -> str:
    code = ord(sign)
    if code > _LAST_OF_16_BITS:
        # As JSON writes it, so that an escaped document means the same.
        high, low = divmod(code - _LAST_OF_16_BITS - 1, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{code:04x}"
