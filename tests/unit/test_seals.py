"""Seals of decisions when the installation's secret changes."""

from __future__ import annotations

from adapters.identity.seals import HmacSeals
from oppsync.domain.approval.seals import SealCheck

OLD, NEW = "the secret of last year", "the secret of this year"
SIGNED = {"plan": "abc", "decision": "approved"}


def test_a_seal_under_an_older_secret_is_genuine_as_long_as_that_is_kept() -> None:
    seal = HmacSeals([OLD]).seal(SIGNED)

    assert HmacSeals([NEW, OLD]).check(seal) is SealCheck.GENUINE
    assert HmacSeals([NEW]).check(seal) is SealCheck.UNKNOWN_KEY


def test_decisions_are_sealed_under_the_newest_secret() -> None:
    seal = HmacSeals([NEW, OLD]).seal(SIGNED)

    assert HmacSeals([NEW]).check(seal) is SealCheck.GENUINE
