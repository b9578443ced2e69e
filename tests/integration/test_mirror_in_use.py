"""What the configuration names and the mirror of the ERP does not have: refused where it is applied, and told
after a reading."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta

import pytest

from adapters.bootstrap import Application
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.master_data.rows import (
    Company,
    CostCentre,
    FiscalYear,
    MasterKind,
    MasterRow,
    Product,
    key_of,
)
from oppsync.domain.plan.references import references_of
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.events import Event
from oppsync.domain.work.exceptions import ExceptionItem, NewException
from oppsync.domain.work.payload_references import mirror_reference
from oppsync.ports.storage.unit_of_work import UnitOfWork
from oppsync.services.admin.commands import SetConnection
from oppsync.services.configuration.commands import RevertConfiguration
from oppsync.services.mirror.ended_in_use import CODE, tell_ended_in_use, years_of
from tests.harness import builders as make
from tests.harness.builders import TENANT
from tests.integration.test_configuration import ROWS, Desk
from tests.integration.test_mirror_store import ERP, read

TODAY = date(2026, 6, 1)
COMPANIES = [Company(code=code, record=code, currency="EUR") for code in ("ACME-DE", "ACME-US")]
CENTRES = [
    CostCentre(company=f"ACME-{of}", code=f"CC-{of}-{line}", record="1")
    for of in ("DE", "US")
    for line in ("ADV", "CLOUD")
]
NEW = CostCentre(company="ACME-DE", code="CC-NEW", record="9")


def booked_on(code: str) -> list[ReferenceRow]:
    """The demo firm, with German advice booked on this cost centre."""
    return [
        changed(row, value={**row.value, "code": code})
        if (row.kind, row.key) == (ReferenceKind.COST_CENTRE, "ACME-DE|ADV")
        else row
        for row in ROWS
    ]


@pytest.fixture
def desk(application: Application) -> Desk:
    """A live firm with an ERP, whose companies and cost centres were read."""
    settings = {"time_product": "CONS-HR", "dated_product": "FIXED"}
    erp = Connection(
        tenant_id=TENANT, id=ERP, role=ConnectionRole.ERP, vendor="tryton", name="Books", settings=settings
    )
    with application.uow() as uow:
        uow.connections.put(erp, {})
        uow.commit()
    read(application, *COMPANIES, kind=MasterKind.COMPANY)
    read_centres(application, NEW)
    desk = Desk(application)
    desk.apply(ROWS)
    desk.go_live()
    return desk


def read_centres(application: Application, *more: MasterRow) -> None:
    read(application, *CENTRES, *more, kind=MasterKind.COST_CENTRE)


def test_what_ended_in_the_erp_since_it_was_proposed_is_not_applied(desk: Desk) -> None:
    proposal = desk.apply(booked_on("CC-NEW"))
    read_centres(desk.application)

    with pytest.raises(BadBundle, match="Books's company ACME-DE has no cost centre 'CC-NEW'"):
        desk.decide(proposal, desk.fay)
    assert [each.number for each in desk.versions()] == [1]

    read_centres(desk.application, NEW)
    assert desk.decide(proposal, desk.fay)


def test_a_revert_brings_back_no_row_that_names_what_ended_in_the_erp(desk: Desk) -> None:
    desk.decide(desk.apply(booked_on("CC-NEW")), desk.fay)
    desk.decide(desk.apply(ROWS), desk.fay)
    read_centres(desk.application)

    with pytest.raises(BadBundle, match="CC-NEW"):
        desk.application.dispatch(RevertConfiguration(TENANT, desk.ina, 2, "as it was"))


def told(application: Application, kind: MasterKind) -> Sequence[ExceptionItem]:
    """What is open about a kind, after what ended was looked at as at the end of a reading."""

    def publish(uow: UnitOfWork, tenant_id: str, traceparent: str, *events: Event) -> None:
        pass

    with application.uow() as uow:
        tell_ended_in_use(uow, publish, TENANT, ERP, TODAY, catalog=application.connectors)
        reference = mirror_reference(ERP, kind)
        subject = NewException(
            tenant_id=TENANT, code=CODE, message="any", owner="integration", payload_reference=reference
        )
        last = uow.exceptions.last(subject)
        uow.commit()
    return [last] if last is not None and last.status == "open" else []


def test_a_row_that_names_what_the_erp_never_had_is_told_after_a_reading_to_its_owner(desk: Desk) -> None:
    """The rows were there before the ERP was."""
    owner = ReferenceRow(
        kind=ReferenceKind.EXCEPTION_OWNER,
        key=f"{CODE}|*|*",
        valid_from=date(2025, 1, 1),
        value={"owner": "finance"},
    )
    with desk.application.uow() as uow:
        for row in [*booked_on("CC-NOPE"), owner]:
            uow.references.put(TENANT, row)
        uow.commit()

    (item,) = told(desk.application, MasterKind.COST_CENTRE)
    assert "cost centre CC-NOPE of ACME-DE, never seen there, named by the configuration" in item.message
    assert "cost_centres.csv: entity ACME-DE, service line ADV" in item.message
    assert item.owner == "finance"

    read_centres(desk.application, changed(NEW, code="CC-NOPE"))
    assert told(desk.application, MasterKind.COST_CENTRE) == []


def test_a_product_that_ended_is_named_by_the_setting_of_the_connection(desk: Desk) -> None:
    hours, fixed = (Product(code=code, record=code) for code in ("CONS-HR", "FIXED"))
    read(desk.application, hours, fixed, kind=MasterKind.PRODUCT)
    assert told(desk.application, MasterKind.PRODUCT) == []

    read(desk.application, fixed, kind=MasterKind.PRODUCT)
    (item,) = told(desk.application, MasterKind.PRODUCT)
    assert "product CONS-HR, gone since" in item.message
    assert "the setting time_product of Books" in item.message


def mapping(product: str) -> list[ReferenceRow]:
    """The demo firm, with a row that says which product hours are invoiced by."""
    value = {"vendor": "tryton", "settings": {"time_product": product}}
    kind = ReferenceKind.CONNECTION_MAP
    return [*ROWS, ReferenceRow(kind=kind, key="Books", valid_from=date(2025, 1, 1), value=value)]


def test_a_product_that_a_map_names_and_the_erp_lacks_is_refused(desk: Desk) -> None:
    read(desk.application, Product(code="HOURS", record="1"), kind=MasterKind.PRODUCT)

    with pytest.raises(BadBundle) as refused:
        desk.apply(mapping("HOUR"))

    (fault,) = refused.value.faults
    assert (fault.file, fault.field) == ("connection_maps.yaml", "settings.time_product")
    assert "Books has no product 'HOUR', as of" in fault.problem
    assert "Use one that is there, such as HOURS" in fault.fix
    assert desk.apply(mapping("HOURS"))


def test_a_product_that_ended_is_named_by_the_map_in_force_and_not_by_what_it_replaces(desk: Desk) -> None:
    hours, old = (Product(code=code, record=code) for code in ("HOURS", "CONS-HR"))
    read(desk.application, hours, old, kind=MasterKind.PRODUCT)
    desk.decide(desk.apply(mapping("HOURS")), desk.fay)

    read(desk.application, hours, kind=MasterKind.PRODUCT)
    assert told(desk.application, MasterKind.PRODUCT) == []

    read(desk.application, old, kind=MasterKind.PRODUCT)
    (item,) = told(desk.application, MasterKind.PRODUCT)
    assert "product HOURS, gone since" in item.message
    assert "connection_maps.yaml: connection Books" in item.message


def test_a_fiscal_year_that_ended_is_named_by_plans_with_invoices_on_its_days() -> None:
    wanted = references_of(make.plan().content)
    day = wanted.invoice_days[0]
    ended = FiscalYear(
        company=wanted.company, code="then", record="1", starts_on=day, ends_on=day, is_open=True
    )
    earlier = changed(ended, code="before", starts_on=day - timedelta(days=9), ends_on=day - timedelta(days=1))
    another = changed(ended, code="elsewhere", company="ACME-US")

    assert years_of(make.plan().content, [ended, earlier, another]) == {key_of(ended)}


def settings(application: Application, **changes: str | int) -> bool:
    """Whether what was known is forgotten with these settings."""
    with application.uow() as uow:
        found = uow.connections.get(ERP)
    new = changed(found, settings={**found.settings, **changes})
    return application.dispatch(SetConnection(TENANT, COMMAND_LINE, new))


def known_centres(application: Application) -> Collection[tuple[str, str]]:
    with application.uow.reading() as uow:
        return uow.mirror.codes(TENANT, ERP, MasterKind.COST_CENTRE)


def test_what_is_known_is_forgotten_only_when_the_connection_leads_to_other_books(desk: Desk) -> None:
    with desk.application.uow() as uow:
        for row in booked_on("CC-NEW"):
            uow.references.put(TENANT, row)
        uow.commit()
    read_centres(desk.application)
    assert told(desk.application, MasterKind.COST_CENTRE)

    assert not settings(desk.application, timeout=20)
    assert len(known_centres(desk.application)) == len(CENTRES)
    assert told(desk.application, MasterKind.COST_CENTRE)

    assert settings(desk.application, database="others")
    assert known_centres(desk.application) == set()
    (latest, *_) = desk.application.queries.changes(TENANT).rows
    assert "the master data of the earlier ones is forgotten" in latest.summary
    assert not settings(desk.application, database="third")  # nothing is known yet


def test_the_firm_of_the_desk_names_nothing_else_that_is_not_there(desk: Desk) -> None:
    assert [kind for kind in MasterKind if told(desk.application, kind)] == []
