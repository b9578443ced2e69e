"""A plan names the configuration that it was made by."""

from __future__ import annotations

from oppsync.domain.configuration.bundle import fingerprint
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.reading.why import why
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.services.configuration.commands import ApplyConfiguration
from sandbox.firm import deals
from sandbox.firm.demo_firm import bundle
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House

FIRM, ROWS = bundle()


def dearer() -> list[ReferenceRow]:
    return [
        changed(row, value={**row.value, "hourly": "77"}) if row.kind is ReferenceKind.COST_RATE else row
        for row in ROWS
    ]


def planned(house: House) -> ConfigurationUse | None:
    record_id = house.win(deals.fixed_fee(WON_ON))
    house.settle()
    plan = house.plan(record_id).plan
    assert why(plan, "/total").configuration == plan.configuration
    return plan.configuration


def test_a_plan_names_the_version_and_the_fingerprint_of_the_rows_it_was_made_by(house: House) -> None:
    assert planned(house) == ConfigurationUse(number=1, fingerprint=fingerprint(ROWS))

    house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, dearer(), note="Dearer"))
    assert planned(house) == ConfigurationUse(number=2, fingerprint=fingerprint(dearer()))


def test_a_plan_made_by_rows_past_the_versions_names_their_fingerprint_alone(house: House) -> None:
    rows = dearer()
    with house.application.uow() as uow:
        for row in rows:
            uow.references.put(TENANT, row)
        uow.commit()

    assert planned(house) == ConfigurationUse(number=None, fingerprint=fingerprint(rows))
