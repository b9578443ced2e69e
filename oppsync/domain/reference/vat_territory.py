"""VAT territories: where a place belongs for VAT, which is not always where its country code says.

Directive 2006/112/EC, as amended by Directives (EU) 2019/475 and 2019/2235. Article 6: parts of member states
to which it does not apply (paragraph 1: inside the customs territory, paragraph 2: outside). Article 7:
places that are taken as a part of a member state. Article 5(2): it applies where the Treaty does, which is
not so in the countries and territories of Article 355(2) TFEU and its Annex II. Since the United Kingdom left,
the Isle of Man is a part of its VAT area by the Customs and Excise Agreement of 1979. The United Kingdom's
bases on Cyprus (Article 7) have no code of their own: an account there says CY."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from stdnum.eu.vat import MEMBER_STATES

from oppsync.domain.reference.subdivisions import known_subdivisions
from oppsync.domain.values.identifiers import without_accents, without_invisible

# Northern Ireland counts for goods only.
EU = frozenset(state.upper() for state in MEMBER_STATES) - {"XI"}
_ARTICLE_6_1 = "Article 6(1) of Directive 2006/112/EC"
_ARTICLE_6_2 = "Article 6(2) of Directive 2006/112/EC"
_ARTICLE_7 = "Article 7 of Directive 2006/112/EC"
_OVERSEAS = "Article 355(2) TFEU, Article 5(2) of Directive 2006/112/EC"
_NOT_IN_TREATY = "Article 355(5)(a) TFEU, Article 5(2) of Directive 2006/112/EC"


Words = frozenset[str]


class VatArea(NamedTuple):
    """Places with the same `code` are domestic to each other. `name` is what people call the place. `source`
    is the law that puts the place into another area than its country's; None where it is in its country's."""

    code: str
    name: str
    in_union: bool
    source: str | None = None


class Doubt(StrEnum):
    """Why an address does not show which VAT area it is in."""

    NOTHING_TELLS = "nothing tells"  # neither state nor postal code
    NOT_KNOWN = "not known"  # what it has is none of the country's
    CONTRADICTS = "contradicts"  # state and postal code are in different areas


class Place(NamedTuple):
    area: VatArea
    doubt: Doubt | None = None


class _Territory(NamedTuple):
    """A place that is not where its country code says: known by its own country code, by subdivisions of ISO
    3166-2 (without the country) or words of their names, or by postal codes of the country. It may be a part of
    the subdivisions it is `within`, which tell nothing then."""

    area: VatArea
    codes: tuple[str, ...] = ()
    country: str = ""
    subdivisions: tuple[str, ...] = ()
    postal_codes: str = ""
    within: tuple[str, ...] = ()


def _outside(code: str, name: str, source: str) -> VatArea:
    return VatArea(code, name, in_union=False, source=source)


_TERRITORIES = (
    _Territory(VatArea("FR", "Monaco", True, _ARTICLE_7), ("MC",), "FR", ("MC", "monaco"), "980[0-9]{2}"),
    _Territory(
        VatArea("GB", "the Isle of Man", False, "the Customs and Excise Agreement of 1979"),
        ("IM",), "GB", ("IM", "IOM", "isle of man"), "IM[0-9].*",
    ),
    _Territory(_outside("GG", "Guernsey", _ARTICLE_6_1), ("GG",), "GB", ("GG", "guernsey"), "GY[0-9].*"),
    _Territory(_outside("JE", "Jersey", _ARTICLE_6_1), ("JE",), "GB", ("JE", "jersey"), "JE[0-9].*"),
    _Territory(
        _outside("ES-CN", "the Canary Islands", _ARTICLE_6_1),
        ("IC",), "ES",
        ("CN", "GC", "TF", "canarias", "canaria", "canaries", "canary", "canaren", "kanaren", "kanarische",
         "las palmas", "tenerife", "teneriffa", "lanzarote", "fuerteventura", "la palma", "la gomera", "gomera",
         "el hierro", "la graciosa"),
        "(35|38)[0-9]{3}",
    ),
    # EA is reserved for both cities.
    _Territory(_outside("ES-CE", "Ceuta", _ARTICLE_6_2), (), "ES", ("CE", "ceuta"), "51[0-9]{3}"),
    _Territory(_outside("ES-ML", "Melilla", _ARTICLE_6_2), (), "ES", ("ML", "melilla"), "52[0-9]{3}"),
    _Territory(_outside("EA", "Ceuta or Melilla", _ARTICLE_6_2), ("EA",), "ES"),
    _Territory(
        _outside("MF", "Saint Martin", _ARTICLE_6_1), ("MF",), "FR",
        ("MF", "978", "saint martin", "st martin"), "97150|978[0-9]{2}",
    ),
    _Territory(
        _outside("BL", "Saint Barthélemy", _OVERSEAS), ("BL",), "FR",
        ("BL", "977", "barthelemy"), "97133|977[0-9]{2}",
    ),
    _Territory(
        _outside("GP", "Guadeloupe", _ARTICLE_6_1), ("GP",), "FR", ("GP", "971", "guadeloupe"),
        "971[0-9]{2}",
    ),
    _Territory(
        _outside("MQ", "Martinique", _ARTICLE_6_1), ("MQ",), "FR", ("MQ", "972", "martinique"),
        "972[0-9]{2}",
    ),
    _Territory(
        _outside("GF", "French Guiana", _ARTICLE_6_1), ("GF",), "FR", ("GF", "973", "guyane", "guiana"),
        "973[0-9]{2}",
    ),
    _Territory(_outside("RE", "Réunion", _ARTICLE_6_1), ("RE",), "FR", ("RE", "974", "reunion"), "974[0-9]{2}"),
    _Territory(_outside("YT", "Mayotte", _ARTICLE_6_1), ("YT",), "FR", ("YT", "976", "mayotte"), "976[0-9]{2}"),
    _Territory(
        _outside("PM", "Saint Pierre and Miquelon", _OVERSEAS), ("PM",), "FR", ("PM", "975", "miquelon"),
        "975[0-9]{2}",
    ),
    _Territory(
        _outside("TF", "the French Southern Territories", _OVERSEAS), ("TF",), "FR",
        ("TF", "984", "terres australes", "southern territories"), "984[0-9]{2}",
    ),
    _Territory(
        _outside("WF", "Wallis and Futuna", _OVERSEAS), ("WF",), "FR", ("WF", "986", "wallis", "futuna"),
        "986[0-9]{2}",
    ),
    _Territory(
        _outside("PF", "French Polynesia", _OVERSEAS), ("PF",), "FR",
        ("PF", "987", "polynesie", "polynesia", "tahiti"), "987[0-9]{2}",
    ),
    _Territory(
        _outside("NC", "New Caledonia", _OVERSEAS), ("NC",), "FR",
        ("NC", "988", "caledonie", "caledonia"), "988[0-9]{2}",
    ),
    _Territory(_outside("AW", "Aruba", _OVERSEAS), ("AW",), "NL", ("AW", "aruba")),
    _Territory(_outside("CW", "Curaçao", _OVERSEAS), ("CW",), "NL", ("CW", "curacao")),
    _Territory(
        _outside("SX", "Sint Maarten", _OVERSEAS), ("SX",), "NL", ("SX", "sint maarten", "st maarten"),
    ),
    _Territory(
        _outside("BQ", "the Caribbean Netherlands", _OVERSEAS), ("BQ",), "NL",
        ("BQ", "BQ1", "BQ2", "BQ3", "bonaire", "saba", "eustatius", "caribbean", "caribisch"),
    ),
    _Territory(
        _outside("GL", "Greenland", _OVERSEAS), ("GL",), "DK",
        ("GL", "greenland", "gronland", "grønland", "kalaallit"), "39[0-9]{2}",
    ),
    _Territory(
        _outside("FO", "the Faroe Islands", _NOT_IN_TREATY), ("FO",), "DK",
        ("FO", "faroe", "faeroe", "faroer", "faroerne", "færøerne", "foroyar", "føroyar"),
    ),
    _Territory(
        _outside("AX", "Åland", _ARTICLE_6_1), ("AX",), "FI",
        ("01", "AX", "aland", "ahvenanmaa", "ahvenanmaan"), "22[0-9]{3}",
    ),
    _Territory(
        _outside("GR-69", "Mount Athos", _ARTICLE_6_1), (), "GR",
        ("69", "athos", "agion oros", "agio oros", "άγιο όρος", "άγιον όρος"), "6308[67]",
        ("B", "macedonia", "makedonia", "chalkidiki", "halkidiki", "μακεδονια"),
    ),
    _Territory(
        _outside("IT-CAMPIONE", "Campione d'Italia", _ARTICLE_6_1), (), "IT", ("campione",), "22061",
        ("CO", "25", "como", "lombardia", "lombardy"),
    ),
    _Territory(
        _outside("IT-LIVIGNO", "Livigno", _ARTICLE_6_2), (), "IT", ("livigno",), "23041",
        ("SO", "25", "sondrio", "lombardia", "lombardy"),
    ),
    _Territory(
        _outside("DE-BUESINGEN", "Büsingen", _ARTICLE_6_2), (), "DE", ("büsingen", "buesingen"), "78266",
        ("BW", "baden württemberg", "baden wuerttemberg"),
    ),
    _Territory(
        _outside("DE-HELGOLAND", "Heligoland", _ARTICLE_6_2), (), "DE", ("helgoland", "heligoland"), "27498",
        ("SH", "schleswig holstein"),
    ),
)  # fmt: skip

# Of the areas that are not where their country code says.
AREA_CODES = frozenset(each.area.code for each in _TERRITORIES)
_BY_CODE = {code: each for each in _TERRITORIES for code in each.codes}
# Places with a country code of their own, the VAT territories among them, that people also write as the country
# they belong to (ISO 3166-2 lists them as its subdivisions).
_BELONG_TO = {code: each.country for each in _TERRITORIES for code in each.codes if each.country} | {
    "AS": "US", "GU": "US", "MP": "US", "PR": "US", "VI": "US", "SJ": "NO",
}  # fmt: skip
_BY_COUNTRY = {
    country: tuple(each for each in _TERRITORIES if each.country == country)
    for country in {each.country for each in _TERRITORIES}
}
# Countries whose part in another VAT area has many firms and no ISO country code of its own, so that an address
# without state and postal code is told. Elsewhere such a part has a code that people write (Åland, Réunion), or
# is a village (Büsingen, Livigno): to ask for every German address would teach people not to read.
_TOLD_WITHOUT_ADDRESS = frozenset({"ES"})
# What stands alone in a postal code, whatever people write before and after it.
_POSTAL_CODES = dict.fromkeys(("DE", "FI", "GR", "IT"), "[0-9]{5}") | {
    "DK": "[0-9]{4}",
    "ES": "(?:0[1-9]|[1-4][0-9]|5[0-2])[0-9]{3}",
    "FR": "(?:0[1-9]|[1-9][0-9])[0-9]{3}",
    "NL": "[1-9][0-9]{3}",
}
_LONGEST_CODE = 3


def may_be_one_country(one: str, other: str) -> bool:
    """Whether two addresses with these country codes may be in one place: Monaco is also written as France."""
    return one == other or _BELONG_TO.get(one) == other or _BELONG_TO.get(other) == one


def places_outside(country: str) -> tuple[str, ...]:
    """Name the country's parts that are in another VAT area than the rest, and known by an address."""
    told = (each for each in _BY_COUNTRY.get(country, ()) if each.subdivisions or each.postal_codes)
    return tuple(each.area.name for each in told if each.area.code != country)


def vat_area(country: str, subdivision: str | None = None, postal_code: str | None = None) -> VatArea:
    """The VAT area of an address: its country code (ISO 3166-1 alpha-2), subdivision and postal code."""
    return place_of(country, subdivision, postal_code).area


def place_of(country: str, subdivision: str | None = None, postal_code: str | None = None) -> Place:
    """The VAT area of an address, and what makes it doubtful. A territory that either of the two names comes
    before the rest of the country."""
    if country in _BY_CODE:
        return Place(_BY_CODE[country].area)
    rest = VatArea(country, country, country in EU)
    if country not in _BY_COUNTRY:
        return Place(rest)
    by_state = _by_state(country, _words(subdivision or "", country), rest)
    by_post = _by_postal_code(country, postal_code or "", rest)
    told = [each for each in (by_post, by_state) if each is not None and each != _TELLS_NOTHING]
    area = next((each for each in told if each != rest), rest)
    if len({each.code for each in told}) > 1:
        return Place(area, Doubt.CONTRADICTS)
    if told or by_state == _TELLS_NOTHING:
        return Place(area)
    if any(text and text.strip() for text in (subdivision, postal_code)):
        return Place(area, Doubt.NOT_KNOWN)
    return Place(area, Doubt.NOTHING_TELLS if country in _TOLD_WITHOUT_ADDRESS else None)


# Of a subdivision that holds a territory and other places.
_TELLS_NOTHING = VatArea("", "", in_union=False)


def _by_state(country: str, state: Words, rest: VatArea) -> VatArea | None:
    """None where the subdivision is missing or not known."""
    territories = _BY_COUNTRY[country]
    for each in territories:
        if _is_named(state, _all_words(each.subdivisions, country)):
            return each.area
    if any(_is_named(state, _all_words(each.within, country)) for each in territories):
        return _TELLS_NOTHING
    return rest if _is_named(state, _known(country)) else None


def _by_postal_code(country: str, postal_code: str, rest: VatArea) -> VatArea | None:
    """None where the postal code is missing or none of the country."""
    post = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", without_invisible(postal_code))).upper()
    if country in _POSTAL_CODES:
        alone = re.findall(rf"(?<![0-9]){_POSTAL_CODES[country]}(?![0-9])", post)
        post = alone[0] if len(alone) == 1 else ""
    for each in _BY_COUNTRY[country]:
        if each.postal_codes and re.fullmatch(each.postal_codes, post):
            return each.area
    return rest if post else None


def _is_named(state: Words, names: tuple[Words, ...]) -> bool:
    """Whether the state has all words of one of the names, or is one of their codes and no more than that."""
    return any(name == state if _is_code(name) else name <= state for name in names)


def _is_code(name: Words) -> bool:
    return all(len(word) <= _LONGEST_CODE for word in name)


@cache
def _known(country: str) -> tuple[Words, ...]:
    return _all_words(known_subdivisions(country), country)


@cache
def _all_words(names: tuple[str, ...], country: str) -> tuple[Words, ...]:
    """Used for names of our own tables only: what is cached is not what people type."""
    return tuple(_words(name, country) for name in names)


def _words(name: str, country: str) -> Words:
    """`ES-GC`, `gc` and `GC` are the same; accents, capital letters and punctuation do not count."""
    words = re.findall(r"\w+", without_accents(without_invisible(name)).casefold())
    return frozenset(words[1:] if len(words) > 1 and words[0] == country.casefold() else words)
