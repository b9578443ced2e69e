"""The mirror in Postgres: one reading at a time, resumable, and what ends only when all of a kind was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from adapters.bootstrap import Application
from adapters.postgres.repositories.mirror import RUNS_KEPT
from oppsync.domain.master_data.rows import (
    CostCentre,
    Customer,
    MasterKey,
    MasterKind,
    MasterRow,
    PaymentTerms,
    key_of,
)
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.mirror import MirrorChange, MirrorLease, MirrorState
from oppsync.kernel.errors import NotFound
from oppsync.ports.storage.mirror import Mirror
from tests.harness.builders import TENANT

ERP = "erp"
NET30, NET60 = (PaymentTerms(code=code, record=code[3:]) for code in ("NET30", "NET60"))
TERMS, CENTRES = MasterKind.PAYMENT_TERMS, MasterKind.COST_CENTRE
ADVICE = CostCentre(company="ACME-DE", code="CC-1", record="7", group="5")
GLOBEX = Customer(code="CUST-1001", record="3", name="Globex GmbH", tax_ids=("DE 136 695 976",))

Act = Callable[[Mirror], object]


@pytest.fixture(autouse=True)
def connected(application: Application) -> None:
    erp = Connection(tenant_id=TENANT, id=ERP, role=ConnectionRole.ERP, vendor="tryton", name="ERP")
    with application.uow() as uow:
        uow.connections.put(erp, {})
        uow.commit()


def take(application: Application, holder: str = "one") -> MirrorLease | None:
    with application.uow() as uow:
        lease = uow.mirror.take(holder, ERP)
        uow.commit()
    return lease


def begun(application: Application, *kinds: MasterKind) -> MirrorLease:
    lease = take(application)
    assert lease is not None
    with application.uow() as uow:
        run = uow.mirror.begin(lease, kinds)
        uow.commit()
    assert run is not None
    return run


def page(application: Application, lease: MirrorLease, *rows: MasterRow, after: str | None = None) -> bool:
    with application.uow() as uow:
        stored = uow.mirror.store(lease, rows, after)
        uow.commit()
    return stored is not None


def read(application: Application, *rows: MasterRow, kind: MasterKind = TERMS) -> None:
    """One whole reading of a kind."""
    lease = begun(application, kind)
    assert page(application, lease, *rows)
    with application.uow() as uow:
        assert uow.mirror.finish(lease, timedelta(0))
        uow.commit()


def known(application: Application, *rows: MasterRow) -> set[MasterKey]:
    with application.uow.reading() as uow:
        return set(uow.mirror.rows(TENANT, ERP, [key_of(row) for row in rows]))


def state(application: Application) -> MirrorState:
    with application.uow.reading() as uow:
        return uow.mirror.state(TENANT, ERP, 500)


def changes(application: Application) -> Sequence[tuple[str, MirrorChange]]:
    return [(each.code, each.change) for each in state(application).runs[0].differences]


def test_one_process_reads_at_a_time_and_who_lost_the_lease_writes_nothing(application: Application) -> None:
    first = begun(application, TERMS)
    assert take(application, "two") is None

    run_out(application)
    second = take(application, "two")
    assert second is not None
    assert (second.run_id, second.kinds) == (first.run_id, (TERMS,))
    assert not page(application, first, NET30)
    assert known(application, NET30) == set()
    assert page(application, second, NET30)


def run_out(application: Application) -> None:
    with application.engine.begin() as connection:
        connection.execute(text("update mirrors set lease_until = now() - interval '1 second'"))


def test_a_reading_that_died_half_way_ends_nothing_and_goes_on_at_its_page(application: Application) -> None:
    read(application, NET30, NET60)
    dead = begun(application, TERMS)
    assert page(application, dead, NET30, after="30")
    run_out(application)
    assert known(application, NET30, NET60) == {key_of(NET30), key_of(NET60)}

    heir = take(application, "two")
    assert heir is not None
    assert heir.after == "30"
    assert page(application, heir)
    assert known(application, NET30, NET60) == {key_of(NET30)}
    assert changes(application) == [("NET60", MirrorChange.ENDED)]


def test_a_reading_tells_what_is_new_changed_ended_and_back(application: Application) -> None:
    read(application, NET30)
    assert changes(application) == [("NET30", MirrorChange.ADDED)]
    read(application, PaymentTerms(code="NET30", record="30", name="Thirty days"), NET60)
    assert set(changes(application)) == {("NET30", MirrorChange.CHANGED), ("NET60", MirrorChange.ADDED)}
    read(application, NET60)
    assert changes(application) == [("NET30", MirrorChange.ENDED)]
    read(application, NET30, NET60)
    assert changes(application) == [("NET30", MirrorChange.ADDED)]
    read(application, NET30, NET60)
    assert changes(application) == []


def test_what_a_look_up_found_or_missed_counts_until_the_next_reading(application: Application) -> None:
    read(application, NET30)
    with application.uow() as uow:
        uow.mirror.keep(TENANT, ERP, [NET60], [key_of(NET30)])
        uow.commit()
    assert known(application, NET30, NET60) == {key_of(NET60)}

    lease = begun(application, TERMS)
    with application.uow() as uow:
        uow.mirror.keep(TENANT, ERP, [ADVICE], [])  # of another kind: this reading does not end it
        uow.commit()
    assert page(application, lease, NET30)
    assert known(application, NET30, NET60, ADVICE) == {key_of(NET30), key_of(ADVICE)}


def test_what_is_found_while_a_kind_is_read_is_not_ended_by_that_reading(application: Application) -> None:
    lease = begun(application, TERMS)
    assert page(application, lease, NET30, after="30")
    with application.uow() as uow:
        uow.mirror.keep(TENANT, ERP, [NET60], [])  # created there behind the page that was read
        uow.commit()
    assert page(application, lease, after=None)

    assert known(application, NET30, NET60) == {key_of(NET30), key_of(NET60)}


def test_a_customer_is_found_by_code_name_or_tax_id_in_other_spellings(application: Application) -> None:
    read(application, GLOBEX, Customer(code="CUST-2", record="4", name="Other"), kind=MasterKind.CUSTOMER)

    def found(code: str | None = None, name: str | None = None, tax_id: str | None = None) -> list[str]:
        with application.uow.reading() as uow:
            return [each.code for each in uow.mirror.customers_like(TENANT, ERP, code, name, tax_id)]

    assert found(code="cust-1001") == found(name="GLOBEX gmbh") == found(tax_id="DE136695976") == ["CUST-1001"]
    assert found(code="%") == found(name="Globex") == found(tax_id="DE999999999") == []


def test_who_asks_during_a_reading_is_heard_after_it_and_who_asks_before_names_the_kinds(
    application: Application,
) -> None:
    with application.uow() as uow:
        assert uow.mirror.ask(TENANT, ERP, "person:olga@acme.example", [CENTRES])
        uow.commit()
    lease = take(application)
    assert lease is not None
    assert (lease.asked_by, lease.asked_kinds) == ("person:olga@acme.example", (CENTRES,))
    with application.uow() as uow:
        begun = uow.mirror.begin(lease, [CENTRES])
        assert begun is not None
        uow.commit()
    with application.uow() as uow:
        assert not uow.mirror.ask(TENANT, ERP, "person:ina@acme.example", [TERMS])
        assert not uow.mirror.ask(TENANT, ERP, "person:ina@acme.example", [CENTRES])
        uow.commit()

    assert page(application, begun)
    with application.uow() as uow:
        assert uow.mirror.finish(begun, timedelta(hours=1))
        uow.commit()
    with application.uow() as uow:
        again = uow.mirror.take("one")  # it is due at once
        assert again is not None
        assert (again.run_id, again.asked_by, set(again.asked_kinds)) == (
            None,
            "person:ina@acme.example",
            {TERMS, CENTRES},
        )
        uow.commit()


def test_who_asks_between_the_lease_and_the_first_page_is_heard_after_that_reading(
    application: Application,
) -> None:
    lease = take(application)
    assert lease is not None
    with application.uow() as uow:
        assert uow.mirror.ask(TENANT, ERP, "person:olga@acme.example", [])
        begun = uow.mirror.begin(lease, [TERMS])
        assert begun is not None
        uow.commit()

    assert page(application, begun)
    with application.uow() as uow:
        assert uow.mirror.finish(begun, timedelta(hours=1))
        again = uow.mirror.take("one")
        assert again is not None
        assert again.asked_by == "person:olga@acme.example"


def test_an_error_is_kept_with_the_reading_until_it_goes_on(application: Application) -> None:
    lease = begun(application, TERMS)
    with application.uow() as uow:
        assert uow.mirror.postpone(lease, timedelta(minutes=5), "Tryton: no answer")
        uow.commit()
    assert (state(application).error, state(application).runs[0].error) == ("Tryton: no answer",) * 2
    with application.uow() as uow:
        assert uow.mirror.take("two") is None  # not due yet
        uow.commit()

    again = take(application)
    assert again is not None
    assert again.tries == 1
    assert page(application, again, NET30)
    with application.uow() as uow:
        assert uow.mirror.finish(again, timedelta(0))
        uow.commit()
    assert (state(application).error, state(application).runs[0].error) == (None, None)


def test_a_paused_or_removed_connection_is_left_alone_and_a_changed_one_forgotten(
    application: Application,
) -> None:
    read(application, NET30)
    with application.uow() as uow:
        uow.connections.pause(uow.connections.get(ERP))
        uow.commit()
    assert take(application) is None

    with application.uow() as uow:
        uow.mirror.forget(TENANT, ERP)
        uow.commit()
    assert known(application, NET30) == set()
    assert state(application).runs == []


def test_only_the_latest_readings_are_kept(application: Application) -> None:
    read(application, NET30)
    first = state(application).runs[0].id
    for _ in range(RUNS_KEPT):
        read(application, NET30)

    assert len(state(application).runs) == RUNS_KEPT
    with application.uow.reading() as uow, pytest.raises(NotFound):
        uow.mirror.run(TENANT, first)
