"""Webhook secrets: a new one replaces the others, which are accepted a while longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oppsync.domain.work.webhook_secrets import accepted, fingerprint, rotated

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
DAY = timedelta(hours=24)


def test_a_secret_without_an_end_is_accepted_for_good() -> None:
    assert accepted(["old"], {}, NOW + timedelta(days=9_999)) == ["old"]


def test_both_are_accepted_for_a_day_and_then_the_new_one_alone() -> None:
    secrets, ends = rotated(["old"], {}, "new", NOW, DAY)

    assert accepted(secrets, ends, NOW + DAY - timedelta(seconds=1)) == ["new", "old"]
    assert accepted(secrets, ends, NOW + DAY) == ["new"]


def test_two_are_valid_at_once_and_a_further_rotation_ends_the_older_one() -> None:
    secrets, ends = rotated(["old"], {}, "new", NOW, DAY)

    again, later = rotated(secrets, ends, "newer", NOW + timedelta(hours=1), DAY)

    assert again == ["newer", "new"]
    assert later == {fingerprint("new"): NOW + timedelta(hours=25)}
    assert accepted(again, later, NOW + timedelta(hours=25)) == ["newer"]


def test_a_secret_that_leaked_ends_at_once() -> None:
    assert rotated(["leaked"], {}, "new", NOW, timedelta(0)) == (["new"], {})
