"""What a connection maps is said by the configuration, which takes two people, and by nobody alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from adapters.connectors.routing import ConnectedSystems
from adapters.notify.files import FileNotifier
from oppsync.domain.configuration.bundle import governed
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.plan.systems import ParentValues
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.connector_forms import WrongFields
from oppsync.services.admin.commands import AddConnection, EditConnection, InspectConnection, SetConnection
from oppsync.services.configuration.commands import (
    Answer,
    Applied,
    ApplyConfiguration,
    CompareConfiguration,
    DecideProposal,
    Proposed,
    RevertConfiguration,
)
from sandbox.firm import deals
from sandbox.firm.install import CRM_CONNECTION, ERP_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House
from tests.service.test_barred import FRITZ, hire

TERMS, BEGIN = "Unlimited liability", date(2025, 1, 1)
CRM, PSA = "Salesforce (stand-in)", "Kantata (stand-in)"
BY_BUNDLE = "The configuration (connection_maps.yaml, row Salesforce (stand-in)) says this: edit it there"
OLGA, FIONA = "olga.operations@example.com", "fiona.finance@example.com"


def row(connection: str, vendor: str, **settings: Any) -> ReferenceRow:
    value = {"vendor": vendor, "settings": settings}
    kind = ReferenceKind.CONNECTION_MAP
    return ReferenceRow(kind=kind, key=connection, valid_from=BEGIN, value=value)


def now(house: House) -> list[ReferenceRow]:
    with house.application.uow.reading() as uow:
        return list(governed(uow.configurations.rows(TENANT)))


def with_row(house: House, new: ReferenceRow) -> list[ReferenceRow]:
    return [*(each for each in now(house) if (each.kind, each.key) != (new.kind, new.key)), new]


def apply(house: House, rows: list[ReferenceRow]) -> Answer:
    command = ApplyConfiguration(TENANT, house.person(OLGA).id, "Acme Advisory", rows, note="as agreed")
    return house.application.dispatch(command)


def edit(house: House, settings: Mapping[str, Any], name: str | None = None) -> None:
    house.application.dispatch(
        EditConnection(TENANT, house.person(OLGA).id, CRM_CONNECTION, name, dict(settings), {})
    )


def with_terms() -> Any:
    deal = deals.milestone(WON_ON)
    return deal | {"opportunity": deal["opportunity"] | {"Special_Terms__c": TERMS}}


def shows_terms(house: House) -> bool:
    """Whether approvers of such a deal see its terms."""
    return TERMS in house.plan(house.to_approval(with_terms())).plan.model_dump_json()


def test_to_unmap_special_terms_takes_a_second_person_and_then_deals_are_read_so(house: House) -> None:
    hire(house, FRITZ, PersonRole.FINANCE_APPROVER)  # who agreed to a change decides no plan that is made by it
    unmapped = row(
        CRM,
        "salesforce",
        billing_terms=True,
        contract_terms=True,
        owner_history=True,
        fields={"Opportunity.Special_Terms__c": ""},
    )

    answer = apply(house, with_row(house, unmapped))
    assert isinstance(answer, Proposed)
    assert shows_terms(house)
    house.application.dispatch(
        DecideProposal(TENANT, house.person(FIONA).id, answer.proposal_id, approve=True, comment="seen")
    )
    assert not shows_terms(house)

    back = house.application.dispatch(RevertConfiguration(TENANT, house.person(OLGA).id, 1, "too early"))
    assert isinstance(back, Proposed)
    house.application.dispatch(
        DecideProposal(TENANT, house.person(FIONA).id, back.proposal_id, approve=True, comment="seen")
    )
    assert shows_terms(house)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"fields": {"Opportunity.Special_Terms__c": None}}, "fields"),
        ({"contract_terms": False}, "contract_terms"),
        ({"currency": "EUR", "poll_page": 5}, "currency"),
    ],
)
def test_the_integration_admin_cannot_say_it_alone(house: House, given: Mapping[str, Any], field: str) -> None:
    with pytest.raises(WrongFields) as refused:
        edit(house, given)

    (fault,) = refused.value.faults
    assert fault.field == field
    assert BY_BUNDLE in fault.message


def test_nor_by_another_name_which_the_row_follows(house: House) -> None:
    edit(house, {}, "Another name")

    assert shows_terms(house)
    assert [each.key for each in now(house) if each.kind is ReferenceKind.CONNECTION_MAP].count(
        "Another name"
    ) == 1
    with pytest.raises(WrongFields):
        edit(house, {"contract_terms": False})


def apply_alone(house: House, *rows: ReferenceRow) -> None:
    """Instead of all rows about what connections map."""
    others = [each for each in now(house) if each.kind is not ReferenceKind.CONNECTION_MAP]
    assert isinstance(apply(house, [*others, *rows]), Applied)


def own_row(house: House) -> ReferenceRow:
    return next(each for each in now(house) if (each.kind, each.key) == (ReferenceKind.CONNECTION_MAP, CRM))


def edit_renames(house: House, name: str) -> None:
    edit(house, {}, name)


def script_renames(house: House, name: str) -> None:
    with house.application.uow.reading() as uow:
        known = uow.connections.get(CRM_CONNECTION)
    house.application.dispatch(SetConnection(TENANT, COMMAND_LINE, changed(known, name=name), None))


LATER = changed(row("Other org", "salesforce", owner_history=True), valid_from=WON_ON + timedelta(days=400))


@pytest.mark.parametrize("by_script", [False, True], ids=["edit", "set"])
@pytest.mark.parametrize("has_row", [False, True], ids=["without a row", "with a row"])
@pytest.mark.parametrize(
    "other", [row("Other org", "salesforce", billing_terms=True), LATER], ids=["now", "later"]
)
def test_nor_by_the_name_of_another_row_that_maps_otherwise(
    house: House, other: ReferenceRow, has_row: bool, by_script: bool
) -> None:
    apply_alone(house, *([own_row(house)] if has_row else []), other)
    by = script_renames if by_script else edit_renames

    with pytest.raises(WrongFields) as refused:
        by(house, "Other org")

    (fault,) = refused.value.faults
    assert fault.field == "name"
    assert fault.message.startswith("The configuration (connection_maps.yaml, row Other org) maps otherwise")


def test_the_name_of_another_row_that_maps_the_same_is_as_good(house: House) -> None:
    apply_alone(house, own_row(house), changed(own_row(house), key="Other org"))

    edit(house, {}, "Other org")

    assert shows_terms(house)


def test_nor_by_connecting_the_same_org_once_more(house: House) -> None:
    settings = {"base_url": house.salesforce.url, "fields": {"Opportunity.Special_Terms__c": None}}
    secrets = {"client_id": "a key", "client_secret": "a secret"}
    who = (TENANT, house.person(OLGA).id, ConnectionRole.CRM, "salesforce")

    with pytest.raises(WrongFields) as refused:
        house.application.dispatch(AddConnection(*who, "The same org", settings, secrets))

    (fault,) = refused.value.faults
    assert fault.field == "name"
    assert "give it a row of this name first" in fault.message
    with pytest.raises(WrongFields) as nameless:
        house.application.dispatch(AddConnection(*who, " ", settings, secrets))
    assert [each.message for each in nameless.value.faults] == ["Give it a name by which people know it."]


def test_a_script_cannot_either(house: House) -> None:
    with house.application.uow.reading() as uow:
        known = uow.connections.get(CRM_CONNECTION)
    other = changed(known, settings=known.settings | {"contract_terms": False})
    with pytest.raises(WrongFields):
        house.application.dispatch(SetConnection(TENANT, COMMAND_LINE, other, None))

    same = changed(known, settings=known.settings | {"contract_terms": True, "poll_page": 7})
    house.application.dispatch(SetConnection(TENANT, COMMAND_LINE, same, None))

    with house.application.uow.reading() as uow:
        assert uow.connections.get(CRM_CONNECTION).settings == known.settings | {"poll_page": 7}


def test_what_is_no_map_is_edited_as_before_and_what_is_sent_as_it_is_is_no_change(house: House) -> None:
    edit(house, {"poll_page": 5, "contract_terms": True, "currency": None})

    with house.application.uow.reading() as uow:
        found = uow.connections.get(CRM_CONNECTION)
    assert found.settings["poll_page"] == 5
    assert "contract_terms" not in found.settings
    assert house.application.as_mapped(found).connection.settings["contract_terms"] is True


def test_without_a_row_the_connection_s_own_settings_count(house: House) -> None:
    """Those that it had before the configuration said them count again, too."""
    apply(house, [each for each in now(house) if each.kind is not ReferenceKind.CONNECTION_MAP])
    assert not shows_terms(house)

    edit(house, {"contract_terms": True})
    assert shows_terms(house)
    apply(house, with_row(house, row(CRM, "salesforce", billing_terms=True)))
    edit(house, {"poll_page": 5})
    assert not shows_terms(house)
    apply(house, [each for each in now(house) if each.kind is not ReferenceKind.CONNECTION_MAP])
    assert shows_terms(house)


def without_maps(house: House) -> None:
    """The firm is live, and no row says what its systems map."""
    apply(house, [each for each in now(house) if each.kind is not ReferenceKind.CONNECTION_MAP])
    house.rows("update tenants set went_live_at = now()")


def test_of_a_live_firm_nobody_maps_a_connection_alone(house: House) -> None:
    without_maps(house)

    with pytest.raises(WrongFields) as refused:
        edit(house, {"contract_terms": True, "fields": {"Opportunity.Special_Terms__c": None}, "poll_page": 5})
    assert {fault.field for fault in refused.value.faults} == {"contract_terms", "fields"}
    assert all("two people say what is mapped" in fault.message for fault in refused.value.faults)
    with house.application.uow.reading() as uow:
        known = uow.connections.get(CRM_CONNECTION)
    other = changed(known, settings=known.settings | {"contract_terms": True})
    with pytest.raises(WrongFields):
        house.application.dispatch(SetConnection(TENANT, COMMAND_LINE, other, None))

    edit(house, {"poll_page": 5, "contract_terms": False})  # the latter is what it has
    hire(house, FRITZ, PersonRole.FINANCE_APPROVER)
    said = apply(house, with_row(house, row(CRM, "salesforce", contract_terms=True)))
    assert isinstance(said, Proposed)
    agreed = DecideProposal(TENANT, house.person(FIONA).id, said.proposal_id, approve=True)
    house.application.dispatch(agreed)
    assert shows_terms(house)


def test_nor_one_that_they_connect(house: House) -> None:
    without_maps(house)
    secrets = {"client_id": "id", "client_secret": "secret"}
    given = {"base_url": "http://127.0.0.1:9", "contract_terms": True}
    added = AddConnection(
        TENANT, house.person(OLGA).id, ConnectionRole.CRM, "salesforce", "Mine", given, secrets
    )

    with pytest.raises(WrongFields) as refused:
        house.application.dispatch(added)

    assert [fault.field for fault in refused.value.faults] == ["contract_terms"]


def test_a_test_looks_through_the_map_and_a_new_map_has_to_be_tested_anew(house: House) -> None:
    who = (TENANT, house.person(OLGA).id)
    seen = house.application.dispatch(InspectConnection(*who, ERP_CONNECTION))
    assert not [each for each in seen if each.is_fault]
    assert missing(house, ERP_CONNECTION) == 0

    apply(house, with_row(house, row("Tryton", "tryton", milestone_product="NO SUCH")))

    assert missing(house, ERP_CONNECTION) is None
    seen = house.application.dispatch(InspectConnection(*who, ERP_CONNECTION))
    assert [each.what for each in seen if each.is_fault and "NO SUCH" in each.what]
    assert missing(house, ERP_CONNECTION) == sum(each.is_fault for each in seen)


def missing(house: House, connection_id: str) -> int | None:
    with house.application.uow.reading() as uow:
        return uow.connections.get(connection_id).test_faults


def test_a_row_of_another_vendor_is_refused_and_one_of_what_is_not_connected_is_told(house: House) -> None:
    with pytest.raises(BadBundle) as refused:
        apply(house, with_row(house, row(PSA, "salesforce")))
    (fault,) = refused.value.faults
    assert (fault.file, fault.field) == ("connection_maps.yaml", "vendor")
    assert fault.problem == "Kantata (stand-in) is connected as kantata, not 'salesforce'"

    early = with_row(house, row("Our org", "salesforce", billing_terms=True))
    command = CompareConfiguration(TENANT, house.person(OLGA).id, "Acme Advisory", early)
    (note,) = house.application.dispatch(command).notes
    assert note.startswith("connection_maps.yaml: nothing is connected as 'Our org': the row counts once")
    assert isinstance(apply(house, early), Applied)


def notes_on(house: House, rows: list[ReferenceRow]) -> list[str]:
    command = CompareConfiguration(TENANT, house.person(OLGA).id, "Acme Advisory", rows)
    return list(house.application.dispatch(command).notes)


def test_it_is_told_which_systems_go_by_their_own_settings_once_rows_go(house: House) -> None:
    rows = [each for each in now(house) if each.kind is not ReferenceKind.CONNECTION_MAP]
    own = own_row(house)
    today = house.application.clock.now().date()
    end = today + timedelta(days=30)

    assert notes_on(house, now(house)) == []
    assert notes_on(house, rows) == [
        f"connection_maps.yaml: from {today} on no row says what {name} maps: its own settings do then, which "
        "one person edits."
        for name in ("Kantata (stand-in)", "Salesforce (stand-in)", "Tryton")
    ]
    (note,) = notes_on(house, with_row(house, changed(own, valid_to=end)))
    assert note.startswith(f"connection_maps.yaml: from {end} on no row says what {CRM} maps")
    (note, *others) = notes_on(house, with_row(house, changed(own, key="Misspelt")))
    assert others == []
    assert note.startswith("connection_maps.yaml: nothing is connected as 'Misspelt'")
    instead = [each for each in with_row(house, changed(own, key="Misspelt")) if each != own]
    assert len(notes_on(house, instead)) == 2


def test_a_system_that_is_connected_later_goes_by_its_row_from_the_start(house: House) -> None:
    apply(house, with_row(house, row("Staff", "kantata", roles={"Architect": 9})))
    who, secrets = (TENANT, house.person(OLGA).id), {"token": "a token of theirs"}
    address = {"base_url": "https://api.kantata.example"}

    def add(settings: Mapping[str, Any]) -> str:
        command = AddConnection(*who, ConnectionRole.PSA, "kantata", "Staff", dict(settings), secrets)
        return house.application.dispatch(command).connection_id

    with pytest.raises(WrongFields) as refused:
        add(address | {"roles": {"Architect": 3}})
    assert [each.field for each in refused.value.faults] == ["roles"]
    added = add(address)

    with house.application.uow.reading() as uow:
        found = uow.connections.get(added)
    assert found.settings == address
    assert house.application.as_mapped(found).connection.settings == address | {"roles": {"Architect": 9}}


def test_a_map_that_the_connector_cannot_read_is_refused_wherever_it_comes_from(house: House) -> None:
    with pytest.raises(BadBundle) as refused:
        apply(house, with_row(house, row(CRM, "salesforce", curency="EUR", billing_terms="perhaps")))

    assert [each.field for each in refused.value.faults] == ["settings.billing_terms", "settings.curency"]


def unknown_to_psa(house: House, *roles: str) -> list[str]:
    """Of these roles, as the PSA that a new deal is routed to says."""
    app = house.application
    notifier = FileNotifier(app.settings.outbox_folder, "", app.clock)
    systems = ConnectedSystems(app.uow, app.clock, notifier, app.vendor_traffic)
    chosen = systems.psa(TENANT, ParentValues(day=WON_ON))
    assert chosen is not None
    return list(chosen[1].unknown_roles(roles))


@pytest.mark.parametrize("routed", [False, True], ids=["the only one", "by its route"])
def test_roles_are_those_of_the_psa_s_map_whichever_way_leads_to_it(house: House, routed: bool) -> None:
    staffed = {"code": "TPL", "name": "Staffed", "budget": [{"role": "Consultant", "percent": "100"}]}
    more = [(ReferenceKind.PROJECT_TEMPLATE, "CLOUD|DACH|milestone", staffed)]
    more += [(ReferenceKind.ROUTE, "psa|*|*|*", {"connection": PSA})] if routed else []
    at = {(kind, key) for kind, key, _value in more}
    rows = [each for each in now(house) if (each.kind, each.key) not in at]
    rows += [ReferenceRow(kind=kind, key=key, valid_from=BEGIN, value=value) for kind, key, value in more]
    apply(house, rows)
    house.to_approval(deals.milestone(WON_ON))
    assert unknown_to_psa(house, "Consultant", "Architect") == ["Architect"]

    apply(house, with_row(house, row(PSA, "kantata", roles={"Architect": 3})))
    assert unknown_to_psa(house, "Consultant", "Architect") == ["Consultant"]
    record_id = house.win(deals.milestone(WON_ON))
    house.settle()

    assert house.exception(record_id).code == "PSA_ROLE_UNKNOWN"
