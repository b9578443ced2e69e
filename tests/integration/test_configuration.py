"""The configuration of an installation: applied, proposed, approved, taken back, each time as one version."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from adapters.bootstrap import Application
from adapters.cli.__main__ import oppsync
from adapters.documents.bundle_files import write_bundle
from oppsync.domain.configuration.bundle import fingerprint, governed
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.configuration.versions import ConfigurationVersion
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE, AskingPerson, Bearer
from oppsync.domain.values.model import changed
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.scopes import EVERY_SCOPE, Scope
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.connector_forms import WrongFields
from oppsync.kernel.errors import Conflict, Forbidden, NotFound, OppsyncError
from oppsync.kernel.settings import Settings
from oppsync.services.admin.commands import (
    AddConnection,
    CreatePerson,
    CreateToken,
    EditConnection,
    RemoveConnection,
)
from oppsync.services.approvals.commands import SetApprovalRule
from oppsync.services.configuration.commands import (
    Answer,
    Applied,
    ApplyConfiguration,
    DecideProposal,
    Proposed,
    RevertConfiguration,
)
from sandbox.firm.demo_firm import reference_rows
from tests.harness.builders import TENANT

ROWS = governed(reference_rows())
FIRM = "Acme Advisory"


def with_rate(hourly: str) -> list[ReferenceRow]:
    """The demo firm with another price of a consultant in North America."""
    at = (ReferenceKind.RATE_CARD, "NA|Consultant|USD", date(2026, 1, 1))
    rate = next(row for row in ROWS if (row.kind, row.key, row.valid_from) == at)
    return [*(row for row in ROWS if row != rate), changed(rate, value={**rate.value, "hourly": hourly})]


class Desk:
    """An installation whose people change its configuration."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.ina = self.hire("ina", PersonRole.INTEGRATION_ADMIN)
        self.fay = self.hire("fay", PersonRole.FINANCE_APPROVER)
        self.fred = self.hire("fred", PersonRole.FINANCE_APPROVER)
        self.olga = self.hire("olga", PersonRole.OPERATIONS)

    def hire(self, name: str, role: PersonRole) -> UUID:
        password = f"the long password of {name}"
        command = CreatePerson(TENANT, COMMAND_LINE, f"{name}@example.com", name, password, frozenset({role}))
        return self.application.dispatch(command)

    def apply(self, rows: Sequence[ReferenceRow], by: UUID | None = None, against: str | None = None) -> Answer:
        command = ApplyConfiguration(TENANT, by or self.ina, FIRM, rows, against, note="as agreed")
        return self.application.dispatch(command)

    def decide(self, proposal: Answer, by: AskingPerson, *, approve: bool = True) -> Applied | None:
        assert isinstance(proposal, Proposed)
        command = DecideProposal(TENANT, by, proposal.proposal_id, approve=approve, comment="looked at")
        return self.application.dispatch(command)

    def go_live(self) -> None:
        self.execute("update tenants set went_live_at = now()")

    def execute(self, statement: str) -> None:
        with self.application.engine.begin() as connection:
            connection.execute(text(statement))

    def rows(self) -> Sequence[ReferenceRow]:
        with self.application.uow.reading() as uow:
            return [changed(row, version=1) for row in governed(uow.configurations.rows(TENANT))]

    def versions(self) -> list[ConfigurationVersion]:
        with self.application.uow.reading() as uow:
            return list(uow.configurations.versions(TENANT))

    def told(self) -> list[str]:
        return [entry.type for entry in self.application.queries.changes(TENANT).rows]


@pytest.fixture
def desk(application: Application) -> Desk:
    return Desk(application)


def test_a_firm_begins_with_a_bundle_and_each_change_is_a_version_with_its_person(desk: Desk) -> None:
    first = desk.apply(ROWS)
    second = desk.apply(with_rate("170"))

    assert first == Applied(1, fingerprint(ROWS), len(ROWS))
    assert second == Applied(2, fingerprint(with_rate("170")), 1)
    assert desk.rows() == list(governed(with_rate("170")))
    newest, oldest = desk.versions()
    assert (newest.number, newest.made_by, newest.note) == (2, "person:ina@example.com", "as agreed")
    assert oldest.fingerprint == fingerprint(ROWS)
    latest = desk.application.queries.changes(TENANT).rows[0]
    assert latest.summary.endswith(", applied alone, before going live")
    assert desk.told()[:2] == ["configuration.applied.v1"] * 2


def test_rows_that_do_not_change_keep_their_counter_of_edits(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.apply(with_rate("170"))

    with desk.application.uow.reading() as uow:
        edited = [row for row in uow.configurations.rows(TENANT) if row.version != 1]
    assert [(row.key, row.version, row.value["hourly"]) for row in edited] == [("NA|Consultant|USD", 2, "170")]


def test_what_is_applied_twice_is_one_version(desk: Desk) -> None:
    desk.apply(ROWS)

    assert desk.apply(ROWS) == Applied(1, fingerprint(ROWS), 0)
    assert len(desk.versions()) == 1


def test_an_earlier_version_comes_back_as_a_new_one(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.apply([row for row in ROWS if row.kind is not ReferenceKind.RATE_CARD])

    answer = desk.application.dispatch(RevertConfiguration(TENANT, desk.ina, 1, "too early"))

    assert answer == Applied(3, fingerprint(ROWS), 8)
    assert desk.rows() == [*ROWS]
    assert desk.versions()[0].reverts_to == 1
    with pytest.raises(NotFound, match="There is no version 9"):
        desk.application.dispatch(RevertConfiguration(TENANT, desk.ina, 9))


def test_rows_that_are_wrong_together_change_nothing(desk: Desk) -> None:
    desk.apply(ROWS)

    with pytest.raises(BadBundle, match="no legal entity has the code 'ACME-US'"):
        desk.apply([row for row in ROWS if row.key != "ACME-US"])

    assert desk.rows() == [*ROWS]
    assert len(desk.versions()) == 1


def test_periods_that_move_against_each_other_are_applied_in_one_go(desk: Desk) -> None:
    desk.apply(ROWS)
    key, summer = "ACME-DE|CLOUD", date(2026, 6, 1)
    moved = [
        changed(row, valid_to=summer) if row.key == key and row.valid_to
        else changed(row, valid_from=summer) if row.key == key
        else row
        for row in ROWS
    ]  # fmt: skip

    answer = desk.apply(moved)

    assert isinstance(answer, Applied)
    assert desk.rows() == list(governed(moved))


def test_a_row_ends_where_the_next_begins_in_one_go(desk: Desk) -> None:
    desk.apply(ROWS)
    summer = date(2026, 6, 1)
    rate = next(row for row in ROWS if row.kind is ReferenceKind.RATE_CARD and row.valid_to is None)
    following = changed(rate, valid_from=summer, value={**rate.value, "hourly": "190"})
    rows = [*(row for row in ROWS if row != rate), changed(rate, valid_to=summer), following]

    assert desk.apply(rows) == Applied(2, fingerprint(rows), 2)
    assert desk.rows() == list(governed(rows))


def test_what_was_compared_with_other_rows_is_refused(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.apply(with_rate("170"))

    with pytest.raises(Conflict, match="it is version 2 now") as refused:
        desk.apply(with_rate("180"), against=fingerprint(ROWS))
    assert refused.value.code == "CONFIGURATION_CHANGED"


def test_of_two_that_compared_with_the_same_rows_one_is_applied(desk: Desk) -> None:
    desk.apply(ROWS)
    refused: list[OppsyncError] = []

    def apply(hourly: str) -> None:
        try:
            desk.apply(with_rate(hourly), against=fingerprint(ROWS))
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=apply, args=(hourly,)) for hourly in ("170", "180", "190")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [error.code for error in refused] == ["CONFIGURATION_CHANGED"] * 2
    assert [version.number for version in desk.versions()] == [2, 1]


def test_rows_written_past_the_versions_are_noticed_and_kept_as_one(desk: Desk) -> None:
    desk.apply(ROWS)
    by_hand = 'update reference_rows set value = value || \'{"hourly": "165"}\''
    desk.execute(f"{by_hand} where key = 'NA|Consultant|USD' and valid_from = '2026-01-01'")

    desk.apply(with_rate("170"))

    assert [(each.number, each.made_by) for each in desk.versions()] == [
        (3, "person:ina@example.com"),
        (2, "outside"),
        (1, "person:ina@example.com"),
    ]
    assert desk.versions()[1].fingerprint == fingerprint(with_rate("165"))


def test_the_rows_of_an_installation_of_before_become_its_first_version(desk: Desk) -> None:
    with desk.application.uow() as uow:
        for row in ROWS:
            uow.references.put(TENANT, row)
        uow.commit()

    desk.apply(with_rate("170"))

    assert [each.made_by for each in desk.versions()] == ["person:ina@example.com", "outside"]
    assert desk.versions()[1].fingerprint == fingerprint(ROWS)


def test_an_approval_rule_is_a_version_too(desk: Desk) -> None:
    desk.apply(ROWS)
    rule = ApprovalRule(up_to=Money(amount="5000.00", currency="EUR")).model_dump(mode="json")
    row = ReferenceRow(kind=ReferenceKind.APPROVAL_RULE, key="small", valid_from=date(2026, 1, 1), value=rule)

    desk.application.dispatch(SetApprovalRule(TENANT, row, COMMAND_LINE))

    assert desk.rows() == list(governed([*ROWS, row]))
    assert (desk.versions()[0].number, desk.versions()[0].made_by) == (2, "command-line")
    desk.go_live()
    with pytest.raises(Forbidden) as refused:
        desk.application.dispatch(SetApprovalRule(TENANT, changed(row, key="large"), COMMAND_LINE))
    assert refused.value.code == "NEEDS_SECOND_PERSON"


def test_of_a_live_firm_what_moves_money_waits_for_a_second_person(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.go_live()

    proposed = desk.apply(with_rate("170"), by=desk.fay)

    assert isinstance(proposed, Proposed)
    assert desk.rows() == [*ROWS]
    with pytest.raises(Forbidden) as refused:
        desk.decide(proposed, desk.fay)
    assert refused.value.code == "OWN_PROPOSAL"
    for other in (desk.ina, desk.olga):
        with pytest.raises(Forbidden, match="needs the role finance approver"):
            desk.decide(proposed, other)
    assert desk.decide(proposed, desk.fred) == Applied(2, fingerprint(with_rate("170")), 1)
    newest = desk.versions()[0]
    assert [each.alone for each in desk.versions()] == [False, True]
    assert (newest.made_by, newest.approved_by) == ("person:fay@example.com", "person:fred@example.com")
    with pytest.raises(Conflict, match="was applied already"):
        desk.decide(proposed, desk.fred)


def test_two_accounts_of_one_person_are_one(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.go_live()
    second_account = desk.hire("fay+fin", PersonRole.FINANCE_APPROVER)
    proposed = desk.apply(with_rate("170"), by=desk.fay)

    with pytest.raises(Forbidden, match="You proposed this: fred can"):
        desk.decide(proposed, second_account)

    assert desk.rows() == [*ROWS]


def test_a_token_that_approves_also_rejects(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.go_live()
    proposed = desk.apply(with_rate("170"))
    tomorrow = desk.application.clock.now() + timedelta(days=1)

    desk.decide(proposed, Bearer(desk.fred, frozenset({Scope.READ, Scope.APPROVE}), tomorrow), approve=False)

    assert desk.told()[0] == "proposal.rejected.v1"


def test_what_somebody_proposed_who_was_deactivated_is_not_approved_and_is_rejected(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.go_live()
    proposed = desk.apply(with_rate("170"), by=desk.fay)
    desk.execute("update people set is_active = false where email = 'fay@example.com'")

    with pytest.raises(Conflict, match=r"fay@example\.com .* reject this") as refused:
        desk.decide(proposed, desk.fred)

    assert refused.value.code == "PROPOSER_LEFT"
    assert desk.rows() == [*ROWS]
    assert desk.decide(proposed, desk.fred, approve=False) is None


def test_of_a_live_firm_what_only_shows_is_applied_by_one_person(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.go_live()
    renamed = [
        changed(row, value={**row.value, "name": "New name"}) if row.kind is ReferenceKind.REGION else row
        for row in ROWS
    ]

    assert isinstance(desk.apply(renamed), Applied)


def test_of_a_live_firm_what_the_crms_regions_are_takes_two(desk: Desk) -> None:
    """Its region says what a deal costs, and whom the approval matrix asks."""
    desk.apply(ROWS)
    desk.go_live()
    regions = [row for row in ROWS if row.kind is ReferenceKind.REGION]
    rest = [row for row in ROWS if row.kind is not ReferenceKind.REGION]
    codes = [row.value["code"] for row in regions]
    turned = [
        changed(row, value={**row.value, "code": code})
        for row, code in zip(regions, [*codes[1:], codes[0]], strict=True)
    ]
    another = changed(regions[0], key="Elsewhere")

    assert isinstance(desk.apply([*rest, *turned]), Proposed)
    assert isinstance(desk.apply([*ROWS, another]), Proposed)


def test_a_route_to_what_is_not_connected_is_refused_when_it_is_entered(desk: Desk) -> None:
    """A firm that has connected nothing yet begins with its rules; what is stored is not judged anew."""
    early = [*ROWS, route("erp|*|*|*", "Tryton of Hamburg")]
    desk.apply(early)
    connect(desk, "Tryton")

    with pytest.raises(BadBundle) as refused:
        desk.apply([*early, route("erp|ACME-DE|*|*", "Tryton of Berlin")])

    (fault,) = refused.value.faults
    assert (fault.file, fault.field) == ("routes.csv", "connection")
    assert (
        "entity ACME-DE, region *, service line *: no ERP is connected as 'Tryton of Berlin'" in fault.problem
    )
    assert fault.fix.startswith("Connected are Tryton: use one of these")
    with pytest.raises(BadBundle, match="no PSA is connected as 'Kantata'"):
        desk.apply([*early, route("psa|*|*|*", "Kantata")])
    assert isinstance(desk.apply([*early, route("erp|ACME-DE|*|*", "Tryton")]), Applied)
    assert isinstance(desk.apply([*early, route("erp|ACME-US|*|*", "Gone", ends=date(2026, 1, 1))]), Applied)


def test_a_connection_s_new_name_is_carried_into_the_rows_that_name_it(desk: Desk) -> None:
    """Also into those of past days; whoever renames it counts as nobody who changed where deals go."""
    tryton = connect(desk, "Tryton")
    past = route("erp|ACME-US|*|*", "Tryton", ends=date(2026, 1, 1))
    desk.apply([*ROWS, past, route("erp|*|*|*", "Tryton")])
    desk.go_live()

    rename(desk, tryton, "Books")

    routes = [row for row in desk.rows() if row.kind is ReferenceKind.ROUTE]
    assert [row.value["connection"] for row in routes] == ["Books", "Books"]
    assert (desk.versions()[0].number, desk.versions()[0].note) == (2, "Tryton is connected as Books")
    with desk.application.engine.begin() as connection:
        assert connection.execute(text("select * from configuration_changes where number = 2")).all() == []


def test_rows_that_lead_to_nobody_come_back_by_no_way(desk: Desk) -> None:
    tryton = connect(desk, "Tryton")
    desk.apply([*ROWS, route("erp|*|*|*", "Tryton")])
    rename(desk, tryton, "Books")

    with pytest.raises(BadBundle, match="no ERP is connected as 'Tryton'"):
        desk.application.dispatch(RevertConfiguration(TENANT, desk.ina, 1))


def test_two_systems_of_one_name_and_one_that_rows_lead_to_are_refused(desk: Desk) -> None:
    tryton = connect(desk, "Tryton")
    unmapped = [row for row in ROWS if row.kind is not ReferenceKind.CONNECTION_MAP]
    desk.apply([*unmapped, route("erp|*|*|*", "Tryton")])

    with pytest.raises(WrongFields, match="Another system is connected as tryton"):
        connect(desk, "tryton")
    with pytest.raises(Conflict, match=r"lead deals to Tryton: routes\.csv: role erp, entity \*") as refused:
        desk.application.dispatch(RemoveConnection(TENANT, COMMAND_LINE, tryton))
    assert refused.value.code == "CONNECTION_IN_USE"
    desk.apply(ROWS)
    desk.application.dispatch(RemoveConnection(TENANT, COMMAND_LINE, tryton))


def rename(desk: Desk, connection_id: str, name: str) -> None:
    desk.application.dispatch(EditConnection(TENANT, COMMAND_LINE, connection_id, name=name))


def route(key: str, connection: str, ends: date | None = None) -> ReferenceRow:
    begin, value = date(2025, 1, 1), {"connection": connection}
    return ReferenceRow(kind=ReferenceKind.ROUTE, key=key, valid_from=begin, valid_to=ends, value=value)


def connect(desk: Desk, name: str, *, confirmed: bool = False) -> str:
    settings = {"base_url": "https://erp.firm.example", "database": "erp"}
    secrets = {"rest_key": "a key to hide"}
    command = AddConnection(
        TENANT, COMMAND_LINE, ConnectionRole.ERP, "tryton", name, settings, secrets, confirmed=confirmed
    )
    return desk.application.dispatch(command).connection_id


def connected_names(desk: Desk) -> list[str]:
    with desk.application.uow.reading() as uow:
        return sorted(each.name for each in uow.connections.of_tenant(TENANT))


def test_of_a_live_firm_a_second_erp_that_would_stop_every_new_deal_is_confirmed_first(desk: Desk) -> None:
    desk.go_live()
    connect(desk, "Books of the group")

    with pytest.raises(Conflict) as refused:
        connect(desk, "Other books")

    assert refused.value.code == "WOULD_STOP_DEALS"
    assert "every new deal would stop" in refused.value.message
    assert "a row such as erp,*,*,* lead to Books of the group" in refused.value.message
    assert connected_names(desk) == ["Books of the group"]
    connect(desk, "Other books", confirmed=True)
    connect(desk, "Third books")  # it stops none that goes on now
    assert len(connected_names(desk)) == 3


def test_a_second_erp_needs_no_word_where_rows_say_which_deals_go_where(desk: Desk) -> None:
    connect(desk, "Books of the group")
    others = [row for row in ROWS if row.kind is not ReferenceKind.CONNECTION_MAP]
    desk.apply([*others, route("erp|*|*|*", "Books of the group")])
    desk.go_live()

    connect(desk, "Other books")

    assert len(connected_names(desk)) == 2


def test_before_going_live_systems_are_connected_in_any_order(desk: Desk) -> None:
    connect(desk, "Books of the group")
    connect(desk, "Other books")

    assert len(connected_names(desk)) == 2


def test_of_a_live_firm_one_person_says_who_acts_on_an_exception(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.go_live()
    others = [row for row in ROWS if row.kind is not ReferenceKind.EXCEPTION_OWNER]
    (row,) = (row for row in ROWS if row.kind is ReferenceKind.EXCEPTION_OWNER)

    assert isinstance(desk.apply([*others, changed(row, value={"owner": "finance"})]), Applied)
    assert isinstance(desk.apply(others), Applied)


def test_of_a_live_firm_one_person_takes_no_template_away_that_nothing_replaces(desk: Desk) -> None:
    """Without a template the next deal stops."""
    desk.apply(ROWS)
    desk.go_live()
    kinds = (ReferenceKind.PROJECT_TEMPLATE, ReferenceKind.REGION, ReferenceKind.DELIVERY_MODEL)
    template = next(row for row in ROWS if row.kind is ReferenceKind.PROJECT_TEMPLATE)
    day = date(2026, 7, 1)
    others = [row for row in ROWS if row != template]
    ended, following = changed(template, valid_to=day), changed(template, valid_from=day)
    renamed = changed(following, value={**template.value, "name": "New name"})

    for kind in kinds:
        rest = [row for row in ROWS if row.kind is not kind]
        gone = [changed(row, valid_to=day) for row in ROWS if row.kind is kind]
        assert isinstance(desk.apply([*rest, *gone]), Proposed), kind
    assert isinstance(desk.apply([*others, ended]), Proposed)
    assert isinstance(desk.apply(others), Proposed)
    assert isinstance(desk.apply([*others, ended, renamed]), Applied)
    assert isinstance(desk.apply(ROWS), Applied)  # one row for all days again


def test_a_proposal_that_others_overtook_is_refused_and_then_taken_back(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.go_live()
    overtaken, faster = desk.apply(with_rate("170")), desk.apply(with_rate("180"))
    desk.decide(faster, desk.fay)

    with pytest.raises(Conflict) as refused:
        desk.decide(overtaken, desk.fay)
    assert refused.value.code == "CONFIGURATION_CHANGED"
    assert desk.decide(overtaken, desk.ina, approve=False) is None  # by who proposed it
    assert desk.rows() == list(governed(with_rate("180")))
    assert desk.told()[0] == "proposal.rejected.v1"


def test_the_database_itself_lets_nobody_approve_what_they_proposed(desk: Desk) -> None:
    desk.apply(ROWS)
    desk.go_live()
    desk.apply(with_rate("170"))

    with pytest.raises(Exception, match="two_people"):
        desk.execute("update configuration_proposals set status = 'applied', decided_by = proposed_by")


def test_who_has_no_right_changes_nothing(desk: Desk) -> None:
    with pytest.raises(Forbidden, match="finance approver or integration admin"):
        desk.apply(ROWS, by=desk.olga)


Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, desk: Desk) -> Run:
    """Run one command with the token of Ina."""
    token = desk.application.dispatch(
        CreateToken(TENANT, COMMAND_LINE, "ina's", "ina@example.com", EVERY_SCOPE)
    )
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "OPPSYNC_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "OPPSYNC_TOKEN": token,
    }

    def invoke(*arguments: object, **more: str) -> Result:
        arguments = ("config", *(str(each) for each in arguments))
        return CliRunner().invoke(oppsync, [*map(str, arguments)], env=environment | more)

    return invoke


def written(folder: Path, rows: Sequence[ReferenceRow]) -> Path:
    folder.mkdir()
    for name, content in write_bundle(FIRM, rows).items():
        (folder / name).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def test_the_command_line_applies_a_folder_and_exports_the_same_bytes(run: Run, tmp_path: Path) -> None:
    folder = written(tmp_path / "acme", ROWS)
    (folder / "README.md").write_text("Ours.")

    assert "is sound" in run("check", folder).output
    assert "Comments" not in run("check", folder).output
    regions = folder / "regions.yaml"
    regions.write_bytes(b"# Ours\n" + regions.read_bytes())
    comments = "Comments are not kept: an export comes out without those of regions.yaml.\n"
    assert run("check", folder).output.endswith(comments)
    assert comments in run("diff", folder).output
    assert "entity ACME-DE, service line ADV from 2025-01-01" in run("diff", folder).output
    applied = run("apply", folder, "--note", "the beginning")
    assert applied.exit_code == 0, applied.output
    assert "Version 1, fingerprint" in applied.output
    assert run("diff", folder).output == f"Nothing differs.\n{comments}"
    assert run("export", tmp_path / "again").exit_code == 0
    assert contents(tmp_path / "again") == write_bundle(FIRM, ROWS)
    history = run("history").output
    assert "ina@example.com" in history
    assert "the beginning" in history
    assert "alone, before going live" in history


def test_the_command_line_applies_against_what_was_compared(run: Run, desk: Desk, tmp_path: Path) -> None:
    desk.apply(ROWS)
    folder = written(tmp_path / "acme", with_rate("170"))
    compared = re.search(r'--against "(.{9})"', run("diff", folder).output)
    assert compared is not None
    desk.apply(with_rate("180"))

    late = run("apply", folder, "--against", compared[1])

    assert late.exit_code == 1
    assert "it is version 2 now" in late.output
    assert desk.rows() == list(governed(with_rate("180")))
    again = re.search(r'--against "(.{9})"', run("diff", folder).output)
    assert again is not None
    assert "Version 3" in run("apply", folder, "--against", again[1]).output


def test_the_command_line_imports_a_table_when_it_is_told_to(run: Run, desk: Desk, tmp_path: Path) -> None:
    desk.apply(ROWS)
    table = tmp_path / "ours.csv"
    table.write_text("Region;Role;Currency;Valid from;Card;Hourly\nNA;Consultant;USD;1.7.2026;NA;1.170,50\n")
    forms = ("--numbers", "comma", "--dates", "day_first")

    assert "added: card NA, hourly 1170.5" in run("import", "rates", table, *forms).output
    assert desk.rows() == [*ROWS]
    wrong = run("import", "rates", table, "--apply")
    assert wrong.exit_code == 1
    assert "ours.csv:2: hourly: '1.170,50' is not of the form 1,234.50" in wrong.output
    assert "Version 2" in run("import", "rates", table, *forms, "--apply", "--note", "summer").output
    assert len(desk.rows()) == len(ROWS) + 1
    assert "cannot be read" in run("import", "rates", tmp_path / "none.csv").output


def test_the_command_line_shows_every_fault_and_applies_nothing(run: Run, desk: Desk, tmp_path: Path) -> None:
    folder = written(tmp_path / "acme", ROWS)
    rates = (folder / "rates.csv").read_text().replace("2025-01-01", "1.1.2025")
    (folder / "rates.csv").write_text(rates)

    for refused in (run("check", folder), run("diff", folder), run("apply", folder)):
        assert refused.exit_code == 1
        assert "rates.csv:8: valid_from: '1.1.2025' is not a date. Write a date" in refused.output
    assert desk.rows() == []


def test_the_command_line_proposes_and_the_second_persons_token_approves(
    run: Run, desk: Desk, tmp_path: Path
) -> None:
    desk.apply(ROWS)
    desk.go_live()
    folder = written(tmp_path / "acme", with_rate("170"))

    proposed = run("apply", folder)

    assert "a second person with the role finance approver has to approve it" in proposed.output
    proposal_id = proposed.output.split()[2].rstrip(":")
    listed = run("proposals").output
    assert proposal_id in listed
    assert "hourly 160 -> 170" in listed
    assert "needs the role finance approver" in run("approve", proposal_id).output
    token = desk.application.dispatch(
        CreateToken(TENANT, COMMAND_LINE, "fay's", "fay@example.com", EVERY_SCOPE)
    )
    approved = run("approve", proposal_id, OPPSYNC_TOKEN=token)
    assert "Version 2" in approved.output
    assert desk.rows() == list(governed(with_rate("170")))
    assert "Proposed as" in run("revert", 1).output


def test_the_command_line_needs_a_token_and_says_what_was_written_past_the_versions(
    run: Run, desk: Desk, tmp_path: Path
) -> None:
    folder = written(tmp_path / "acme", ROWS)

    assert "Set OPPSYNC_TOKEN" in run("apply", folder, OPPSYNC_TOKEN="").output
    assert "is not valid any more" in run("apply", folder, OPPSYNC_TOKEN="nobody's").output
    run("apply", folder)
    assert "past the versions" not in run("history").output
    desk.execute("delete from reference_rows where kind = 'withholding'")
    assert "past the versions" in run("history").output


def test_the_schema_describes_each_file(run: Run) -> None:
    assert '"hourly"' in run("schema", "rates.csv").output
    assert "is no file of a bundle" in run("schema", "prices.csv").output
