"""Identifiers are compared in one normal form, so different spellings are still the same thing."""

from __future__ import annotations

import pytest

from oppsync.domain.values.identifiers import (
    customer_code_key,
    email_key,
    invisible_characters,
    invisible_in_name,
    is_same_tax_id,
    name_key,
    names_are_alike,
    tax_id_key,
)


@pytest.mark.parametrize(
    "written",
    [
        "cust-1001",
        " CUST-1001 ",
        "CUST-1001\u200b",
        "\u2060CUST-1001",
        "\uff23UST-100\uff11",
        "Cust\u00ad-1001",
        "CUST-1001\ufe0f",
        "CUST\u034f-1001",
        "CUST-\u31641001",
        "CUST-\u115f10\u116001",
        "CUST-\uffa01001",
        "CUST-1001\u2800",
        "CUST-\u180b1001\u180d",
        "CUST-1001\U000e0100",
    ],
)
def test_a_customer_code_is_the_same_however_it_is_typed(written: str) -> None:
    assert customer_code_key(written) == customer_code_key("CUST-1001")


def test_other_codes_stay_other_codes() -> None:
    assert len({customer_code_key(code) for code in ("CUST-1001", "CUST-1010", "CUST1001", "CUST-1001A")}) == 4


@pytest.mark.parametrize(
    "written", ["DE 136 695 976", "de136695976", "DE-136.695.976", "DE136695976\u200b", "DE/136/695/976"]
)
def test_a_tax_id_is_the_same_in_any_usual_spelling(written: str) -> None:
    assert tax_id_key(written) == "DE136695976"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("CHE-116.281.710 MWST", "CHE116281710", True),
        ("CHE-116.281.710 MWST", "CHE-116.281.710 TVA", True),
        ("CHE-116.281.710 IVA", "CHE-107.787.577 IVA", False),
        ("BE403170701", "BE0403170701", True),
        ("403.170.701", "BE 0403.170.701", True),
        ("EL094259216", "GR 094259216", True),
        ("094259216", "EL094259216", True),
        ("DE136695976", "FR136695976", False),
        ("DE", "DE", True),
        ("DE", "", False),
        ("", "", False),
    ],
)
def test_a_tax_id_is_one_number_with_and_without_what_a_country_lets_people_leave_out(
    one: str, other: str, same: bool
) -> None:
    assert is_same_tax_id(one, other) is same
    assert is_same_tax_id(other, one) is same


@pytest.mark.parametrize(
    "written",
    [
        "Sam.Seller@example.com",
        "sam.seller+crm@example.com",
        "sam.seller@example.com.invalid",
        "sam.seller@example.com.",
        "sam.seller\u200b@example.com",
        "sam.seller\ufe0f@example.com",
        "sam.seller+a+b@EXAMPLE.com.invalid",
    ],
)
def test_an_address_with_a_tag_or_a_sandbox_suffix_is_of_the_same_person(written: str) -> None:
    assert email_key(written) == "sam.seller@example.com"


def test_other_people_stay_other_people() -> None:
    assert email_key("sam@example.com") != email_key("sam@example.org")
    assert email_key("sam.seller@example.com") != email_key("samseller@example.com")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Globex GmbH", "GLOBEX G.m.b.H.", True),
        ("Globex", "Globex Deutschland GmbH", True),
        ("Société Générale SA", "Societe Generale", True),
        ("Umbrela SAS", "Umbrella S.A.S.", True),
        ("Teide Servicios SL", "Nordbank AG", False),
        ("Initech Inc", "Initrode Inc", False),
        # Without a word there is nothing alike.
        ("!!!", "Globex GmbH", False),
        ("\ufe0f", "Globex GmbH", False),
        ("!!!", "!!!", True),
    ],
)
def test_names_that_may_be_of_one_company(one: str, other: str, alike: bool) -> None:
    assert names_are_alike(one, other) is alike
    assert names_are_alike(other, one) is alike


def test_a_name_that_is_only_a_legal_form_is_still_a_name() -> None:
    assert name_key("Co. Ltd") == "co ltd"


def test_characters_nobody_can_see_are_named() -> None:
    assert invisible_characters("CUST\u200b-10\u202e01\u200b") == (
        "U+200B ZERO WIDTH SPACE",
        "U+202E RIGHT-TO-LEFT OVERRIDE",
    )
    assert invisible_characters("CUST\ufe0f-\u3164\u2800\U000e0100\U000e01f0\x07") == (
        "U+FE0F VARIATION SELECTOR-16",
        "U+3164 HANGUL FILLER",
        "U+2800 BRAILLE PATTERN BLANK",
        "U+E0100 VARIATION SELECTOR-17",
        "U+E01F0 UNNAMED CHARACTER",
        "U+0007 CONTROL CHARACTER",
    )
    assert invisible_characters("Müller & Söhne — 東京") == ()


@pytest.mark.parametrize(
    "name", ["\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "\u845b\U000e0100\u57ce", "Z\u00f6e \u2764\ufe0f"]
)
def test_a_name_has_the_joiners_and_variants_that_its_script_is_written_with(name: str) -> None:
    assert invisible_in_name(name) == ()


@pytest.mark.parametrize(
    "name", ["A\u200dda", "A\u0301\u200cda", "\u0639\u200c\u200c\u0631", "\u0639\u200b\u0631", "\u2067Ada"]
)
def test_a_name_has_nothing_else_that_nobody_can_see(name: str) -> None:
    assert invisible_in_name(name)
