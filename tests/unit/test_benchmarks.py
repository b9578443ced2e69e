"""What the benchmarks count, and that the chain they compare with does the work it is compared in."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from standardwebhooks import Webhook

from benchmarks import alone, lean_http, naive
from benchmarks.exchanges import Exchange, most_at_once, round_trips
from benchmarks.naive_web import make_app
from benchmarks.vendors import record_id
from benchmarks.webhooks import body_of

SECRET, ANOTHER = "whsec_" + "c2VjcmV0" * 5, "whsec_" + "YW5vdGhlcg==" * 3


def calls(*times: tuple[float, float]) -> list[Exchange]:
    return [Exchange("Tryton", "POST", "/erp", began, ended) for began, ended in times]


@pytest.mark.parametrize(
    ("times", "trips", "at_once"),
    [
        ((), 0, 0),
        (((0, 1), (1, 2), (2, 3)), 3, 1),
        # A parent, three children side by side, their billing lines.
        (((0, 1), (1.1, 2.1), (1.2, 2.2), (1.3, 2.3), (2.4, 3.4), (2.4, 3.5)), 3, 3),
        # A slow call beside two fast ones: the fast ones are the chain, whichever began first.
        (((0, 10), (1, 2), (3, 4)), 2, 2),
        # Five calls through a connection that stands two at once.
        (((0, 1), (0, 1), (1.1, 2.1), (1.1, 2.1), (2.2, 3.2)), 3, 2),
        # Each overlaps the next: only every other one waited for an answer.
        (((0, 2), (1, 4), (3, 6), (5, 8)), 2, 2),
    ],
)
def test_round_trips_are_the_calls_that_waited_for_one_another(
    times: tuple[tuple[float, float], ...], trips: int, at_once: int
) -> None:
    as_logged = sorted(calls(*times), key=lambda call: call.ended)

    assert round_trips(as_logged) == trips
    assert round_trips(as_logged[::-1]) == trips
    assert most_at_once(as_logged) == at_once


class Wire(asyncio.Transport):
    """Keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert bytes(data).startswith(b"HTTP/1.1 200 OK\r\n")
        self.written.set()


def test_vendors_with_a_delay_let_calls_that_come_at_once_wait_side_by_side() -> None:
    delay, served = 0.05, list[Exchange]()

    def answered(method: str, path: str, began: float, ended: float) -> None:
        served.append(Exchange("Tryton", method, path, began, ended))

    async def three_calls() -> None:
        wires = [Wire() for _ in range(3)]
        for wire in wires:
            connection = lean_http.Served(lambda *_: (200, b"{}"), delay, answered)
            connection.connection_made(wire)
            connection.data_received(b"POST /erp HTTP/1.1\r\n\r\n")
        assert not any(wire.written.is_set() for wire in wires)
        await asyncio.gather(*(wire.written.wait() for wire in wires))

    asyncio.run(three_calls())

    assert most_at_once(served) == 3
    assert all(call.ended - call.began >= delay for call in served)


def chain(accepted: list[str]) -> FlaskClient:
    return make_app(SECRET, accepted.append).test_client()


def signed(body: bytes, secret: str) -> Mapping[str, str]:
    at = datetime.now(UTC)
    signature = Webhook(secret).sign("bench-7", at, body.decode())
    return {
        "webhook-id": "bench-7",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def test_the_naive_chain_takes_the_webhook_that_the_product_gets() -> None:
    accepted: list[str] = []

    answer = chain(accepted).post("/webhooks/crm", data=body_of(7), headers=signed(body_of(7), SECRET))

    assert answer.status_code == 202
    assert accepted == [record_id(7)]


@pytest.mark.parametrize("fault", ["another secret", "another body", "no signature"])
def test_the_naive_chain_refuses_a_webhook_that_is_signed_wrongly(fault: str) -> None:
    accepted: list[str] = []
    headers = {
        "another secret": signed(body_of(7), ANOTHER),
        "another body": signed(body_of(8), SECRET),
        "no signature": {},
    }[fault]

    answer = chain(accepted).post("/webhooks/crm", data=body_of(7), headers=headers)

    assert answer.status_code == 401
    assert accepted == []


def test_one_deal_alone_is_told_by_its_medians_without_what_is_asked_by_the_clock() -> None:
    parent_then_child, with_a_poll = [(0.0, 1.0), (1.5, 2.5)], [(0.0, 1.0), (1.2, 1.4), (1.5, 2.5)]
    deals = [
        alone.Alone(0.0, seconds, calls(*times))
        for seconds, times in ((3.0, parent_then_child), (9.0, with_a_poll), (2.0, parent_then_child))
    ]
    worked = alone.Period(deals, {"SQL statements": 90.0, "CPU ms, vendors": 5.0}, Counter())
    idle = alone.Period([], {"SQL statements": 70.0, "CPU ms, vendors": 0.0}, Counter())

    told = {row["what"]: (row["a deal"], row["least"], row["most"]) for row in alone.rows(worked, idle)}

    assert told == {
        "seconds until written back": (3.0, 2.0, 9.0),
        "round trips to vendors, one after the other": (2, 2, 3),
        "vendor calls": (2, 2, 3),
        "vendor calls, Tryton POST": (2, 2, 3),
        "SQL statements": (20.0, "", ""),
    }


def test_the_chains_in_turn_are_compared_by_the_median_of_each_rounds_ratio() -> None:
    rounds = [
        ({"deals": 10.0, "CPU ms, relay": 3.0}, {"deals": 20.0}),
        ({"deals": 4.0, "CPU ms, relay": 3.0}, {"deals": 10.0}),
        ({"deals": 9.0, "CPU ms, relay": 3.0}, {"deals": 10.0}),
    ]

    told = {row["what"]: (row["oppsync"], row["naive chain"], row["ratio"]) for row in naive.rows(rounds)}

    assert told == {"deals": (9.0, 10.0, 0.5), "CPU ms, relay": (3.0, 0.0, "")}
