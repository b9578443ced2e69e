"""A rule by pages alone: refused with what is wrong in its condition, then proposed to a second person."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.values.roles import PersonRole
from oppsync.services.configuration.commands import ApplyConfiguration
from tests.harness.builders import TENANT
from tests.unit.test_rule_files import RULE
from tests.web.browser import Browser
from tests.web.office import Office
from tests.web.test_configuration_api import go_live
from tests.web.test_configuration_rows import FIRM, ROWS, apply, changed, filled, rows

ADD = "/configuration/rows/rule/add"
TEXT = RULE.replace("- name", "  name", 1).replace("\n  ", "\n").removeprefix("  ")


@pytest.fixture
def ida(office: Office, browser: Callable[[str], Browser]) -> Browser:
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    office.application.dispatch(ApplyConfiguration(TENANT, office.ids["kim"], FIRM, ROWS))
    return browser("ida")


def test_a_condition_that_cannot_be_used_is_shown_with_its_place_and_what_is_available(ida: Browser) -> None:
    text = TEXT.replace("deal.amount >", "deal.amuont <b>")

    refused = changed(ida, ADD, text=text)

    assert refused.status == 422
    assert "rule large: column 5: there is no `deal.amuont`. Did you mean `deal.amount`?" in refused.words
    assert filled(refused)["row-text"] == text


def test_a_rule_that_does_not_do_what_its_example_says_is_refused(ida: Browser) -> None:
    refused = changed(ida, ADD, text=TEXT.replace("expect: true", "expect: false"))

    assert "example 1: rule large: the condition holds for this example. Correct one of both." in refused.words


def test_a_rule_of_a_live_firm_waits_for_a_second_person(office: Office, ida: Browser) -> None:
    go_live(office)

    shown = changed(ida, ADD, text=TEXT)

    assert "condition deal.amount > 100000; message Large deals need a clause; owner finance" in shown.words
    assert "a finance approver other than you has to approve it" in shown.words
    assert apply(ida, shown).startswith("/configuration/proposals/")
    assert fingerprint(rows(office)) == fingerprint(ROWS)
