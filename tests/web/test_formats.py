"""Amounts and dates as the browser's language writes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from web.pages import formats


@pytest.mark.parametrize(
    ("language", "currency", "amount", "shown"),
    [
        ("en", "EUR", "1234567.5", "EUR 1,234,567.50"),
        ("en", "JPY", "1234567", "JPY 1,234,567"),
        ("en", "KWD", "1234.5", "KWD 1,234.500"),
        ("de-DE,en;q=0.5", "EUR", "1234567.5", "EUR 1.234.567,50"),
        ("de", "JPY", "1234567", "JPY 1.234.567"),
        ("de", "KWD", "1234.5", "KWD 1.234,500"),
        ("fr", "EUR", "1234567.5", "EUR 1\u202f234\u202f567,50"),
        ("fr", "JPY", "1234567", "JPY 1\u202f234\u202f567"),
        ("fr", "KWD", "1234.5", "KWD 1\u202f234,500"),
        ("en", "EUR", "-0.1", "EUR \u22120.10"),
        ("en", "EUR", "12345678901234567.89", "EUR 12,345,678,901,234,567.89"),
        # Finer than the currency allows, or a currency nobody knows: shown as it was stated.
        ("en", "EUR", "1.125", "EUR 1.125"),
        ("en", "DOGE", "5.10", "DOGE 5.1"),
        ("tlh;q=1, *", "EUR", "1.5", "EUR 1.50"),
    ],
)
def test_amounts_have_their_currency_first_and_exactly_its_digits(
    language: str, currency: str, amount: str, shown: str
) -> None:
    with Flask(__name__).test_request_context(headers={"Accept-Language": language}):
        assert formats.money(Decimal(amount), currency) == shown.replace(" ", formats.NO_BREAK)


@pytest.mark.parametrize(("language", "shown"), [("en", "5 May 2026"), ("de", "5 Mai 2026")])
def test_dates_name_the_month(language: str, shown: str) -> None:
    with Flask(__name__).test_request_context(headers={"Accept-Language": language}):
        text = shown.replace(" ", formats.NO_BREAK)
        assert formats.day(date(2026, 5, 5)) == f'<time datetime="2026-05-05">{text}</time>'
