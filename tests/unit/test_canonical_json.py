"""One way to read and write JSON: no digit is lost, equal documents have equal bytes."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from oppsync.kernel.canonical_json import UnreadableJson, canonical, digest, dumps, loads


class Role(StrEnum):
    FINANCE = "finance"


class Count(IntEnum):
    TWO = 2


# All text, halves of surrogate pairs included, and much of what JSON escapes.
TEXT = st.text(st.characters()) | st.text(
    st.sampled_from('"\\/\b\f\n\r\t\0\x1f\x7f\u2028\ud83d\U0001f600\ufb33äaZ')
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.sampled_from([Role.FINANCE, Count.TWO])
)
# A name may be no string at all, which both ways refuse.
NAMES = TEXT | st.integers(0, 9)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(NAMES, inner)
)


def bytes_or_refusal(serialise: Any, document: Any) -> bytes | None:
    try:
        written: bytes = serialise(document)
    except ValueError:
        return None
    return written


@given(DOCUMENTS)
@example({"\U0001f600": 1, "\ufb33": 2})  # ordered by UTF-16, not by code points
@example({"b": "\x1f\x7f\u2028", "a": [True, None, -(2**53) + 1]})
@example([2**53])
@example([1.0])
@example({"half": "\ud83d"})
@example({1: "no name", "1": "a name"})
def test_the_bytes_and_the_refusals_are_those_of_rfc_8785(document: Any) -> None:
    assert bytes_or_refusal(canonical, document) == bytes_or_refusal(rfc8785.dumps, document)


def test_fractions_keep_every_digit() -> None:
    assert loads('{"amount": 12345678901234567.89}') == {"amount": Decimal("12345678901234567.89")}


def test_half_a_surrogate_pair_becomes_a_sign_that_can_be_stored() -> None:
    assert loads('{"name": "\\ud83dCloud", "\\udc00": ["\\ud83d\\ude00"]}') == {
        "name": "\ufffdCloud",
        "\ufffd": ["😀"],
    }


def test_a_decimal_is_written_as_text() -> None:
    assert dumps({"amount": Decimal("1000.50"), "name": "Müller"}) == '{"amount":"1000.50","name":"Müller"}'


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no JSON form"):
        dumps({"some": {1}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a": ', "character 6"),
        (b"\xff{}", "not UTF-8 at byte 0"),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5_000, "Exceeds the limit"),
        (b'{"amount": 1, "amount": 1000}', "the member 'amount' is there twice"),
        (b'[{"deal": {"id": "a", "id": "b"}}]', "the member 'id' is there twice"),
    ],
)
def test_whatever_is_wrong_there_is_one_error(text: bytes, said: str) -> None:
    with pytest.raises(UnreadableJson, match=said):
        loads(text)


def test_the_order_of_members_does_not_count() -> None:
    assert canonical({"b": [1, 2], "a": "x"}) == b'{"a":"x","b":[1,2]}'
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})


def test_the_order_of_a_list_does() -> None:
    assert digest([1, 2]) != digest([2, 1])
