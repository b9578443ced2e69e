"""Two stacks on one machine: a system of the other stack that answers is recognised, and left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.embedded.tryton.server import TrytonAddress
from sandbox.stack import tryton_answers
from sandbox.standins.control import KantataControl, SalesforceControl, WrongNeighbour
from sandbox.standins.process import running
from tests.harness.tryton import tryton
from tests.integration.standin_calls import call

__all__ = ["tryton"]


def test_a_standin_takes_orders_from_its_own_stack_only(tmp_path: Path) -> None:
    with running("salesforce", tmp_path / "salesforce.sqlite", "--identity", "ours") as url:
        assert SalesforceControl(url, "ours").is_ready()
        for identity in ("theirs", ""):
            with pytest.raises(WrongNeighbour, match=f"{url} belongs to another demo"):
                SalesforceControl(url, identity).configure_webhook("http://127.0.0.1:1/", "whsec_AAAA")
        assert SalesforceControl(url, "ours").deliveries() == []
        refused = call(url, "PUT", "/_standin/webhook", "{}")
        assert (refused.status, refused.json["error"]) == (403, "this stand-in belongs to another stack")


def test_a_standin_of_nobody_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    with (
        running("kantata", tmp_path / "kantata.sqlite") as url,
        pytest.raises(WrongNeighbour, match="--first-port"),
    ):
        KantataControl(url, "ours").is_ready()


def test_a_tryton_that_does_not_know_the_key_is_somebody_elses(tryton: TrytonAddress) -> None:
    assert tryton_answers(tryton.url, tryton.rest_key)
    with pytest.raises(WrongNeighbour, match="left alone"):
        tryton_answers(tryton.url, "theirs")
