"""The brake on guessing: what it counts, for whom, and where."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from adapters.identity.brake import SharedBrake
from adapters.runtime.redis_pool import impatient_pool
from oppsync.kernel.settings import Settings
from oppsync.services.admin.sign_in_brake import ACCOUNT, ADDRESS, PAIR, SignInBrake, neighbourhood
from tests.harness.waiting import HANG_SECONDS

OFFICE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


def _patient(settings: Settings) -> redis.BlockingConnectionPool:
    """A Redis that is slow on a busy machine is not away."""
    address = settings.redis_address
    return redis.BlockingConnectionPool.from_url(address, max_connections=1, timeout=HANG_SECONDS)


@pytest.fixture
def shared(settings: Settings) -> Iterator[SharedBrake]:
    pool = redis.BlockingConnectionPool.from_url(
        settings.redis_address, max_connections=1, timeout=HANG_SECONDS
    )
    yield SharedBrake(settings.redis_address, pool)
    pool.disconnect()


@pytest.fixture
def brake(shared: SharedBrake) -> SignInBrake:
    return SignInBrake(shared)


def fail(brake: SignInBrake, account: str, address: str, times: int) -> int:
    """How many of so many attempts were let through; all fail."""
    through = 0
    for _ in range(times):
        if not brake.wait_seconds(account, address):
            through += 1
            brake.failed(account, address)
    return through


def test_guesses_at_one_account_are_few_and_others_at_the_address_still_come_in(brake: SignInBrake) -> None:
    assert fail(brake, "ana", OFFICE, 2 * PAIR.most) == PAIR.most
    assert 0 < brake.wait_seconds("ana", OFFICE) <= PAIR.seconds
    assert brake.wait_seconds("tom", OFFICE) == 0
    assert brake.wait_seconds("ana", ELSEWHERE) == 0


def test_who_signed_in_here_before_is_not_locked_out_by_a_guesser_at_the_same_address(
    brake: SignInBrake,
) -> None:
    brake.succeeded("tom", OFFICE)
    guessed = sum(fail(brake, f"made up {number}", OFFICE, 5) for number in range(ADDRESS.most))
    assert guessed == ADDRESS.most
    assert brake.wait_seconds("one more", OFFICE) > 0
    assert brake.wait_seconds("tom", OFFICE) == 0


def test_an_account_is_guessed_at_slowly_from_many_addresses_and_its_person_still_comes_in(
    brake: SignInBrake,
) -> None:
    brake.succeeded("ana", OFFICE)
    guessed = sum(fail(brake, "ana", f"198.51.100.{number}", 5) for number in range(ACCOUNT.most))
    assert guessed == ACCOUNT.most
    assert brake.wait_seconds("ana", ELSEWHERE) > 0
    assert brake.wait_seconds("ana", OFFICE) == 0


def test_all_processes_count_together(brake: SignInBrake, settings: Settings) -> None:
    pool = redis.BlockingConnectionPool.from_url(
        settings.redis_address, max_connections=1, timeout=HANG_SECONDS
    )
    other = SharedBrake(settings.redis_address, pool)
    assert fail(brake, "ana", OFFICE, 2 * PAIR.most) == PAIR.most
    assert SignInBrake(other).wait_seconds("ana", OFFICE) > 0
    pool.disconnect()


def test_without_redis_each_process_counts_for_itself() -> None:
    nowhere = "redis://127.0.0.1:1"
    alone = SignInBrake(SharedBrake(nowhere, impatient_pool(nowhere, 1)))
    assert fail(alone, "ana", OFFICE, 2 * PAIR.most) == PAIR.most
    another = SignInBrake(SharedBrake(nowhere, impatient_pool(nowhere, 1)))
    assert another.wait_seconds("ana", OFFICE) == 0


def test_success_begins_the_count_anew(brake: SignInBrake) -> None:
    fail(brake, "ana", OFFICE, PAIR.most - 1)
    brake.succeeded("ana", OFFICE)
    assert fail(brake, "ana", OFFICE, PAIR.most) == PAIR.most


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_addresses_of_one_subscriber_count_as_one(address: str, counted_as: str) -> None:
    assert neighbourhood(address) == counted_as
