"""Countries as people write them: by code, or by name in a language of the countries we do business in."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale
from babel.core import get_global

from oppsync.domain.values.identifiers import without_accents

# Of the European Union's members and of those next to it, and the most spoken ones of the world.
_LANGUAGES = (
    *(
        "en",
        "de",
        "fr",
        "es",
        "it",
        "pt",
        "nl",
        "pl",
        "cs",
        "sk",
        "sl",
        "hr",
        "hu",
        "ro",
        "bg",
        "el",
        "da",
        "sv",
    ),
    *(
        "fi",
        "et",
        "lv",
        "lt",
        "mt",
        "ga",
        "nb",
        "is",
        "sq",
        "sr",
        "mk",
        "uk",
        "ru",
        "tr",
        "ar",
        "he",
        "hi",
        "ja",
    ),
    *("ko", "zh"),
)
# What the EU's own texts call these two.
_ALSO_KNOWN_AS = {"EL": "GR", "UK": "GB"}
# Names in use that CLDR does not list as one.
_IN_USE = {
    "america": "US",
    "hongkong": "HK",
    "thenetherlands": "NL",
    "macao": "MO",
    "unitedstatesofamerica": "US",
    "greatbritain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "holland": "NL",
    "czechrepublic": "CZ",
    "republicofireland": "IE",
    "eire": "IE",
    "republicofkorea": "KR",
}
# One name of two countries, and areas of CLDR that are none.
_OF_TWO = {"congo", "korea"}
_NO_COUNTRY = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
_CODE_LETTERS = 2


def country_code(text: str) -> str:
    """The ISO 3166 code of a country's code or name; a text that is neither, or that names two, as it is."""
    typed = text.strip()
    code = typed.upper()
    if len(code) == _CODE_LETTERS and code.isascii() and code.isalpha():
        return _ALSO_KNOWN_AS.get(code, code)
    return _codes_by_name().get(_key(typed), typed)


def is_country(code: str) -> bool:
    """Whether it is the code of a country that a name may be read as: those of ISO 3166, and the few in use
    beside them, such as Kosovo's."""
    return code in _codes()


@cache
def _codes() -> frozenset[str]:
    return frozenset(filter(_is_code, Locale("en").territories))


def _is_code(code: str) -> bool:
    return len(code) == _CODE_LETTERS and code.isalpha() and code not in _NO_COUNTRY


@cache
def _codes_by_name() -> dict[str, str]:
    """Built when the first name comes: most CRMs keep codes."""
    found: dict[str, set[str]] = {}
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if _is_code(code):
                found.setdefault(_key(name), set()).add(code)
    for alias, codes in get_global("territory_aliases").items():
        if len(alias) == _CODE_LETTERS + 1 and alias.isalpha() and len(codes) == 1:
            found.setdefault(_key(alias), set()).update(codes)
    one = {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1 and name not in _OF_TWO}
    return one | _IN_USE


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", without_accents(name).casefold())
