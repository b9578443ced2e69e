"""Passwords that are guessed early, by zxcvbn: https://github.com/dwolfhub/zxcvbn-python"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from zxcvbn import zxcvbn

from adapters.identity.common_words import COMMON_WORDS

# Of 0 to 4. `Password2026!!` has 3: a word, a year and two signs.
_LEAST_SCORE = 4
# What comes after these would make it only harder to guess, and takes long to judge.
_JUDGED = 72
# Letters besides known words; fewer are an ending, as in `Sommer-2026-Xy`.
_FEWEST_OF_ITS_OWN = 3
# Shorter names are in too many words.
_SHORTEST_NAME = 3


class CommonPasswords:
    """Implements `oppsync.ports.identity.PasswordCheck`."""

    def is_common(self, password: str, about: Sequence[str]) -> bool:
        judged = password[:_JUDGED]
        names = [each for each in map(_letters, about) if len(each) >= _SHORTEST_NAME]
        if _own_letters(judged, names) < _FEWEST_OF_ITS_OWN and any(map(str.isalpha, judged)):
            return True
        known = [*about, *names, *sorted(COMMON_WORDS)]
        return int(zxcvbn(judged, user_inputs=known)["score"]) < _LEAST_SCORE


def _own_letters(password: str, names: Iterable[str]) -> int:
    """How many letters it has besides common words and what is about the person and the firm."""
    known = sorted({*COMMON_WORDS, *names}, key=len, reverse=True)
    return len(re.sub("|".join(known), "", _letters(password)))


def _letters(text: str) -> str:
    """Keep the letters of a text in any script, in lower case, without accents."""
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKD", text).casefold()))
