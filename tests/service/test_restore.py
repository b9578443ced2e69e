"""An old backup is restored: external records are taken over or conflict; a lost approval is noticed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from oppsync.domain.effects.effects import EffectState
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.states import State
from oppsync.services.queue.commands import Compensate, DismissException
from oppsync.services.reconcile.commands import ReconcileRestore
from sandbox.embedded.servers import ServerAddresses
from sandbox.firm import deals
from tests.harness import erp
from tests.harness.builders import TENANT
from tests.harness.gate import Gate
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books


class Backup:
    """Copies the house's database, and puts the copy back in its place."""

    def __init__(self, house: House, servers: ServerAddresses) -> None:
        self._house = house
        self._server = create_engine(servers.database_url, isolation_level="AUTOCOMMIT")
        self._name = make_url(house.application.settings.database_url.get_secret_value()).database

    def take(self) -> None:
        self._house.application.close()
        self._execute(f"create database {self._name}_backup template {self._name}")

    def restore(self) -> None:
        self._house.application.close()
        self._execute(f"drop database {self._name} with (force)")
        self._execute(f"alter database {self._name}_backup rename to {self._name}")

    def _execute(self, statement: str) -> None:
        with self._server.connect() as connection:
            connection.exec_driver_sql(statement)
        self._server.dispose()


@pytest.fixture
def backup(house: House, servers: ServerAddresses) -> Backup:
    return Backup(house, servers)


def reconcile(house: House) -> int:
    return len(house.application.dispatch(ReconcileRestore(TENANT, COMMAND_LINE)))


def created_after_its_approval_was_saved(house: House, gate: Gate, backup: Backup) -> str:
    record_id = house.to_approval(deals.milestone(WON_ON))
    gate.shut()
    house.approve(record_id)
    house.work()
    assert house.state(record_id) is State.APPROVED
    backup.take()
    gate.open()
    house.settle_later()
    assert house.state(record_id) is State.ACTIVE
    return record_id


def test_projects_that_the_backup_does_not_know_are_taken_over(
    house: House, books: Books, gate: Gate, backup: Backup
) -> None:
    record_id = created_after_its_approval_was_saved(house, gate, backup)
    before = erp.works(books, record_id)

    backup.restore()
    assert house.state(record_id) is State.APPROVED
    house.settle_later()

    assert house.state(record_id) is State.ACTIVE
    assert erp.works(books, record_id) == before
    made = [row for row in house.effects(record_id) if row.kind in (EffectKind.PARENT, EffectKind.BILLING_LINE)]
    assert {(row.state, row.attempts) for row in made} == {(EffectState.CONFIRMED, 0)}
    assert len([w for w in house.kantata.workspaces() if f":{record_id}:" in w["external_reference"]]) == 1


def test_a_project_that_was_changed_meanwhile_is_a_conflict(
    house: House, books: Books, gate: Gate, backup: Backup
) -> None:
    record_id = created_after_its_approval_was_saved(house, gate, backup)
    root = erp.works(books, record_id)[erp.key(record_id, "parent", "project")]
    books.write("project.work", int(root["id"]), {"name": "Called something else"})

    backup.restore()
    house.settle_later()

    assert house.exception(record_id).code == "CONTENT_CONFLICT"
    assert "Called something else" in house.exception(record_id).message

    books.write("project.work", int(root["id"]), {"name": root["name"]})
    house.replay(house.exception(record_id))
    house.settle()
    assert house.state(record_id) is State.ACTIVE


def waiting(house: House) -> str:
    return house.to_approval(deals.milestone(WON_ON))


def just_received(house: House) -> str:
    return house.win(deals.milestone(WON_ON))


@pytest.mark.parametrize("standing", [waiting, just_received])
def test_a_lost_approval_is_an_exception_and_given_anew_makes_no_second_tree(
    house: House, books: Books, backup: Backup, standing: Callable[[House], str]
) -> None:
    record_id = standing(house)
    backup.take()
    house.settle()
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE
    before = erp.works(books, record_id)

    backup.restore()
    house.settle()
    assert reconcile(house) == 1

    assert house.state(record_id) is State.AWAITING_APPROVAL
    item = house.exception(record_id)
    assert (item.code, item.owner) == ("APPROVAL_LOST", "operations")
    house.approve(record_id)
    house.settle()
    assert house.state(record_id) is State.ACTIVE
    assert erp.works(books, record_id) == before
    assert reconcile(house) == 0


def test_a_deal_read_anew_tells_of_its_lost_approval_by_itself(
    house: House, books: Books, backup: Backup
) -> None:
    record_id = just_received(house)
    backup.take()
    house.settle()
    house.approve(record_id)
    house.settle()

    backup.restore()
    house.settle()

    assert house.exception(record_id).code == "APPROVAL_LOST"


def test_a_deal_that_was_withdrawn_at_the_backup_and_has_projects_now_is_for_a_person(
    house: House, backup: Backup
) -> None:
    record_id = waiting(house)
    house.lose(record_id)
    house.settle()
    backup.take()
    house.win_again(record_id)
    house.settle()
    house.approve(record_id)
    house.settle()
    house.lose(record_id)
    house.settle()

    backup.restore()
    house.tell(record_id)
    house.settle()
    assert house.state(record_id) is State.WITHDRAWN
    item = house.exception(record_id)
    assert item.code == "LOST_AFTER_APPROVAL"

    house.replay(item)
    house.settle()
    again = house.exception(record_id)
    assert (again.code, again.id, again.occurrences) == ("LOST_AFTER_APPROVAL", item.id, 2)
    house.application.dispatch(DismissException(TENANT, again.id, house.operator, "Closed in the ERP"))
    house.tell(record_id)
    house.settle()
    assert house.exceptions(record_id) == []


def test_a_deal_that_nobody_told_of_again_is_found_by_reconciling(house: House, backup: Backup) -> None:
    record_id = waiting(house)
    house.lose(record_id)
    house.settle()
    backup.take()
    house.win_again(record_id)
    house.settle()
    house.approve(record_id)
    house.settle()
    house.lose(record_id)
    house.settle()

    backup.restore()

    assert reconcile(house) == 1
    assert house.exception(record_id).code == "LOST_AFTER_APPROVAL"


def test_a_sound_house_has_nothing_to_reconcile(house: House, gate: Gate) -> None:
    waiting(house)
    house.to_active(deals.milestone(WON_ON))
    given_up = waiting(house)
    gate.refuse_after(1, status=400, body='{"status": 400, "message": "No.", "description": ""}')
    house.approve(given_up)
    house.settle()
    gate.open()
    house.application.dispatch(Compensate(TENANT, house.opportunity(given_up).id, house.operator, "Wound up"))
    house.settle()
    house.edit(given_up, opportunity={"PO_Number__c": "PO-2026-LATER"})
    house.settle()

    assert house.state(given_up) is State.AWAITING_APPROVAL
    assert reconcile(house) == 0
    assert house.exceptions(given_up) == []
