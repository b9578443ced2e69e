"""A deal's vendor calls are stored with it, redacted, and deleted by retention: on real servers and sockets."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from adapters.bootstrap import Application
from adapters.connectors.http.client import HttpClient
from adapters.connectors.traffic.limits import NO_LIMITS
from adapters.postgres.retention import prune
from oppsync.domain.reading.calls import VendorCall
from oppsync.domain.values.trace import new_traceparent
from oppsync.kernel.errors import VendorRejected, VendorUnavailable
from oppsync.kernel.stage_scope import stage_scope
from tests.harness.builders import TENANT
from tests.integration import desk
from tests.integration.test_http import Serve, says, server
from tests.integration.vendor_traffic.acting import connection

SECRET = "s3cr3t-token"


def call(application: Application, serve: Serve, opportunity_id: UUID) -> None:
    gate = application.vendor_traffic.gate(connection(), NO_LIMITS)
    headers = {"Authorization": f"Bearer {SECRET}"}
    with server(serve) as url, stage_scope(TENANT, opportunity_id, "create_projects", new_traceparent()):
        client = HttpClient("Acme", url, headers=headers, gate=gate, timeout=2.0)
        client.request(
            "POST",
            "/things",
            write=True,
            params={"mail": "a@b.example"},
            json={"name": "Web shop", "pin_token": 7},
        )


def kept(application: Application, opportunity_id: UUID) -> list[VendorCall]:
    return list(application.queries.vendor_calls(TENANT, opportunity_id))


def test_request_and_answer_are_kept_for_the_deal_without_what_is_secret(application: Application) -> None:
    deal = uuid4()
    call(application, says("201 Created", f'{{"id": 7, "echo": "Bearer {SECRET}"}}'.encode()), deal)

    (one,) = kept(application, deal)
    assert (one.connection_id, one.stage, one.method) == ("erp", "create_projects", "POST")
    assert (one.status, one.outcome, one.target) == (201, "ok", "/things?mail=[personal]")
    assert one.request == '{"name":"Web shop","pin_token":"[redacted]"}'
    assert one.response == '{"id":7,"echo":"[redacted]"}'
    assert SECRET not in str(desk.run(application, "select * from vendor_calls"))
    assert kept(application, uuid4()) == []


def test_refusals_and_silence_are_kept_too(application: Application) -> None:
    deal = uuid4()
    with pytest.raises(VendorRejected):
        call(application, says("422 Wrong", b'{"message": "no such party"}'), deal)
    with pytest.raises(Exception, match="no whole answer"):
        call(application, lambda connection: connection.close(), deal)

    refused, silent = kept(application, deal)
    assert (refused.status, refused.outcome) == (422, "VENDOR_REJECTED")
    assert refused.response == '{"message":"no such party"}'
    assert (silent.status, silent.outcome, silent.response) == (None, "AMBIGUOUS_ANSWER", None)


def test_without_postgres_the_work_goes_on(application: Application) -> None:
    deal = uuid4()
    desk.run(application, "alter table vendor_calls rename to elsewhere")
    call(application, says("201 Created"), deal)
    desk.run(application, "alter table elsewhere rename to vendor_calls")
    assert kept(application, deal) == []


def test_what_never_left_is_no_call(application: Application) -> None:
    deal = uuid4()
    for _ in range(5):
        with pytest.raises(VendorUnavailable, match="not reachable"):
            _read_from_nowhere(application, deal)
    with pytest.raises(VendorUnavailable, match="not called"):
        _read_from_nowhere(application, deal)
    assert [one.outcome for one in kept(application, deal)] == ["VENDOR_UNAVAILABLE"] * 5


def _read_from_nowhere(application: Application, deal: UUID) -> None:
    gate = application.vendor_traffic.gate(connection(), NO_LIMITS)
    with stage_scope(TENANT, deal, "validate", new_traceparent()):
        HttpClient("Acme", "http://127.0.0.1:1", gate=gate).request("GET", "/x", write=False)


def test_old_calls_are_deleted_and_young_ones_stay(application: Application) -> None:
    old, young = uuid4(), uuid4()
    for deal in (old, young):
        call(application, says("201 Created"), deal)
    desk.run(
        application,
        "update vendor_calls set at = at - interval '31 days' where opportunity_id = :id",
        id=old,
    )

    assert prune(application.engine, application.settings) == 1

    assert kept(application, old) == []
    assert len(kept(application, young)) == 1
