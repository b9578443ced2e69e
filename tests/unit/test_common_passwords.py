"""Passwords that a person of the firm would think of first are refused, in the languages of its people."""

from __future__ import annotations

import pytest

from adapters.identity.common_passwords import CommonPasswords

ABOUT = ("fiona.finance@acme.example", "Fiona", "Finance", "Acme Advisory GmbH", "Acme", "Advisory", "GmbH")


@pytest.mark.parametrize(
    "password",
    [
        "Password2026!!",
        "P@ssw0rd2026!!",
        "Passwort1234!",
        "Willkommen2026",
        "Sommer2026!!!",
        "Sommer-2026-Xy",
        "Bienvenue2026!",
        "MotDePasse2026!",
        "Contraseña1234",
        "Primavera.2026",
        "Donnerstag#12345",
        "Benvenuti_2026",
        "AcmeAdvisory1",
        "acme.advisory-2026",
        "Finance-Fiona-77",
        "correct horse battery staple",
        "correcthorsebatterystaple",
        "!QAZ2wsx#EDC4rfv",
        "ichliebedich123",
    ],
)
def test_a_word_and_a_year_is_no_password(password: str) -> None:
    assert CommonPasswords().is_common(password, ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "seven quiet lanterns hum",
        "Regenschirm tanzt im Keller",
        "sommer regenschirm keller",
        "k3J9-xPq2-vvT8",
        "зонтик танцует в подвале",
    ],
)
def test_words_that_have_nothing_to_do_with_each_other_are_one(password: str) -> None:
    assert not CommonPasswords().is_common(password, ABOUT)
