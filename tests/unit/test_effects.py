"""Which recorded effects may exist outside, so that a withdrawal must not leave them behind."""

from __future__ import annotations

from itertools import product

import pytest

from oppsync.domain.effects.effects import EffectState, LedgerRow
from oppsync.domain.values.keys import EffectKind, outside_key, slug

MADE = [
    EffectKind.PARENT,
    EffectKind.CHILD,
    EffectKind.TASK,
    EffectKind.BILLING_LINE,
    EffectKind.PSA_PROJECT,
    EffectKind.STAFFING,
]
TOLD = [EffectKind.NOTIFICATION, EffectKind.CRM_WRITE_BACK]
MAY = {EffectState.SENT, EffectState.UNKNOWN, EffectState.CONFIRMED}


def row(kind: EffectKind, state: EffectState) -> LedgerRow:
    return LedgerRow(key="k", kind=kind, path="p", state=state, request_digest="d", attempts=1)


@pytest.mark.parametrize(("kind", "state"), list(product(MADE, EffectState)))
def test_what_was_sent_may_exist_until_it_is_known_not_to(kind: EffectKind, state: EffectState) -> None:
    assert row(kind, state).may_exist is (state in MAY)


@pytest.mark.parametrize(("kind", "state"), list(product(TOLD, EffectState)))
def test_telling_a_person_or_the_crm_makes_nothing_exist(kind: EffectKind, state: EffectState) -> None:
    assert not row(kind, state).may_exist


def test_a_key_names_everything_that_makes_an_effect_its_own() -> None:
    keys = [
        outside_key("default", "crm", "006A", EffectKind.CHILD, "00kB"),
        outside_key("other", "crm", "006A", EffectKind.CHILD, "00kB"),
        outside_key("default", "crm-2", "006A", EffectKind.CHILD, "00kB"),
        outside_key("default", "crm", "006B", EffectKind.CHILD, "00kB"),
        outside_key("default", "crm", "006A", EffectKind.TASK, "00kB"),
        outside_key("default", "crm", "006A", EffectKind.CHILD, "00kC"),
    ]

    assert keys[0] == "oppsync:default:crm:006A:child:00kB"
    assert len(set(keys)) == len(keys)


def test_a_key_that_would_be_too_long_ends_in_a_digest_and_any_other_stays() -> None:
    longest = "l" * (200 - len("oppsync:default:crm:006A:child:"))
    fits = outside_key("default", "crm", "006A", EffectKind.CHILD, longest)
    keys = [
        outside_key("default", "crm", "006A", EffectKind.CHILD, longest + more) for more in ("a", "b", "ab")
    ]

    assert fits == f"oppsync:default:crm:006A:child:{longest}"
    assert {len(key) for key in keys} == {200}
    assert len({fits, *keys}) == 4
    assert keys[0] == "oppsync:default:crm:006A:child:" + "l" * 104 + "~" + (
        "7935dfc8b81b9c0293fdc8f3dcf87c4c116c3a46fd706032ed7ca53ad5e4094b"
    ), "a stored key must never change"


@pytest.mark.parametrize(
    ("name", "path"),
    [("Senior Consultant", "senior-consultant"), ("  Ä/ö: ", "ä-ö"), ("a_b", "a-b"), ("x" * 80, "x" * 60)],
)
def test_a_name_in_a_path_keeps_its_letters(name: str, path: str) -> None:
    assert slug(name) == path
