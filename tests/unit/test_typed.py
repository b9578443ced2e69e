"""What people type: noise of floats goes, a real fraction stays; odd signs go, what people need stays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppsync.domain.deal.countries import country_code
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.reading import FieldOfCrm, Location, read_typed
from oppsync.domain.validation.table import validate
from oppsync.domain.values.findings.finding import OwnerRole
from oppsync.domain.values.typed import without_noise
from oppsync.kernel.plain_text import cleaned, escaped, quoted_in_mail
from tests.harness import builders as make


@pytest.mark.parametrize(
    ("number", "quiet"),
    [
        ("28.000000000000004", "28"),
        ("-28.000000000000004", "-28"),
        ("0.30000000000000004", "0.3"),
        ("863.9999999999999", "864"),
        ("1234567.1199999999", "1234567.12"),
        ("5.551115123125783E-17", "0"),
        ("100.00500000000001", "100.005"),
    ],
)
def test_noise_of_floats_goes(number: str, quiet: str) -> None:
    assert without_noise(Decimal(number)) == Decimal(quiet)


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "100.005",
        "33.333333333333336",
        "1234567890123.4567",
        "12345678901234567.89",
        "10000000000000000.01",
    ],
)
def test_a_real_fraction_stays(number: str) -> None:
    assert without_noise(Decimal(number)) == Decimal(number)


@given(st.integers(-(10**11), 10**11), st.integers(-(10**7), 10**7))
def test_what_floats_make_of_cents_is_those_cents(one: int, other: int) -> None:
    """A sum of two amounts, computed in floats and written out, is read as the cents it is."""
    made = Decimal(str(one / 100 + other / 100))

    assert without_noise(made) == Decimal(one + other) / 100


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15), max_value=10**15))
def test_four_decimals_are_never_noise(number: Decimal) -> None:
    assert without_noise(number) == number


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("DE", "DE"),
        ("de ", "DE"),
        ("EL", "GR"),
        ("UK", "GB"),
        ("Germany", "DE"),
        ("ALLEMAGNE", "DE"),
        ("Österreich", "AT"),
        ("osterreich", "AT"),
        ("Nederland", "NL"),
        ("The Netherlands", "NL"),
        ("U.S.A.", "US"),
        ("deu", "DE"),
        ("Great Britain", "GB"),
        ("日本", "JP"),
        ("Congo", "Congo"),
        ("Narnia", "Narnia"),
    ],
)
def test_a_country_is_understood_by_code_or_name(said: str, code: str) -> None:
    assert country_code(said) == code


def test_signs_that_nobody_types_on_purpose_go() -> None:
    assert cleaned("a\x00b\x1bc\u202ed\u2066e\ud800f") == "abcde\ufffdf"


def test_line_ends_tabs_and_joiners_stay() -> None:
    for text in (
        "one\r\ntwo\tthree\n",
        "👩\u200d💻",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u200f\u05e9\u05dc\u05d5\u05dd",
    ):
        assert cleaned(text) == text
    assert cleaned("one\rtwo\u2028three") == "one\ntwo\nthree"


def test_a_terminal_is_shown_signs_by_their_numbers() -> None:
    assert escaped("\x1b[31mred\u202e\u200b") == "\\u001b[31mred\\u202e\\u200b"
    assert escaped("Müller 👩\u200d💻\u00a0x") == "Müller 👩\u200d💻\u00a0x"


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("Portal\r\nBcc: all@example.com", "Portal Bcc: all@example[.]com"),
        ("see https://evil.example/x", "see https[:]//evil[.]example/x"),
        ("Acme Inc. Portal v2.0: phase 1", "Acme Inc. Portal v2.0: phase 1"),
        ("mailto:a@b.c", "mailto[:]a@b[.]c"),
    ],
)
def test_a_text_in_a_mail_is_neither_a_line_nor_a_link_of_its_own(name: str, quoted: str) -> None:
    assert quoted_in_mail(name) == quoted


# What somebody typed, into a deal that is sound otherwise.
SOUND = make.opportunity(make.fixed_line(), amount=Decimal(10_000)).model_dump(mode="json")


def _document(**changes: Any) -> dict[str, Any]:
    return SOUND | changes


def _read(document: dict[str, Any]) -> Opportunity:
    def field_at(location: Location) -> FieldOfCrm:
        return FieldOfCrm("/".join(map(str, location)))

    return read_typed(document, Opportunity.model_validate, field_at)


def _line(**changes: Any) -> list[dict[str, Any]]:
    (line,) = SOUND["lines"]
    return [line | changes]


@pytest.mark.parametrize(
    ("changes", "pointer", "allowed"),
    [
        (
            {"contract": {"payment_terms": "NET30", "billing_frequency": "weekly"}},
            "/contract/billing_frequency",
            "'",
        ),
        (
            {"account": make.account().model_dump() | {"country": "Narnia"}},
            "/account/country",
            "a country's name",
        ),
        ({"starts_on": "31.12.2026"}, "/starts_on", "a date such as 2026-12-31"),
        ({"custom_attributes": {"note": "x" * 2_500}}, "/custom_attributes/note", "at most 2000 characters"),
        ({"currency": "x" * 300}, "/currency", "at most 200 characters"),
        ({"lines": _line(unit="year")}, "/lines/0/unit", "'"),
        ({"lines": _line(quantity="many")}, "/lines/0/quantity", "a number"),
        ({"lines": _line(unit_price="33.333333333333336")}, "/lines/0/unit_price", "at most 10 decimals"),
        ({"lines": _line(net="12,000")}, "/lines/0/net", "a number"),
        ({"lines": _line(discount_percent="ten")}, "/lines/0/discount_percent", "a number"),
        ({"name": "x" * 2_500}, "/name", "at most 2000 characters"),
    ],
)
def test_a_typed_value_is_one_finding_for_sales_and_hides_nothing(
    changes: dict[str, Any], pointer: str, allowed: str
) -> None:
    deal = _read(_document(**changes, owner=None))

    found = validate(deal, make.facts())

    assert [(each.code, each.path) for each in found] == [
        ("FIELD_UNREADABLE", pointer),
        ("OWNER_EMAIL_MISSING", "/owner"),
    ]
    assert found[0].owner is OwnerRole.SALES
    assert allowed in found[0].message


def test_several_typed_values_come_at_once() -> None:
    lines = _line(unit="year", quantity="many")

    deal = _read(_document(starts_on="soon", lines=lines))

    assert [field.pointer for field in deal.unread] == ["/starts_on", "/lines/0/quantity", "/lines/0/unit"]


def test_a_needed_field_that_is_empty_is_missing() -> None:
    (found,) = validate(_read(_document(lines=_line(quantity=None))), make.facts())

    assert (found.code, found.path) == ("FIELD_MISSING", "/lines/0/quantity")


@pytest.mark.parametrize(
    "changes", [{"id": None}, {"modified_at": "yesterday"}, {"lines": {}}, {"surprise": 1}]
)
def test_what_no_person_types_is_not_forgiven(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        _read(_document(**changes))


def test_a_deal_without_such_values_keeps_its_document_and_digest() -> None:
    deal = _read(_document())

    assert "unread" not in deal.model_dump(mode="json")
    assert deal.content_digest() == Opportunity.model_validate(SOUND).content_digest()
