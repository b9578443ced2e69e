"""What every CRM must do, whatever its vendor."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from traceback import format_exception
from typing import Any

import pytest

from adapters.connectors.connector import AnyConnector
from oppsync.domain.deal.opportunity import OpportunityRef
from oppsync.domain.plan.orders import WriteBack
from oppsync.domain.work.polling import Change
from oppsync.kernel.errors import (
    AmbiguousAnswer,
    Misconfigured,
    OppsyncError,
    RateLimited,
    RecordGone,
    TransientError,
    UnreadableDelivery,
    VendorUnavailable,
)
from oppsync.ports.crm import Crm
from sandbox.contracts.connector import ConnectorContract
from sandbox.contracts.harness import Access, CrmHarness, FixedClock

ACTIVE = WriteBack(
    status="active",
    project_number="P-17",
    project_url="https://erp.firm.example/P-17",
    activated_at=datetime(2026, 5, 4, 9, 30, 15, 250_000, tzinfo=UTC),
)


REJECTED = WriteBack(status="rejected", message="The margin is too thin.\nTalk to us.")


def connect(connector: AnyConnector, access: Access) -> Crm:
    crm: Crm = connector.connect(access.settings, access.secrets, FixedClock())
    return crm


def every_call(crm: Crm, record_id: str) -> list[Callable[[], Any]]:
    return [
        lambda: crm.read_opportunity(record_id),
        lambda: crm.find_write_back(record_id, ACTIVE),
        lambda: crm.write_back(record_id, ACTIVE),
    ]


# Polls: changes in pages, none of which may be missed.
def poll(crm: Crm, since: datetime, after_id: str | None = None) -> list[Change]:
    """Read all pages as a poll does: each continues after the last change of the page before."""
    found: list[Change] = []
    more = True
    while more:
        page = crm.changed_opportunities(since, after_id)
        found += page.changes
        more = page.more
        if more:
            since, after_id = found[-1].modified_at, found[-1].id
    return found


def polling(crm: Crm, harness: CrmHarness) -> list[Callable[[], Any]]:
    """A poll of a CRM that can be polled."""
    return [lambda: poll(crm, harness.now())] if crm.capabilities.polls else []


class CrmContract(ConnectorContract):
    """The suite of a CRM that cannot be polled. For one that can, inherit `PollsContract`, which includes
    this."""

    def test_what_it_claims_is_tested(self, connector: AnyConnector, access: Access) -> None:
        claimed = connector.capabilities_of(access.settings)
        assert claimed.polls == isinstance(self, PollsContract)
        assert claimed.owner_history == isinstance(self, OwnerHistoryContract)

    @pytest.fixture
    def harness(self, place: CrmHarness) -> CrmHarness:
        place.control.clear_faults()
        return place

    @pytest.fixture
    def crm(self, connector: AnyConnector, harness: CrmHarness) -> Crm:
        return connect(connector, harness.access)

    def test_a_won_deal_is_read_whole_and_to_the_cent(self, crm: Crm, harness: CrmHarness) -> None:
        deal_id = harness.win()
        deal = crm.read_opportunity(deal_id)
        assert (deal.id, deal.is_won, deal.currency) == (deal_id, True, "EUR")
        assert deal.amount == Decimal("45200") == sum(line.net for line in deal.lines)
        sold = [(line.quantity, line.unit_price) for line in deal.lines]
        assert sold == [(Decimal(120), Decimal(160)), (Decimal(200), Decimal(130))]
        assert deal.account is not None
        assert deal.account.code
        assert deal.owner is not None
        assert deal.owner.email
        assert deal.url

    def test_who_requested_a_deal_is_read_with_it(self, crm: Crm, harness: CrmHarness) -> None:
        """The same user as its owner, whom the CRM knows by an id that stays."""
        deal = crm.read_opportunity(harness.win())
        assert deal.created_by == deal.owner

    def test_a_record_id_that_is_whole_or_no_id_at_all_stays_as_it_is(
        self, crm: Crm, harness: CrmHarness
    ) -> None:
        assert crm.record_id(harness.no_such_id) == harness.no_such_id
        assert crm.record_id("not an id") == "not an id"

    def test_reading_twice_reads_the_same(self, crm: Crm, harness: CrmHarness) -> None:
        deal_id = harness.win()
        assert crm.read_opportunity(deal_id) == crm.read_opportunity(deal_id)

    def test_a_lost_deal_is_told_by_the_record_not_by_the_notification(
        self, crm: Crm, harness: CrmHarness
    ) -> None:
        deal_id = harness.win()
        [ref] = crm.read_notification(harness.notification(deal_id))
        harness.lose(deal_id)
        assert not crm.read_opportunity(ref.id).is_won

    def test_a_notification_names_each_deal_once(self, crm: Crm, harness: CrmHarness) -> None:
        first, second = harness.win(), harness.win()
        refs = crm.read_notification(harness.notification(first, second, first))
        assert sorted(ref.id for ref in refs) == sorted([first, second])

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"\xff\xfe",
            b"null",
            b"[]",
            b"{}",
            b'{"a": NaN}',
            b'{"a": 1e99999999999999999999}',
            b'{"a": ' + b"1" * 5_000 + b"}",
            b"[" * 100_000,
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_a_notification_that_cannot_be_read_says_where(self, crm: Crm, body: bytes) -> None:
        with pytest.raises(UnreadableDelivery) as caught:
            crm.read_notification(body)
        assert caught.value.where

    def test_a_record_that_does_not_exist_is_gone(self, crm: Crm, harness: CrmHarness) -> None:
        for ask in every_call(crm, harness.no_such_id):
            with pytest.raises(RecordGone):
                ask()

    @pytest.mark.parametrize("strange", ["", "x", "006' OR Name != '", "../../x", "006\n", "006é"])
    def test_what_is_no_id_is_never_sent(self, crm: Crm, harness: CrmHarness, strange: str) -> None:
        harness.control.clear_requests()
        for ask in every_call(crm, strange):
            with pytest.raises(RecordGone):
                ask()
        assert harness.control.requests() == []

    def test_what_is_written_back_stands_in_the_crms_own_books(self, crm: Crm, harness: CrmHarness) -> None:
        deal_id = harness.win()
        assert crm.find_write_back(deal_id, ACTIVE) is None
        landed = crm.write_back(deal_id, ACTIVE)
        assert (landed.outside_id, landed.number, landed.differences) == (deal_id, "P-17", {})
        assert harness.written(deal_id) == {
            "status": "Active",
            "project_number": "P-17",
            "project_url": "https://erp.firm.example/P-17",
            "activated_at": "2026-05-04T09:30:15Z",
            "message": "",
        }
        found = crm.find_write_back(deal_id, ACTIVE)
        assert found is not None
        assert found.differences == {}

    def test_a_later_write_back_leaves_nothing_of_the_earlier(self, crm: Crm, harness: CrmHarness) -> None:
        deal_id = harness.win()
        crm.write_back(deal_id, REJECTED)
        found = crm.find_write_back(deal_id, ACTIVE)
        assert found is not None
        assert ("Active", "Rejected") in found.differences.values()
        crm.write_back(deal_id, ACTIVE)
        assert harness.written(deal_id)["message"] == ""

    def test_our_write_back_is_no_change_of_the_deal(self, crm: Crm, harness: CrmHarness) -> None:
        deal_id = harness.win()
        before = crm.read_opportunity(deal_id)
        crm.write_back(deal_id, ACTIVE)
        after = crm.read_opportunity(deal_id)
        assert after.content_digest() == before.content_digest()
        assert after.version != before.version

    # Backfill: deals won before oppsync was switched on.
    def test_what_was_won_in_a_time_is_listed_by_day_as_a_person_would_know_it(
        self, crm: Crm, harness: CrmHarness
    ) -> None:
        early, late, lost = (harness.win(date(2024, 5, day)) for day in (3, 20, 21))
        outside = [harness.win(day) for day in (date(2024, 5, 2), date(2024, 5, 22))]
        harness.lose(lost)
        deals = crm.won_opportunities(date(2024, 5, 3), date(2024, 5, 22))
        assert [(deal.id, deal.won_on.day) for deal in deals] == [(early, 3), (late, 20)]
        record = crm.read_opportunity(early)
        assert record.account is not None
        [deal, _] = deals
        assert (deal.version, deal.modified_at) == (record.version, record.modified_at)
        assert (deal.name, deal.account) == (record.name, record.account.name)
        assert (deal.amount, deal.currency) == (record.amount, record.currency)
        all_later = [deal.id for deal in crm.won_opportunities(date(2024, 5, 3), None)]
        assert all_later[:3] == [early, late, outside[1]]

    def test_a_session_that_ended_is_renewed_unnoticed(self, crm: Crm, harness: CrmHarness) -> None:
        deal_id = harness.win()
        crm.read_opportunity(deal_id)
        harness.end_sessions()
        assert crm.read_opportunity(deal_id).id == deal_id
        harness.end_sessions()
        for ask in polling(crm, harness):
            assert ask() == []
        harness.end_sessions()
        crm.write_back(deal_id, ACTIVE)
        assert harness.written(deal_id)["project_number"] == "P-17"

    @pytest.mark.parametrize("fault", [{"status": 500}, {"status": 502}, {"drop_connection": True}])
    def test_a_reading_that_fails_may_simply_come_back(
        self, crm: Crm, harness: CrmHarness, fault: dict[str, Any]
    ) -> None:
        deal_id = harness.win()
        harness.control.faults([{**harness.reading, **fault}])
        with pytest.raises(VendorUnavailable):
            crm.read_opportunity(deal_id)
        assert crm.read_opportunity(deal_id).id == deal_id

    @pytest.mark.parametrize(
        "fault", [{"status": 500}, {"status": 503, "retry_after": 9}, {"drop_connection": True}]
    )
    @pytest.mark.parametrize("committed", [True, False])
    def test_a_write_without_an_answer_is_ambiguous_until_it_is_looked_up(
        self, crm: Crm, harness: CrmHarness, fault: dict[str, Any], committed: bool
    ) -> None:
        deal_id = harness.win()
        harness.control.faults([{**harness.writing, **fault, "after_commit": committed}])
        with pytest.raises(AmbiguousAnswer) as caught:
            crm.write_back(deal_id, ACTIVE)
        assert caught.value.retry_after == (timedelta(seconds=9) if "retry_after" in fault else None)
        assert (crm.find_write_back(deal_id, ACTIVE) is not None) is committed

    def test_too_many_requests_are_waited_out_as_long_as_the_vendor_asks(
        self, crm: Crm, harness: CrmHarness
    ) -> None:
        deal_id = harness.win()
        harness.control.faults([{**harness.writing, "status": 429, "retry_after": 7}])
        with pytest.raises(RateLimited) as caught:
            crm.write_back(deal_id, ACTIVE)
        assert caught.value.retry_after == timedelta(seconds=7)
        assert crm.find_write_back(deal_id, ACTIVE) is None

    def test_a_used_up_allowance_is_waited_out(self, crm: Crm, harness: CrmHarness) -> None:
        deal_id = harness.win()
        harness.control.faults(
            [{**target, **harness.limit_reached} for target in (harness.reading, harness.writing)]
        )
        with pytest.raises(RateLimited):
            crm.read_opportunity(deal_id)
        with pytest.raises(RateLimited):
            crm.write_back(deal_id, ACTIVE)

    def test_nobody_at_the_address_means_later(self, connector: AnyConnector, harness: CrmHarness) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        nowhere = connect(connector, harness.access.at(f"http://127.0.0.1:{port}"))
        for ask in [*every_call(nowhere, harness.win()), *polling(nowhere, harness)]:
            with pytest.raises(VendorUnavailable):
                ask()

    def test_wrong_credentials_are_told_without_them(
        self, connector: AnyConnector, harness: CrmHarness
    ) -> None:
        wrong = {name: f"wrong-{value}" for name, value in harness.access.secrets.items()}
        crm = connect(connector, Access(harness.access.settings, wrong))
        with pytest.raises(Misconfigured) as caught:
            crm.read_opportunity(harness.win())
        assert not any(value in caught.value.message for value in wrong.values())

    @pytest.mark.parametrize("broken", [{}, {"base_url": 5}, {"base_url": "x"}, {"base_url": "ftp://s3cret@x"}])
    def test_unusable_settings_are_told_by_name(
        self, connector: AnyConnector, harness: CrmHarness, broken: dict[str, Any]
    ) -> None:
        with pytest.raises(Misconfigured, match=r"base_url|the address") as caught:
            connect(connector, Access(broken, harness.access.secrets))
        assert "s3cret" not in caught.value.message

    def test_a_missing_secret_is_told_by_name(self, connector: AnyConnector, harness: CrmHarness) -> None:
        for name in harness.access.secrets:
            rest = {other: value for other, value in harness.access.secrets.items() if other != name}
            with pytest.raises(Misconfigured, match=name) as caught:
                connect(connector, Access(harness.access.settings, rest))
            shown = "".join(format_exception(caught.value))
            assert not any(value in shown for value in rest.values())

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
    def test_no_secret_stands_in_any_error(self, crm: Crm, harness: CrmHarness, status: int) -> None:
        deal_id = harness.win()
        secrets = tuple(harness.access.secrets.values())
        harness.control.faults(
            [{"path": "/", "count": None, "status": status, "code": f"TOLD {' '.join(secrets)}"[:200]}]
        )
        for ask in [*every_call(crm, deal_id), *polling(crm, harness)]:
            with pytest.raises(OppsyncError) as caught:
                ask()
            assert isinstance(caught.value, TransientError) == (status in (429, 500, 503))
            assert not any(secret in repr(caught.value) for secret in secrets)
        assert not any(secret in repr(crm.__dict__) for secret in secrets)

    def test_the_quarantine_outlasts_the_longest_call(
        self, connector: AnyConnector, harness: CrmHarness
    ) -> None:
        slow = connect(connector, Access(harness.access.settings | {"timeout": 40}, harness.access.secrets))
        assert slow.quarantine > timedelta(seconds=40)


class PollsContract(CrmContract):
    """The suite of a CRM that can be polled: changes in pages, none of which may be missed."""

    @pytest.fixture
    def by_twos(self, connector: AnyConnector, harness: CrmHarness) -> Crm:
        return connect(connector, Access(harness.access.settings | {"poll_page": 2}, harness.access.secrets))

    def test_a_poll_finds_deals_in_the_version_that_is_read(self, crm: Crm, harness: CrmHarness) -> None:
        since = harness.now()
        won, lost = harness.win(), harness.win()
        harness.lose(lost)
        found = {change.id: change for change in poll(crm, since)}
        assert {deal_id: change.is_won for deal_id, change in found.items()} == {won: True, lost: False}
        record = crm.read_opportunity(won)
        assert (found[won].version, found[won].modified_at) == (record.version, record.modified_at)
        assert found[won].ref == OpportunityRef(id=won, version=record.version, modified_at=record.modified_at)

    def test_a_webhook_and_a_poll_name_a_version_alike(self, crm: Crm, harness: CrmHarness) -> None:
        since = harness.now()
        deal_id = harness.win()
        [ref] = crm.read_notification(harness.notification_of(deal_id))
        [found] = poll(crm, since)
        assert found.ref == ref

    def test_a_poll_is_read_page_by_page_in_the_order_of_the_changes(
        self, by_twos: Crm, harness: CrmHarness
    ) -> None:
        since = harness.now()
        deals = [harness.win() for _ in range(5)]
        first = by_twos.changed_opportunities(since, None)
        assert (len(first.changes), first.more) == (2, True)
        assert [change.id for change in poll(by_twos, since)] == deals

    def test_what_changes_while_pages_are_read_comes_on_a_later_one(
        self, by_twos: Crm, harness: CrmHarness
    ) -> None:
        since = harness.now()
        deals = [harness.win() for _ in range(4)]
        first = by_twos.changed_opportunities(since, None)
        harness.lose(deals[0])  # already read
        harness.lose(deals[2])  # not yet
        last = first.changes[-1]
        rest = poll(by_twos, last.modified_at, last.id)
        assert [(change.id, change.is_won) for change in rest] == [
            (deals[3], True),
            (deals[0], False),
            (deals[2], False),
        ]

    def test_of_one_moment_the_ids_say_where_to_go_on(self, crm: Crm, harness: CrmHarness) -> None:
        since = harness.now()
        harness.win()
        [change] = poll(crm, since)
        assert poll(crm, change.modified_at, change.id) == []
        assert poll(crm, change.modified_at) == [change]

    def test_a_poll_says_what_time_it_is_there(self, crm: Crm, harness: CrmHarness) -> None:
        """Not our clock's, which stands still here: two clocks that differ must not open a gap."""
        before = harness.now()
        as_of = crm.changed_opportunities(before, None).as_of
        assert timedelta(seconds=-1) <= as_of - before <= timedelta(minutes=1)

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ({"status": 500}, VendorUnavailable),
            ({"drop_connection": True}, VendorUnavailable),
            ({"status": 429, "retry_after": 7}, RateLimited),
        ],
    )
    def test_a_poll_that_fails_may_simply_come_back(
        self, crm: Crm, harness: CrmHarness, fault: dict[str, Any], kind: type[TransientError]
    ) -> None:
        since = harness.now()
        harness.control.faults([{**harness.reading, **fault}])
        with pytest.raises(kind) as caught:
            poll(crm, since)
        assert caught.value.retry_after == (timedelta(seconds=7) if "retry_after" in fault else None)
        assert poll(crm, since) == []

    # Deletions.

    def test_what_was_deleted_is_named_with_its_time(self, crm: Crm, harness: CrmHarness) -> None:
        """And one that is not won, too: whether it was known is not for the CRM to say."""
        since = harness.now() - timedelta(minutes=10)
        stays, won, lost = (harness.win() for _ in range(3))
        harness.lose(lost)
        for deal_id in (won, lost):
            harness.delete(deal_id, minutes_ago=5)
        with pytest.raises(RecordGone):
            crm.read_opportunity(won)
        found = crm.deleted_opportunities(since, harness.now())
        named = {each.id: each.deleted_at for each in found.deleted}
        assert {won, lost} <= named.keys()
        assert stays not in named
        assert timedelta(minutes=4) < harness.now() - named[won] < timedelta(minutes=6)

    def test_deletions_are_complete_up_to_the_moment_that_the_crm_names(
        self, crm: Crm, harness: CrmHarness
    ) -> None:
        deal_id = harness.win()
        harness.delete(deal_id, minutes_ago=5)
        until = harness.now() - timedelta(minutes=8)
        earlier = crm.deleted_opportunities(until - timedelta(hours=1), until)
        assert earlier.covered_until <= until
        assert deal_id not in {each.id for each in earlier.deleted}
        later = crm.deleted_opportunities(earlier.covered_until, harness.now())
        assert deal_id in {each.id for each in later.deleted}
        assert later.covered_until <= harness.now()

    def test_what_was_restored_is_no_longer_named(self, crm: Crm, harness: CrmHarness) -> None:
        since = harness.now() - timedelta(minutes=10)
        deal_id = harness.win()
        before = crm.read_opportunity(deal_id)
        harness.delete(deal_id, minutes_ago=5)
        harness.undelete(deal_id)
        assert deal_id not in {each.id for each in crm.deleted_opportunities(since, harness.now()).deleted}
        after = crm.read_opportunity(deal_id)
        assert (after.content_digest(), len(after.lines)) == (before.content_digest(), 2)
        assert deal_id in {change.id for change in poll(crm, since)}

    @pytest.mark.parametrize("ago", [timedelta(0), timedelta(seconds=30), timedelta(days=90)])
    def test_deletions_are_asked_for_since_any_time(
        self, crm: Crm, harness: CrmHarness, ago: timedelta
    ) -> None:
        now = harness.now()
        assert crm.deleted_opportunities(now - ago, now).covered_until <= now

    def test_deletions_that_the_crm_has_forgotten_stop_nobody(self, crm: Crm, harness: CrmHarness) -> None:
        harness.forget_deletions()
        now = harness.now()
        assert crm.deleted_opportunities(now - timedelta(days=1), now).covered_until <= now


class OwnerHistoryContract(CrmContract):
    """Of one that tells who owned a deal before."""

    def test_a_deal_that_was_never_handed_over_has_no_owner_before(self, crm: Crm, harness: CrmHarness) -> None:
        assert crm.read_opportunity(harness.win()).past_owners == ()

    def test_whoever_ever_owned_a_deal_is_named(self, crm: Crm, harness: CrmHarness) -> None:
        """There and back again: the record is as it was, and only the history tells."""
        deal_id = harness.win()
        seller = crm.read_opportunity(deal_id).owner
        assert seller is not None
        assert seller.email is not None
        harness.hand_over(deal_id, "Cora Colleague", "cora@firm.example")
        deal = crm.read_opportunity(deal_id)
        assert deal.owner is not None
        assert deal.past_owners == (seller,)

        harness.hand_over(deal_id, seller.name, seller.email)

        back = crm.read_opportunity(deal_id)
        assert back.owner == seller
        assert [(owner.id, owner.email) for owner in back.past_owners] == [(deal.owner.id, "cora@firm.example")]

    def test_the_history_does_not_make_it_another_deal(self, crm: Crm, harness: CrmHarness) -> None:
        deal_id = harness.win()
        before = crm.read_opportunity(deal_id)
        assert before.owner is not None
        assert before.owner.email is not None
        harness.hand_over(deal_id, "Cora Colleague", "cora@firm.example")
        harness.hand_over(deal_id, before.owner.name, before.owner.email)

        assert crm.read_opportunity(deal_id).content_digest() == before.content_digest()
