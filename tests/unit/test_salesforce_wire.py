"""Salesforce's ids and notifications, without a network."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.crm.salesforce.connector import CONNECTOR
from adapters.crm.salesforce.ids import full_id
from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.kernel.errors import Misconfigured, UnreadableDelivery
from oppsync.ports.crm import Crm

ORGANIZATION = "00DWs000000000BMAQ"
SHORT, FULL = "006Ws000000000P", "006Ws000000000PIAQ"


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def crm(**settings: Any) -> Crm:
    secrets = {"client_id": "x", "client_secret": "s3cret"}
    return CONNECTOR.connect({"base_url": "https://firm.my.salesforce.com", **settings}, secrets, Noon())


def entry(**changes: Any) -> dict[str, Any]:
    return {"id": FULL, "system_modstamp": "2026-01-05T10:00:00.123Z", "is_won": True} | changes


def notification(*opportunities: Any, **changes: Any) -> bytes:
    body = {
        "type": "opportunity.changed",
        "organization_id": ORGANIZATION,
        "sent_at": "2026-01-05T10:00:01.000Z",
        "opportunities": list(opportunities),
    }
    return json.dumps(body | changes).encode()


def test_a_short_id_gets_its_checksum() -> None:
    assert full_id("00190000001pPvH") == "00190000001pPvHAAU"
    assert full_id("00190000001pPvHAAU") == "00190000001pPvHAAU"


@given(st.from_regex(r"[A-Za-z0-9]{15}", fullmatch=True))
def test_ids_that_differ_only_in_case_differ_without_case_too(short: str) -> None:
    assert full_id(full_id(short)) == full_id(short)
    other = short.swapcase()
    if other != short:
        assert full_id(other).lower() != full_id(short).lower()


@pytest.mark.parametrize(
    "wrong", ["", "x" * 14, "x" * 16, "x" * 19, "00190000001pPvHAAV", "0019000000_pPvH", "é" * 15]
)
def test_what_is_no_id_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a Salesforce id"):
        full_id(wrong)


def test_a_notification_names_opportunities_by_their_full_id() -> None:
    stamp = datetime(2026, 1, 5, 10, 0, 0, 123_000, tzinfo=UTC)
    assert crm().read_notification(notification(entry(id=SHORT))) == [
        OpportunityRef(id=FULL, version="2026-01-05T10:00:00.123000+00:00", modified_at=stamp)
    ]


def test_an_opportunity_told_of_twice_is_named_once_as_it_was_last() -> None:
    later = entry(id=SHORT, system_modstamp="2026-01-05T12:00:00.000+0100")
    refs = crm().read_notification(notification(later, entry()))
    assert [(ref.id, ref.modified_at) for ref in refs] == [(FULL, datetime(2026, 1, 5, 11, 0, tzinfo=UTC))]


def test_a_hundred_at_once_and_members_of_later_versions_are_read() -> None:
    ids = [full_id(f"006Ws0000000{number:03d}") for number in range(100)]
    body = notification(*(entry(id=one, later="x") for one in ids), later=[1])
    assert [ref.id for ref in crm().read_notification(body)] == ids


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (notification(), "$.opportunities"),
        (notification(*[entry()] * 101), "$.opportunities"),
        (notification(entry(), "x"), "$.opportunities[1]"),
        (notification(entry(), entry(id=None)), "$.opportunities[1].id"),
        (notification(entry(id="0019000000AAAAA")), "$.opportunities[0].id"),
        (notification(entry(id=FULL[:-1] + "X")), "$.opportunities[0].id"),
        (notification(entry(id="006\u0000000000000A")), "$.opportunities[0].id"),
        (notification(entry(system_modstamp=1)), "$.opportunities[0].system_modstamp"),
        (notification(entry(system_modstamp="1767607200")), "$.opportunities[0].system_modstamp"),
        (notification(entry(system_modstamp="2026-01-05T10:00:00")), "$.opportunities[0].system_modstamp"),
        (
            notification(entry(system_modstamp="0001-01-01T00:00:00+14:00")),
            "$.opportunities[0].system_modstamp",
        ),
        (notification(entry(is_won=1)), "$.opportunities[0].is_won"),
        (notification(entry(), type="contact.changed"), "$.type"),
        (notification(entry(), organization_id="x"), "$.organization_id"),
        (b"{", "offset 1"),
        (b'{"a": "\xff"}', "offset 7"),
    ],
)
def test_what_cannot_be_read_says_what_and_where(body: bytes, where: str) -> None:
    with pytest.raises(UnreadableDelivery) as caught:
        crm().read_notification(body)
    assert caught.value.where == where


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.binary(max_size=300) | st.builds(lambda v: json.dumps(v).encode(), JSON))
def test_noise_is_unreadable_and_nothing_else(body: bytes) -> None:
    with pytest.raises(UnreadableDelivery):
        crm().read_notification(body)


@given(st.sampled_from(sorted(entry())), JSON)
def test_noise_inside_a_notification_is_unreadable_or_read(member: str, value: Any) -> None:
    try:
        refs = crm().read_notification(notification(entry(**{member: value})))
    except UnreadableDelivery:
        return
    assert [ref.id for ref in refs] == [FULL]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"fields": {"Opportunity.Regoin__c": "Region__c"}}, "Opportunity.Regoin__c"),
        ({"fields": {"Opportunity.Region__c": "Id FROM User"}}, "fields"),
        ({"api_version": "../x"}, "api_version"),
        ({"timeout": 0}, "timeout"),
        ({"tiemout": 1}, "tiemout"),
    ],
)
def test_a_wrong_setting_is_told_by_name(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        crm(**settings)
