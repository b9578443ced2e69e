"""One row of the configuration by API: read as of a day, compared, applied or proposed, and its faults."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from adapters.documents.bundle_files import FirmBundle
from oppsync.domain.configuration.bundle import fingerprint, governed
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.roles import PersonRole
from oppsync.services.configuration.commands import ApplyConfiguration
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT
from tests.web.office import Office
from tests.web.test_configuration_api import done, go_live, read
from tests.web.test_connections import Api
from web.api import configuration_rows
from web.bundles import configuration_now

ROWS = governed(reference_rows())
RATES = "/configuration/rows/rates.csv"


@pytest.fixture
def ida(app: Flask, office: Office) -> Api:
    """Who administers integrations, of a firm that has begun."""
    office.hire("ida", PersonRole.INTEGRATION_ADMIN)
    office.application.dispatch(ApplyConfiguration(TENANT, office.ids["kim"], "Acme Advisory", ROWS))
    return Api(app, office.token("ida"))


def consultant(api: Api, on: str = "2026-06-01") -> dict[str, Any]:
    """The rate that holds on a day."""
    rows = [each for each in read(api, f"{RATES}?on={on}")["rows"] if each["key"] == "NA|Consultant|USD"]
    row: dict[str, Any] = rows[0]
    assert len(rows) == 1
    return row


def dearer(row: dict[str, Any], **others: str) -> dict[str, Any]:
    return {
        "row": {**row["row"], "hourly": "175.5", **others},
        "instead_of": {"key": row["key"], "valid_from": row["valid_from"]},
    }


def test_a_rate_is_raised_from_a_day_on_and_read_as_of_both_days(ida: Api) -> None:
    before = consultant(ida)
    raised = {"row": {**before["row"], "valid_from": "2027-01-01", "hourly": "175.5"}}

    compared = done(ida, f"{RATES}/preview", raised)
    assert [each["change"] for each in compared["differences"]] == ["ended", "added"]
    assert consultant(ida, "2027-01-01") == before, "a preview writes nothing"

    applied = done(ida, RATES, {**raised, "note": "the new year", "against": read(ida, RATES)["fingerprint"]})

    assert applied["version"] == 2
    assert consultant(ida, "2026-12-31") == {
        **before,
        "row": {**before["row"], "valid_to": "2027-01-01"},
        "valid_to": "2027-01-01",
    }
    assert consultant(ida, "2027-01-01")["row"]["hourly"] == "175.5"


def test_every_row_that_is_read_can_be_written_back_and_changes_nothing(ida: Api) -> None:
    files = read(ida, "/configuration")["rows"]
    for file in files:
        for each in read(ida, f"/configuration/rows/{file}")["rows"][:3]:
            at = {"key": each["key"], "valid_from": each["valid_from"]}
            sent = {"row": each["row"], "instead_of": at}
            assert done(ida, f"/configuration/rows/{file}/preview", sent)["differences"] == [], (file, at)


def test_of_a_live_firm_a_row_that_moves_money_is_proposed(ida: Api, office: Office) -> None:
    go_live(office)
    before = consultant(ida)

    answer = done(ida, RATES, dearer(before))

    assert answer["version"] is None
    assert answer["proposal_id"]
    assert consultant(ida) == before


def test_who_may_not_propose_writes_no_row(ida: Api, app: Flask, office: Office) -> None:
    before = consultant(ida)
    refused = Api(app, office.token("olga"))("POST", RATES, dearer(before))
    assert (refused.status_code, refused.get_json()["code"]) == (403, "FORBIDDEN")
    assert consultant(ida) == before


@pytest.mark.parametrize(
    ("others", "field", "says"),
    [
        ({"hourly": "1.170,50"}, "hourly", "is not a number"),
        ({"region": "MOON"}, "region", "no region has the code 'MOON'"),
        ({"colour": "red"}, "colour", "is not known here"),
        ({"hourly": ["1"]}, "hourly", "is no value of a cell"),
    ],
)
def test_every_fault_names_its_field(ida: Api, others: dict[str, Any], field: str, says: str) -> None:
    before = consultant(ida)
    refused = ida("POST", RATES, dearer(before, **others))
    assert (refused.status_code, refused.get_json()["code"]) == (422, "BAD_BUNDLE")
    [fault] = [each for each in refused.get_json()["errors"] if each["field"] == field]
    assert says in fault["message"]
    assert consultant(ida) == before


def test_a_row_that_changed_meanwhile_is_not_overwritten(ida: Api) -> None:
    before = consultant(ida)
    opened = fingerprint(ROWS)
    done(ida, RATES, dearer(before))

    late = ida("POST", RATES, {**dearer(before, hourly="1.00"), "against": opened})

    assert (late.status_code, late.get_json()["code"]) == (409, "CONFIGURATION_CHANGED")
    assert consultant(ida)["row"]["hourly"] == "175.5"


def test_a_row_that_somebody_writes_meanwhile_is_not_lost(
    ida: Api, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = consultant(ida)
    fewer = [row for row in ROWS if row.kind is not ReferenceKind.EXCEPTION_OWNER]

    def overtaken() -> FirmBundle:
        now = configuration_now()
        office.application.dispatch(ApplyConfiguration(TENANT, office.ids["kim"], now.firm, fewer))
        return now

    monkeypatch.setattr(configuration_rows, "configuration_now", overtaken)

    late = ida("POST", RATES, dearer(before))

    assert (late.status_code, late.get_json()["code"]) == (409, "CONFIGURATION_CHANGED")
    assert consultant(ida) == before


def test_a_number_of_json_is_taken_exactly(ida: Api) -> None:
    row = dearer(consultant(ida))
    done(ida, RATES, {**row, "row": {**row["row"], "hourly": 175.1}})
    assert consultant(ida)["row"]["hourly"] == "175.1"


def test_what_does_not_exist_is_not_found(ida: Api) -> None:
    before = consultant(ida)
    gone = {**dearer(before), "instead_of": {"key": before["key"], "valid_from": "2020-01-01"}}
    assert ida("POST", RATES, gone).status_code == 404
    assert ida("GET", "/configuration/rows/planets.csv").status_code == 404
