"""Master data of the ERP is mirrored: what there is, what changed and ended, and what a deal does with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from adapters.cli.commands import Failed
from adapters.cli.configuration import read_folder
from adapters.connectors.routing import ConnectedSystems
from adapters.documents.bundle_files import FirmBundle, write_bundle
from adapters.notify.files import FileNotifier
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.work.exceptions import ExceptionItem
from oppsync.domain.work.mirror import MirrorChange, MirrorRun, MirrorState
from oppsync.domain.work.states import State
from oppsync.kernel.errors import VendorUnavailable
from oppsync.services.admin.commands import PauseConnection, ResumeConnection
from oppsync.services.configuration.commands import ApplyConfiguration, CompareConfiguration, Comparison
from oppsync.services.mirror.commands import AskForMirror, ReadMirror, Step
from oppsync.services.queue.commands import DismissException
from sandbox.firm import deals
from sandbox.firm.install import ERP_CONNECTION
from tests.harness.builders import TENANT
from tests.harness.gate import Gate
from tests.harness.house import WON_ON, House
from tests.harness.tryton import Books
from tests.harness.waiting import HANG_SECONDS
from tests.service.test_preflight import book_on, create_centre


def read_all(house: House) -> MirrorRun:
    """Have everything read, step by step as the relay does."""
    house.application.dispatch(AskForMirror(TENANT, COMMAND_LINE, ERP_CONNECTION))
    while house.application.dispatch(ReadMirror(ERP_CONNECTION)) is Step.MORE:
        pass
    return state(house).runs[0]


def state(house: House) -> MirrorState:
    with house.application.uow.reading() as uow:
        return uow.mirror.state(TENANT, ERP_CONNECTION, 10)


def differences(run: MirrorRun, kind: MasterKind) -> list[tuple[str, MirrorChange]]:
    return [(each.code, each.change) for each in run.differences if each.kind is kind]


def centre_of(books: Books, code: str) -> int:
    return int(books.one("analytic_account.account", [["code", "=", code]], "id")["id"])


@pytest.fixture
def centre(books: Books) -> Iterator[str]:
    code = f"CC-{uuid4().hex[:8]}"
    create_centre(books, code)
    yield code
    books.write("analytic_account.account", centre_of(books, code), {"active": False})


def test_all_kinds_are_read_counted_and_compared_with_the_reading_before(house: House, books: Books) -> None:
    first = read_all(house)
    assert first.finished_at is not None
    counts = {kind: count.read for kind, count in first.counts.items()}
    assert set(counts) == set(MasterKind)
    assert (counts[MasterKind.COMPANY], counts[MasterKind.FISCAL_YEAR], counts[MasterKind.EMPLOYEE]) == (
        2,
        8,
        2,
    )
    assert counts[MasterKind.CUSTOMER] >= 6
    assert all(
        count.added == count.read for kind, count in first.counts.items() if kind is not MasterKind.SETTING
    )

    code = f"CC-{uuid4().hex[:8]}"
    create_centre(books, code)
    second = read_all(house)
    assert differences(second, MasterKind.COST_CENTRE) == [(code, MirrorChange.ADDED)]

    books.write("analytic_account.account", centre_of(books, code), {"name": "Renamed"})
    third = read_all(house)
    assert [(each.code, each.name) for each in third.differences] == [(code, "Renamed")]

    books.write("analytic_account.account", centre_of(books, code), {"active": False})
    fourth = read_all(house)
    assert differences(fourth, MasterKind.COST_CENTRE) == [(code, MirrorChange.ENDED)]
    assert fourth.counts[MasterKind.COST_CENTRE].ended == 1
    assert read_all(house).differing == 0


def test_a_deal_flows_to_approval_on_what_is_known_while_the_erp_is_away(house: House, gate: Gate) -> None:
    read_all(house)
    gate.shut()

    record_id = house.win(deals.time_and_materials(WON_ON))
    house.settle()

    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)


def test_a_deal_flows_to_approval_while_the_erp_is_paused_and_is_created_once_it_is_resumed(
    house: House,
) -> None:
    read_all(house)
    house.application.dispatch(PauseConnection(TENANT, COMMAND_LINE, ERP_CONNECTION))

    record_id = house.to_approval(deals.time_and_materials(WON_ON))
    house.approve(record_id)
    house.work()

    assert house.state(record_id) is State.APPROVED, house.exceptions(record_id)
    assert "is paused" in (house.opportunity(record_id).waits_for or "")
    house.application.dispatch(ResumeConnection(TENANT, COMMAND_LINE, ERP_CONNECTION))
    house.settle()
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)


def test_a_deal_whose_customer_is_not_known_waits_for_a_paused_erp(house: House) -> None:
    read_all(house)
    house.rows("delete from mirrored_rows where kind = 'customer'")
    house.application.dispatch(PauseConnection(TENANT, COMMAND_LINE, ERP_CONNECTION))

    record_id = house.win(deals.time_and_materials(WON_ON))
    house.work()

    assert house.state(record_id) is State.RECEIVED
    house.application.dispatch(ResumeConnection(TENANT, COMMAND_LINE, ERP_CONNECTION))
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)


def test_what_is_known_is_not_enough_to_write(house: House, gate: Gate) -> None:
    read_all(house)
    record_id = house.to_approval(deals.time_and_materials(WON_ON))
    gate.shut()

    house.approve(record_id)
    house.work()

    assert house.state(record_id) is State.APPROVED
    gate.open()
    house.settle_later()
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)


def test_a_look_up_asks_the_erp_when_the_mirror_is_too_old_or_has_no_such_row(house: House, gate: Gate) -> None:
    read_all(house)
    house.rows("update mirrored_rows set seen_at = seen_at - interval '29 minutes'")
    gate.shut()
    assert terms_known(house, "NET30")
    with pytest.raises(VendorUnavailable):
        terms_known(house, "NET31")

    house.rows("update mirrored_rows set seen_at = seen_at - interval '2 minutes'")
    assert terms_known(house, "NET30")  # by what is known, as Tryton is away
    gate.open()
    assert terms_known(house, "NET30")
    (seen,) = house.rows("select now() - seen_at as age from mirrored_rows where code = 'NET30'")
    assert seen["age"].total_seconds() < HANG_SECONDS
    assert not terms_known(house, "NET31")


def terms_known(house: House, code: str) -> bool:
    app = house.application
    systems = ConnectedSystems(
        app.uow, app.clock, FileNotifier(app.settings.outbox_folder, "", app.clock), app.vendor_traffic
    )
    return systems.erp_at(ERP_CONNECTION).has_payment_terms(code)


def test_a_reading_that_died_half_way_ends_nothing_and_goes_on_where_it_was(house: House) -> None:
    read_all(house)
    house.application.dispatch(AskForMirror(TENANT, COMMAND_LINE, ERP_CONNECTION))
    for _ in range(3):
        assert house.application.dispatch(ReadMirror(ERP_CONNECTION)) is Step.MORE
    before = state(house)
    assert before.is_running
    assert before.runs[0].finished_at is None
    assert sum(each.ended for each in before.kinds) == 0

    while house.application.dispatch(ReadMirror(ERP_CONNECTION)) is Step.MORE:
        pass

    after = state(house)
    assert after.runs[0].id == before.runs[0].id
    assert after.runs[0].finished_at is not None
    assert sum(each.ended for each in after.kinds) == 0


def test_a_cost_centre_that_ends_is_named_with_the_open_deals_that_name_it(
    house: House, books: Books, centre: str
) -> None:
    book_on(house, centre)
    record_id = house.win(deals.time_and_materials(WON_ON))
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)
    read_all(house)
    assert ended_items(house) == []

    books.write("analytic_account.account", centre_of(books, centre), {"active": False})
    read_all(house)

    (message,) = ended_items(house)
    name = house.rows("select name from opportunities where source_id = :id", id=record_id)[0]["name"]
    assert f"cost centre {centre} of ACME-DE, gone since " in message
    assert f", named by open deals {name}" in message
    assert "cost_centres.csv: entity ACME-DE, service line ADV" in message

    house.replay(item_of(house))  # too early: the next reading tells it again
    assert ended_items(house) == []
    assert state(house).due_at is not None
    read_all(house)
    assert ended_items(house) == [message]
    dismiss(house)
    read_all(house)
    assert ended_items(house) == []

    create_centre(books, centre)  # an ended one cannot be opened again over REST
    read_all(house)
    assert ended_items(house) == []
    books.write("analytic_account.account", centre_of(books, centre), {"active": False})
    read_all(house)
    assert len(ended_items(house)) == 1  # another matter than the one that was dismissed
    create_centre(books, centre)
    read_all(house)
    assert ended_items(house) == []


def test_nothing_is_made_of_a_deal_whose_cost_centre_was_closed_minutes_ago(
    house: House, books: Books, centre: str
) -> None:
    book_on(house, centre)
    record_id = house.to_approval(deals.time_and_materials(WON_ON))
    books.write("analytic_account.account", centre_of(books, centre), {"active": False})
    house.rows("update mirrored_rows set seen_at = seen_at - interval '3 minutes'")

    house.approve(record_id)
    house.settle()

    assert house.state(record_id) is State.PARKED
    assert {row.kind for row in house.effects(record_id)} <= {EffectKind.NOTIFICATION}
    item = house.exception(record_id)
    assert (item.code, item.stage) == ("COST_CENTRE_UNKNOWN", "create_projects")
    create_centre(books, centre)
    house.replay(item)
    house.settle()
    assert house.state(record_id) is State.ACTIVE, house.exceptions(record_id)


def item_of(house: House) -> ExceptionItem:
    found = house.rows("select id from exception_items where code = 'MASTER_DATA_ENDED' and status = 'open'")
    with house.application.uow() as uow:
        return uow.exceptions.get(TENANT, found[0]["id"])


def dismiss(house: House) -> None:
    house.application.dispatch(DismissException(TENANT, item_of(house).id, house.operator, "It is known"))


def ended_items(house: House) -> list[str]:
    with house.application.engine.connect() as connection:
        found = connection.execute(
            text("select message from exception_items where code = 'MASTER_DATA_ENDED' and status = 'open'")
        )
        return [str(row.message) for row in found]


def bundle(house: House, tmp_path: Path, code: str, instead_of: str = "CC-DE-ADV") -> Path:
    """The configuration of now as a folder, with this cost centre instead of another."""
    application = house.application
    with application.uow.reading() as uow:
        rows = uow.configurations.rows(TENANT)
        files = write_bundle(uow.configurations.firm(TENANT), rows)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content.replace(instead_of.encode(), code.encode()))
    return tmp_path


def test_a_cost_centre_that_the_erp_lacks_is_refused_when_it_is_entered(
    house: House, books: Books, tmp_path: Path, gate: Gate
) -> None:
    code = f"CC-{uuid4().hex[:8]}"
    folder = bundle(house, tmp_path, code)
    before = read_folder(folder, house.application.installation(TENANT))  # nothing was read yet
    assert "was never read" in compared(house, before).erp_check

    read_all(house)
    with pytest.raises(Failed) as refused:
        read_folder(folder, house.application.installation(TENANT))
    message = str(refused.value.message)
    assert f"cost_centres.csv:2: code: Tryton's company ACME-DE has no cost centre '{code}'" in message
    with pytest.raises(BadBundle, match=code):
        house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, before.firm, before.rows))

    create_centre(books, code)
    sound = read_folder(folder, house.application.installation(TENANT))  # by a look-up: the mirror is older
    assert "less than a minute old" in compared(house, sound).erp_check
    house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, sound.firm, sound.rows))

    gate.shut()
    with pytest.raises(Failed, match="CC-NOPE"):  # by what is known
        read_folder(bundle(house, tmp_path, "CC-NOPE", code), house.application.installation(TENANT))


def compared(house: House, found: FirmBundle) -> Comparison:
    return house.application.dispatch(CompareConfiguration(TENANT, COMMAND_LINE, found.firm, found.rows))
