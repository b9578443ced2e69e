"""Where a request ends, whatever pieces it arrives in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.arrival import MAX_BODY, MAX_BYTES, MAX_HEAD, Arrival

HEAD = b"POST /webhooks/x HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = [
    b"GET / HTTP/1.1\r\n\r\n",
    HEAD + b"\r\n",
    HEAD + b"content-length : 0\r\n\r\n",
    HEAD + b"Content-Length: 9\r\n\r\n{\r\n\r\n\r\n}!",
    CHUNKED + b"0\r\n\r\n",
    CHUNKED + b"3;a=b\r\n0\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
    CHUNKED + b"1\r\nx\r\n0\r\nTrailer: 0\r\n\r\n",
]


@given(st.sampled_from(WHOLE), st.lists(st.integers(1, 7), max_size=80))
def test_a_request_is_whole_with_its_last_byte_and_not_before(request: bytes, sizes: list[int]) -> None:
    arrival, at = Arrival(), 0
    for size in sizes:
        piece = request[:-1][at : at + size]
        arrival.add(piece)
        at += len(piece)
    arrival.add(request[:-1][at:])
    assert not arrival.is_whole
    arrival.add(request[-1:])
    assert arrival.is_whole
    assert arrival.is_complete


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Content-Length: much\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        HEAD + f"Content-Length: {MAX_BODY + 1}\r\n\r\n".encode(),
        HEAD + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        CHUNKED + b"\r\n\r\n",
        CHUNKED + b"1" * 8_191,
        CHUNKED + b"FFFFF\r\n" + b"x" * MAX_BYTES,
        HEAD + b"X: " + b"x" * MAX_HEAD,
    ],
)
def test_what_the_parser_refuses_anyway_is_not_waited_for(request_: bytes) -> None:
    arrival = Arrival()
    arrival.add(request_)
    assert arrival.is_whole
    assert not arrival.is_complete


def test_what_follows_a_request_is_the_next_one() -> None:
    arrival = Arrival()
    arrival.add(WHOLE[0] * 2)
    assert arrival.is_complete
