"""The webhook's answers to a CRM."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import text
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from adapters.bootstrap import Application, build
from oppsync.domain.values.model import changed
from oppsync.kernel.settings import Settings
from tests.web.office import CONNECTION, WEBHOOK_SECRET, Office
from web.app import create_app

ADDRESS = f"/webhooks/{CONNECTION}"
BODY = json.dumps(
    {
        "type": "opportunity.changed",
        "organization_id": "00D000000000001",
        "sent_at": "2026-03-02T10:00:00Z",
        "opportunities": [
            {"id": "006000000000001AAA", "system_modstamp": "2026-03-02T10:00:00.000Z", "is_won": True}
        ],
    }
)


def signed(body: str = BODY, delivery_id: str = "msg_1", age: timedelta = timedelta(0)) -> dict[str, Any]:
    """A delivery's body and headers, signed `age` ago."""
    at = datetime.now(UTC) - age
    headers = {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(WEBHOOK_SECRET).sign(delivery_id, at, body),
        "Content-Type": "application/json",
    }
    return {"data": body, "headers": headers}


def deliver(app: Flask, sent: dict[str, Any], address: str = ADDRESS) -> TestResponse:
    return app.test_client().post(address, **sent)


def stored(application: Application) -> int:
    with application.engine.connect() as connection:
        return int(connection.execute(text("select count(*) from inbox")).scalar_one())


def test_a_delivery_is_stored_with_its_first_message_and_has_a_status_of_its_own(
    app: Flask, office: Office
) -> None:
    response = deliver(app, signed())
    assert response.status_code == 202
    assert response.json is not None
    with office.application.engine.connect() as connection:
        assert connection.execute(text("select stage from outbox")).scalars().all() == ["validate"]
    path = response.json["status_url"].removeprefix("http://127.0.0.1:8000")
    status = app.test_client().get(path, headers={"Authorization": f"Bearer {office.token('olga')}"})
    assert status.json is not None
    assert status.json["event_id"] == response.json["event_id"]
    assert [each["state"] for each in status.json["opportunities"]] == ["received"]


def test_the_same_delivery_again_has_the_same_event_id(app: Flask, office: Office) -> None:
    first, again = deliver(app, signed()), deliver(app, signed())
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json == again.json
    assert stored(office.application) == 1


def test_a_known_id_with_another_signed_body_is_accepted_as_another_event_with_a_problem(
    app: Flask, office: Office
) -> None:
    first = deliver(app, signed())
    other = deliver(app, signed(BODY.replace("006000000000001AAA", "006000000000002AAA")))
    again = deliver(app, signed(BODY.replace("006000000000001AAA", "006000000000002AAA")))
    assert (first.status_code, other.status_code, again.status_code) == (202, 202, 200)
    assert first.json is not None
    assert other.json is not None
    assert other.json == again.json != first.json
    headers = {"Authorization": f"Bearer {office.token('olga')}"}
    status = app.test_client().get(f"/api/v1/deliveries/{other.json['event_id']}", headers=headers).json
    assert status is not None
    assert "msg_1" in status["problem"]
    assert len(status["opportunities"]) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sent: sent["headers"].update({"webhook-signature": "v1,AAAA"}),
        lambda sent: sent["headers"].pop("webhook-signature"),
        lambda sent: sent["headers"].update({"webhook-timestamp": "soon"}),
        lambda sent: sent["headers"].update({"webhook-signature": "\xe9 v1,\xff"}),
        lambda sent: sent.update(data=sent["data"] + " "),
        lambda sent: sent.update(data=b"\xff\xfe"),
        lambda sent: sent.update(signed(age=timedelta(minutes=6))),
        lambda sent: sent.update(signed(age=timedelta(minutes=-6))),
    ],
    ids=["wrong", "missing", "no time", "not ASCII", "another body", "not UTF-8", "stale", "from the future"],
)
def test_a_signature_that_does_not_hold_is_refused_and_nothing_is_stored(
    app: Flask, office: Office, spoil: Callable[[dict[str, Any]], Any]
) -> None:
    sent = signed()
    spoil(sent)
    response = deliver(app, sent)
    assert response.status_code == 401
    assert response.content_type == "application/problem+json"
    assert response.json is not None
    assert response.json["code"] == "SIGNATURE_REFUSED"
    assert stored(office.application) == 0


def test_a_signed_delivery_that_cannot_be_read_is_kept_and_its_status_says_why(
    app: Flask, office: Office
) -> None:
    response = deliver(app, signed("this is not JSON"))
    assert response.status_code == 202
    assert response.json is not None
    headers = {"Authorization": f"Bearer {office.token('olga')}"}
    path = f"/api/v1/deliveries/{response.json['event_id']}"
    status = app.test_client().get(path, headers=headers).json
    assert status is not None
    assert status["problem"]
    item = app.test_client().get(f"/api/v1/exceptions/{status['exception_id']}", headers=headers).json
    assert item is not None
    assert item["code"] == "UNREADABLE_DELIVERY"


def test_a_body_over_one_mebibyte_is_refused_whether_or_not_its_length_is_told(
    app: Flask, office: Office
) -> None:
    body = b"x" * (1024 * 1024 + 1)
    assert deliver(app, {"data": body}).status_code == 413
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    response = app.test_client().post(ADDRESS, input_stream=io.BytesIO(body), environ_overrides=chunked)
    assert response.status_code == 413
    assert stored(office.application) == 0


@pytest.mark.parametrize("address", ["/webhooks/another", "/webhooks/%00", "/webhooks/" + "x" * 5_000])
def test_an_unknown_connection_is_not_found(app: Flask, address: str) -> None:
    assert deliver(app, signed(), address).status_code == 404


def test_only_post_is_taken(app: Flask) -> None:
    response = app.test_client().get(ADDRESS)
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


def test_signatures_are_not_kept_but_the_trace_is(app: Flask, office: Office) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = signed()
    sent["headers"]["traceparent"] = trace
    deliver(app, sent)
    with office.application.engine.connect() as connection:
        row = connection.execute(text("select headers, traceparent from inbox")).one()
    assert row.traceparent == trace
    assert set(row.headers) == {"content-type", "user-agent", "webhook-id", "webhook-timestamp", "traceparent"}


def test_without_postgres_the_sender_is_asked_to_come_again(settings: Settings) -> None:
    nowhere = SecretStr("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    application = build(changed(settings, database_url=nowhere))
    app = create_app(application)
    response = deliver(app, signed())
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "nobody" not in response.get_data(as_text=True)
    ready = app.test_client().get("/health/ready")
    assert ready.status_code == 503
    assert app.test_client().get("/health/live").status_code == 200


def test_without_redis_deliveries_are_still_taken(settings: Settings, office: Office) -> None:
    application = build(changed(settings, redis_url=SecretStr("redis://127.0.0.1:1")))
    app = create_app(application)
    assert deliver(app, signed()).status_code == 202
    ready = app.test_client().get("/health/ready")
    assert ready.status_code == 200
    assert ready.json is not None
    assert ready.json["status"] == "degraded"
    application.close()


def test_what_anybody_may_read_of_our_health_names_no_webhook_s_address(app: Flask) -> None:
    ready = app.test_client().get("/health/ready")
    assert ready.json is not None
    assert ready.json["circuits"] == {"closed": 1}
    assert CONNECTION not in ready.text
