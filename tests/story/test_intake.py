"""The webhook's answers over HTTP, and what is stored of each delivery."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.firm import deals
from tests.harness.world import WON_ON, World

MEBIBYTE = 1024 * 1024


def test_the_same_delivery_again_is_answered_with_the_same_event_and_doubles_nothing(world: World) -> None:
    deal = world.win(deals.time_and_materials(WON_ON))
    world.wait_for("awaiting_approval", deal)
    told = world.delivery_of(deal)
    again = [world.salesforce.resend(told["id"]) for _ in range(3)]
    assert told["status"] == 202
    assert [each["status"] for each in again] == [200, 200, 200]
    assert {each["answer"] for each in again} == {told["answer"]}
    world.complete(deal)
    world.salesforce.resend(told["id"])
    world.check_active(deal)
    received = [step for step in world.timeline(deal) if step["type"] == "delivery.received.v1"]
    assert len(received) == 1


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        (timedelta(0), {"webhook-signature": "v1,bm90IGEgc2lnbmF0dXJlIG9mIHRoaXMgYm9keSBhdCBhbGw="}),
        (timedelta(0), {"webhook-signature": "v1"}),
        (timedelta(0), {"webhook-id": "another"}),
        (timedelta(minutes=-6), {}),
        (timedelta(minutes=6), {}),
    ],
    ids=["wrong", "malformed", "of another delivery", "stale", "from the future"],
)
def test_what_nobody_signed_just_now_is_refused_and_not_stored(
    world: World, sent: timedelta, headers: dict[str, str]
) -> None:
    before = stored(world)
    answer = world.deliver(b"{}", str(uuid.uuid4()), at=datetime.now(UTC) + sent, **headers)
    assert (answer.status, answer.json["code"]) == (401, "SIGNATURE_REFUSED")
    assert stored(world) == before


def test_more_than_a_mebibyte_is_refused_and_not_stored(world: World) -> None:
    before = stored(world)
    assert world.deliver(b" " * (MEBIBYTE + 1), str(uuid.uuid4())).status == 413
    assert stored(world) == before
    assert world.deliver(b" " * MEBIBYTE, str(uuid.uuid4())).status == 202


def test_signed_but_unreadable_is_kept_and_becomes_an_exception_that_shows_where(world: World) -> None:
    body = json.dumps({"type": "opportunity.changed", "opportunities": [{"id": 7}]}).encode()
    answer = world.deliver(body, str(uuid.uuid4()))
    assert answer.status == 202
    status = world.api("GET", f"/deliveries/{answer.json['event_id']}")
    assert answer.json["status_url"].endswith(f"/api/v1/deliveries/{answer.json['event_id']}")
    item = world.api("GET", f"/exceptions/{status['exception_id']}")
    assert (item["status"], item["code"]) == ("open", "UNREADABLE_DELIVERY")
    assert "$.opportunities[0].id" in str(item["findings"]), item["findings"]


def stored(world: World) -> int:
    with world.application.engine.connect() as connection:
        return int(connection.exec_driver_sql("select count(*) from inbox").scalar_one())
