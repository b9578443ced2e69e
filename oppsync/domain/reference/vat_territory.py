"""VAT territories: where a place belongs for VAT, which is not always where its country code says.

Directive 2006/112/EC, as amended by Directives (EU) 2019/475 and 2019/2235. Article 6: parts of member states
to which it does not apply (paragraph 1: inside the customs territory, paragraph 2: outside). Article 7:
places that are taken as a part of a member state. Since the United Kingdom left, the Isle of Man is a part of
its VAT area by the Customs and Excise Agreement of 1979. The United Kingdom's bases on Cyprus (Article 7)
have no code of their own: an account there says CY."""

from __future__ import annotations

import re
from typing import NamedTuple

from stdnum.eu.vat import MEMBER_STATES

from oppsync.domain.values.identifiers import without_accents

# Northern Ireland counts for goods only.
EU = frozenset(state.upper() for state in MEMBER_STATES) - {"XI"}
_ARTICLE_6_1 = "Article 6(1) of Directive 2006/112/EC"
_ARTICLE_6_2 = "Article 6(2) of Directive 2006/112/EC"
_ARTICLE_7 = "Article 7 of Directive 2006/112/EC"


class VatArea(NamedTuple):
    """Places with the same `code` are domestic to each other. `name` is what people call the place. `source`
    is the law that puts the place into another area than its country's; None where it is in its country's."""

    code: str
    name: str
    in_union: bool
    source: str | None = None


class _Territory(NamedTuple):
    """A place that is not where its country code says: known by its own country code, by subdivisions of ISO
    3166-2 (without the country) or their names, or by postal codes of the country."""

    area: VatArea
    codes: tuple[str, ...] = ()
    country: str = ""
    subdivisions: tuple[str, ...] = ()
    postal_codes: str = ""


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
        ("CN", "GC", "TF", "canarias", "canary islands", "las palmas", "gran canaria", "santa cruz de tenerife",
         "tenerife"),
        "(35|38)[0-9]{3}",
    ),
    # EA is reserved for both cities.
    _Territory(_outside("ES-CE", "Ceuta", _ARTICLE_6_2), (), "ES", ("CE", "ceuta"), "51[0-9]{3}"),
    _Territory(_outside("ES-ML", "Melilla", _ARTICLE_6_2), (), "ES", ("ML", "melilla"), "52[0-9]{3}"),
    _Territory(_outside("EA", "Ceuta or Melilla", _ARTICLE_6_2), ("EA",), "ES"),
    _Territory(
        _outside("GP", "Guadeloupe", _ARTICLE_6_1), ("GP",), "FR", ("GP", "971", "guadeloupe"),
        "971[0-9]{2}",
    ),
    _Territory(
        _outside("MQ", "Martinique", _ARTICLE_6_1), ("MQ",), "FR", ("MQ", "972", "martinique"),
        "972[0-9]{2}",
    ),
    _Territory(
        _outside("GF", "French Guiana", _ARTICLE_6_1), ("GF",), "FR",
        ("GF", "973", "guyane", "guyane francaise", "french guiana"), "973[0-9]{2}",
    ),
    _Territory(
        _outside("RE", "Réunion", _ARTICLE_6_1), ("RE",), "FR", ("RE", "974", "reunion", "la reunion"),
        "974[0-9]{2}",
    ),
    _Territory(_outside("YT", "Mayotte", _ARTICLE_6_1), ("YT",), "FR", ("YT", "976", "mayotte"), "976[0-9]{2}"),
    _Territory(
        _outside("MF", "Saint Martin", _ARTICLE_6_1), ("MF",), "FR",
        ("MF", "978", "saint martin", "saint-martin"),
    ),
    _Territory(
        _outside("AX", "Åland", _ARTICLE_6_1), ("AX",), "FI",
        ("01", "AX", "aland", "aland islands", "ahvenanmaa", "landskapet aland"), "22[0-9]{3}",
    ),
    _Territory(
        _outside("GR-69", "Mount Athos", _ARTICLE_6_1), (), "GR",
        ("69", "mount athos", "agion oros", "agio oros"), "6308[67]",
    ),
    _Territory(_outside("IT-CAMPIONE", "Campione d'Italia", _ARTICLE_6_1), (), "IT", (), "22061"),
    _Territory(_outside("IT-LIVIGNO", "Livigno", _ARTICLE_6_2), (), "IT", (), "23041"),
    _Territory(_outside("DE-BUESINGEN", "Büsingen", _ARTICLE_6_2), (), "DE", (), "78266"),
    _Territory(_outside("DE-HELGOLAND", "Heligoland", _ARTICLE_6_2), (), "DE", (), "27498"),
)  # fmt: skip

_BY_CODE = {code: each for each in _TERRITORIES for code in each.codes}
# Places with a country code of their own, the VAT territories among them, that people also write as the country
# they belong to (ISO 3166-2 lists them as its subdivisions).
_BELONG_TO = {code: each.country for each in _TERRITORIES for code in each.codes if each.country} | {
    "BL": "FR", "NC": "FR", "PF": "FR", "PM": "FR", "WF": "FR",
    "AS": "US", "GU": "US", "MP": "US", "PR": "US", "VI": "US",
    "AW": "NL", "BQ": "NL", "CW": "NL", "SX": "NL",
    "FO": "DK", "GL": "DK", "SJ": "NO",
}  # fmt: skip
# Countries with a part in another VAT area that has no country code of its own: only an address shows it.
TOLD_BY_ADDRESS = frozenset({"ES"})


def may_be_one_country(one: str, other: str) -> bool:
    """Whether two addresses with these country codes may be in one place: Monaco is also written as France."""
    return one == other or _BELONG_TO.get(one) == other or _BELONG_TO.get(other) == one


def vat_area(country: str, subdivision: str | None = None, postal_code: str | None = None) -> VatArea:
    """The VAT area of an address: its country code (ISO 3166-1 alpha-2), subdivision and postal code."""
    if country in _BY_CODE:
        return _BY_CODE[country].area
    state = _compared(subdivision, country)
    post = (postal_code or "").replace(" ", "").upper()
    for each in _TERRITORIES:
        if each.country != country:
            continue
        names = {_compared(name, country) for name in each.subdivisions}
        if (state and state in names) or (each.postal_codes and re.fullmatch(each.postal_codes, post)):
            return each.area
    return VatArea(country, country, country in EU)


def _compared(name: str | None, country: str) -> str:
    """`ES-GC`, `gc` and `GC` are the same; accents and capital letters do not count."""
    return without_accents(name or "").casefold().removeprefix(f"{country.casefold()}-").strip()
