"""Which effects share a call, and how the answers of many are matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord, LedgerRow
from oppsync.domain.values.keys import EffectKind
from oppsync.kernel.errors import AmbiguousAnswer, VendorRejected
from oppsync.pipeline.calls import (
    Call,
    Order,
    Outgoing,
    Together,
    Wanted,
    calls_of,
    came_of,
    each_alone,
    shares,
)
from oppsync.ports.erp import CameOfIt

DEAL, OTHER_DEAL = UUID(int=1), UUID(int=2)


def never(*_: Any) -> Any:
    raise AssertionError("it goes together")


def together(orders: Sequence[Order]) -> Mapping[str, CameOfIt]:
    return {str(order): ExternalRecord(outside_id=f"of {order}") for order in reversed(orders)}


def outgoing(key: str, call: str = "a parent", deal: UUID = DEAL, **changes: Any) -> Outgoing:
    effect = Effect(
        key=key,
        kind=EffectKind.CHILD,
        path=key,
        opportunity_id=deal,
        connection_id="erp",
        request={},
        quarantine=timedelta(0),
    )
    shared = Together(call, 2, cast("Order", key), together)
    values: dict[str, Any] = {"digest": "d", "row": None, "send": never} | changes
    return Outgoing(Wanted(effect, never, never, None, shared), **values)


def keys(calls: Any) -> list[list[str]]:
    return [[each.effect.key for each in call.members] for call in calls]


def row(state: EffectState) -> LedgerRow:
    return LedgerRow(key="k", kind=EffectKind.CHILD, path="k", state=state, request_digest="d", attempts=1)


def test_those_below_one_parent_go_together_as_many_as_a_call_takes() -> None:
    wave = [
        outgoing("a"),
        outgoing("b", "another parent"),
        outgoing("c"),
        outgoing("d"),
        outgoing("e", "another parent"),
    ]

    assert keys(calls_of(wave)) == [["a", "c"], ["d"], ["b", "e"]]


def test_two_deals_never_share_a_call() -> None:
    assert keys(calls_of([outgoing("a"), outgoing("b", deal=OTHER_DEAL)])) == [["a"], ["b"]]


def test_what_was_unclear_once_or_is_to_be_changed_goes_alone() -> None:
    wave = [
        outgoing("a"),
        outgoing("b", row=row(EffectState.UNKNOWN)),
        outgoing("c", row=row(EffectState.SENT)),
        outgoing("d", existing=row(EffectState.CONFIRMED)),
        outgoing("e", row=row(EffectState.INTENDED)),
    ]

    assert keys(calls_of(wave)) == [["a", "e"], ["b"], ["c"], ["d"]]


def test_the_places_of_a_connection_count_calls() -> None:
    calls = list(calls_of([outgoing("a"), outgoing("b"), outgoing("c", "p"), outgoing("d", "q")]))

    assert [keys(share) for share in shares(calls, lambda connection: 2)] == [[["a", "b"], ["c"]], [["d"]]]


def test_a_call_answers_of_each_by_its_key() -> None:
    members = [outgoing("a"), outgoing("b")]
    (call,) = calls_of(members)

    answer = call()

    assert [came_of(each, answer) for each in members] == [
        ExternalRecord(outside_id="of a"),
        ExternalRecord(outside_id="of b"),
    ]
    assert isinstance(came_of(outgoing("c"), answer), AmbiguousAnswer)
    refused = VendorRejected("no")
    assert came_of(members[0], refused) is refused


def test_one_alone_is_sent_by_itself() -> None:
    (call,) = each_alone([outgoing("a", send=lambda: ExternalRecord(outside_id="alone"))])

    assert call() == {"a": ExternalRecord(outside_id="alone")}
    assert not Call(call.members).is_of_many
