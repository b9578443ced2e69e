"""The handler itself refuses a person without the right, by every way in; and pages offer them nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from oppsync.domain.approval.deciding import may_decide
from oppsync.domain.approval.tasks import Decision, TaskStatus
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.access_proposals import AccessChange
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.replays import ReplayOf, Selection
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Forbidden, NotFound
from oppsync.services.admin.commands import (
    AcceptInvitation,
    AddConnection,
    BeginSecondFactor,
    ChangePassword,
    ConfirmSecondFactor,
    CountAttempt,
    CreatePerson,
    CreateToken,
    DeactivatePerson,
    DecideAccess,
    EditConnection,
    EndSession,
    EndSessions,
    EnterCode,
    IdentifyPerson,
    InspectConnection,
    InvitePerson,
    PauseConnection,
    ProposeAccess,
    ReencryptSecrets,
    RemoveConnection,
    RemoveSecondFactor,
    ResetPerson,
    ResetSecondFactor,
    ResumeConnection,
    RevokeToken,
    RotateWebhookSecret,
    SendTrialEvent,
    SetConnection,
    SetPassword,
    SetRoles,
    SignIn,
    SignOut,
    SignOutEverywhere,
)
from oppsync.services.approvals.commands import (
    CommentApproval,
    DecideApproval,
    EndAbsence,
    EnterAbsence,
    ReassignApproval,
    SetApprovalRule,
    SetCalendar,
    WithdrawApproval,
)
from oppsync.services.changes.commands import OverridePlan, PlanAnew
from oppsync.services.configuration.commands import (
    ApplyConfiguration,
    BacktestConfiguration,
    CompareConfiguration,
    DecideProposal,
    RevertConfiguration,
)
from oppsync.services.insight.commands import FindOpportunity, PreviewPlan, RecomputePlan
from oppsync.services.intake.commands import AcceptDelivery, PollCrm, PreviewBackfill, RunBackfill
from oppsync.services.mirror.commands import AskForMirror, ReadMirror
from oppsync.services.queue.commands import (
    Compensate,
    ConfirmFindings,
    DismissException,
    KeepDeadLetters,
    LinkCustomer,
    PreviewReplay,
    ReplayException,
    RunReplay,
)
from oppsync.services.reconcile.commands import ReconcileRestore
from oppsync.services.set_up.commands import GoLive, NameFirm, TryDeal
from oppsync.services.work.commands import RunStage
from tests.harness.builders import TENANT
from tests.web.browser import Browser
from tests.web.office import CONNECTION, Office, sold_by
from tests.web.test_other_pages import everything
from web.app import MACHINE_PATHS

Browsers = Callable[[str], Browser]
Ask = Callable[[Office, UUID], Command[Any]]


def _decide(office: Office, who: UUID) -> DecideApproval:
    waiting = office.waiting()
    return DecideApproval(TENANT, waiting.finance.id, waiting.plan.hash, who, Decision.REJECT)


# Authenticated by a signature, a password or a schedule: no person asks.
ASKED_BY_NOBODY = {
    SignIn,
    SignOut,
    SignOutEverywhere,
    EnterCode,
    BeginSecondFactor,
    ConfirmSecondFactor,
    RemoveSecondFactor,
    ChangePassword,
    AcceptInvitation,
    CountAttempt,
    AcceptDelivery,
    PollCrm,
    ReadMirror,
    RunStage,
    KeepDeadLetters,
}
CONNECTED = Connection(tenant_id=TENANT, id="new", role=ConnectionRole.CRM, vendor="x", name="X")
RULE = ReferenceRow(kind=ReferenceKind.APPROVAL_RULE, key="small", valid_from=date(2026, 1, 1), value={})
ASKED: dict[type[Command[Any]], Ask] = {
    CreatePerson: lambda _, who: CreatePerson(
        TENANT, who, "x@acme.example", "X", "long enough, it is", frozenset()
    ),
    IdentifyPerson: lambda _, who: IdentifyPerson(TENANT, who, "kim@acme.example"),
    CreateToken: lambda _, who: CreateToken(TENANT, who, "mine", "kim@acme.example"),
    RevokeToken: lambda _, who: RevokeToken(TENANT, who, "no such token"),
    SetRoles: lambda _, who: SetRoles(TENANT, who, "nobody@acme.example", frozenset()),
    SetPassword: lambda _, who: SetPassword(TENANT, who, "nobody@acme.example", "short"),
    DeactivatePerson: lambda _, who: DeactivatePerson(TENANT, who, "nobody@acme.example"),
    InvitePerson: lambda _, who: InvitePerson(TENANT, who, "kim@acme.example", "", frozenset()),
    ProposeAccess: lambda _, who: ProposeAccess(
        TENANT, who, AccessChange.INVITE, "kim@acme.example", frozenset()
    ),
    DecideAccess: lambda _, who: DecideAccess(TENANT, who, UUID(int=9), approve=True),
    ResetPerson: lambda _, who: ResetPerson(TENANT, who, "nobody@acme.example"),
    ResetSecondFactor: lambda _, who: ResetSecondFactor(TENANT, who, "nobody@acme.example"),
    EndSession: lambda _, who: EndSession(TENANT, who, UUID(int=9)),
    EndSessions: lambda _, who: EndSessions(TENANT, who, "nobody@acme.example"),
    SetConnection: lambda _, who: SetConnection(TENANT, who, CONNECTED),
    AddConnection: lambda _, who: AddConnection(TENANT, who, ConnectionRole.ERP, "tryton", "", {}, {}),
    EditConnection: lambda _, who: EditConnection(TENANT, who, CONNECTION, ""),
    PauseConnection: lambda _, who: PauseConnection(TENANT, who, CONNECTION),
    ResumeConnection: lambda _, who: ResumeConnection(TENANT, who, CONNECTION),
    RemoveConnection: lambda _, who: RemoveConnection(TENANT, who, CONNECTION),
    ReencryptSecrets: lambda _, who: ReencryptSecrets(TENANT, who),
    RotateWebhookSecret: lambda _, who: RotateWebhookSecret(TENANT, who, CONNECTION),
    InspectConnection: lambda _, who: InspectConnection(TENANT, who, CONNECTION),
    AskForMirror: lambda _, who: AskForMirror(TENANT, who, CONNECTION),
    SendTrialEvent: lambda _, who: SendTrialEvent(TENANT, who, CONNECTION),
    SetApprovalRule: lambda _, who: SetApprovalRule(TENANT, RULE, who),
    BacktestConfiguration: lambda _, who: BacktestConfiguration(TENANT, who, (), 1),
    CompareConfiguration: lambda _, who: CompareConfiguration(TENANT, who, "Acme", ()),
    ApplyConfiguration: lambda _, who: ApplyConfiguration(TENANT, who, "Acme", ()),
    RevertConfiguration: lambda _, who: RevertConfiguration(TENANT, who, 99),
    DecideProposal: lambda _, who: DecideProposal(TENANT, who, UUID(int=9), approve=True),
    PreviewBackfill: lambda _, who: PreviewBackfill(TENANT, who, date(2026, 1, 1)),
    RunBackfill: lambda _, who: RunBackfill(TENANT, who, "sf-demo", ()),
    ReconcileRestore: lambda _, who: ReconcileRestore(TENANT, who),
    PreviewReplay: lambda _, who: PreviewReplay(TENANT, who, Selection()),
    RunReplay: lambda _, who: RunReplay(TENANT, who, ReplayOf.OPPORTUNITIES, ()),
    ReplayException: lambda office, who: ReplayException(TENANT, office.parked()[1], who),
    DismissException: lambda office, who: DismissException(TENANT, office.parked()[1], who, ""),
    ConfirmFindings: lambda office, who: ConfirmFindings(TENANT, office.parked()[1], who, ""),
    LinkCustomer: lambda office, who: LinkCustomer(TENANT, office.parked()[1], who, ""),
    Compensate: lambda office, who: Compensate(TENANT, office.parked()[0], who, ""),
    PlanAnew: lambda office, who: PlanAnew(TENANT, office.parked()[0], who, ""),
    PreviewPlan: lambda office, who: PreviewPlan(TENANT, who, office.parked()[0]),
    RecomputePlan: lambda office, who: RecomputePlan(TENANT, who, office.parked()[0]),
    FindOpportunity: lambda office, who: FindOpportunity(TENANT, who, str(office.parked()[0])),
    NameFirm: lambda _, who: NameFirm(TENANT, who, "", ""),
    TryDeal: lambda _, who: TryDeal(TENANT, who, ""),
    GoLive: lambda _, who: GoLive(TENANT, who, "nobody@acme.example"),
    DecideApproval: _decide,
    EnterAbsence: lambda _, who: EnterAbsence(TENANT, who, date(2026, 1, 1), date(2025, 1, 1)),
    EndAbsence: lambda office, who: EndAbsence(TENANT, who, office.absence()),
    SetCalendar: lambda _, who: SetCalendar(TENANT, who, "NOWHERE"),
    CommentApproval: lambda office, who: CommentApproval(TENANT, office.waiting().finance.id, who, ""),
    WithdrawApproval: lambda office, who: WithdrawApproval(TENANT, office.waiting().finance.id, who, ""),
    ReassignApproval: lambda office, who: ReassignApproval(TENANT, office.waiting().finance.id, who, ()),
    OverridePlan: lambda office, who: OverridePlan(
        TENANT, office.waiting().opportunity_id, who, "00kL2", OverrideField.HOURS, "80", ""
    ),
}


def test_no_command_is_left_out() -> None:
    assert set(ASKED) | ASKED_BY_NOBODY == set(Command.__subclasses__())


@pytest.mark.parametrize("command", ASKED, ids=lambda command: command.__name__)
def test_a_person_without_a_role_is_refused_whatever_they_ask(
    command: type[Command[Any]], office: Office
) -> None:
    """Before any other fault is reported, such as a missing reason."""
    nobody = office.hire("nora")
    asked = ASKED[command](office, nobody)
    before = everything(office)

    with pytest.raises(Forbidden):
        office.application.dispatch(asked)

    after = everything(office)
    if command is DecideApproval:  # that somebody tried is kept, and nothing else
        assert after.pop("audit") != before.pop("audit")
    assert after == before


def test_somebody_who_is_not_of_this_tenant_can_ask_for_nothing(office: Office) -> None:
    _opportunity_id, item_id = office.parked()

    with pytest.raises(NotFound):
        office.application.dispatch(DismissException(TENANT, item_id, uuid4(), "Enough"))

    office.application.dispatch(DismissException(TENANT, item_id, COMMAND_LINE, "Enough"))
    assert office.application.queries.exception(TENANT, item_id).closed_by == "command-line"


def test_nothing_waits_for_a_person_that_they_may_not_decide(browser: Browsers, office: Office) -> None:
    """Her own deal, however the CRM spells her name; a plan she changed; one she decided for the other role."""
    guel = office.hire("gül", PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER)
    person = office.person("gül")
    office.waiting(sold_by("GÜL", name="Sold by herself"))
    office.waiting(sold_by("Gu\u0308l", name="Sold by herself, too"))
    edited = office.waiting(sold_by("sam", name="Changed by her"))
    office.override(edited.opportunity_id, "hours", "80", by=guel)
    once = office.waiting(sold_by("sam", name="Sold by her once"))
    office.keep_reading(once.opportunity_id, sold_by("gül"))
    half = office.waiting(sold_by("sam", name="Decided for finance"))
    office.application.dispatch(DecideApproval(TENANT, half.finance.id, half.plan.hash, guel, Decision.APPROVE))
    office.waiting(sold_by("sam", name="For her to decide"))

    assert "Changed by her" not in browser("gül").get("/approvals").words

    waiting = office.application.queries.approvals(TENANT, person=person, status=TaskStatus.OPEN).rows
    assert {row.opportunity_name for row in waiting} == {"For her to decide"}
    assert len(waiting) == 2
    assert office.application.queries.counts(TENANT, person).approvals == 2
    for row in office.application.queries.approvals(TENANT, status=TaskStatus.OPEN, limit=100).rows:
        detail = office.application.queries.approval(TENANT, row.task.id)
        refusal = may_decide(person, detail.step, detail.involved, detail.others)
        assert (refusal is None) == (row.task.id in {mine.task.id for mine in waiting})


def test_an_account_of_somebody_who_left_bars_the_one_they_came_back_with(office: Office) -> None:
    before = office.hire("gül", PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER)
    edited = office.waiting(sold_by("sam", name="Changed by her"))
    office.override(edited.opportunity_id, "hours", "80", by=before)
    half = office.waiting(sold_by("sam", name="Decided for finance"))
    office.application.dispatch(
        DecideApproval(TENANT, half.finance.id, half.plan.hash, before, Decision.APPROVE)
    )
    office.hire("guel", PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER)
    office.application.dispatch(
        IdentifyPerson(TENANT, COMMAND_LINE, "guel@acme.example", ("GÜL+2@acme.example.invalid",))
    )
    again = office.person("guel")

    assert office.application.queries.counts(TENANT, again).approvals == 0
    for row in office.application.queries.approvals(TENANT, status=TaskStatus.OPEN).rows:
        detail = office.application.queries.approval(TENANT, row.task.id)
        assert may_decide(again, detail.step, detail.involved, detail.others) is not None


def test_a_form_that_asks_for_nothing_known_dismisses_nothing(browser: Browsers, office: Office) -> None:
    _opportunity_id, item_id = office.parked()
    of_a_delivery = office.unreadable_delivery()
    olga = browser("olga")
    for item, action in ((item_id, "destroy"), (item_id, ""), (of_a_delivery, "compensate")):
        answer = olga.post(
            f"/exceptions/{item}", action=action, reason="A mistake", given_up_because="A mistake"
        )
        assert answer.status == 400
        assert office.application.queries.exception(TENANT, item).status == "open"


def test_every_page_asks_for_a_session_first(app: Flask) -> None:
    open_to_all = ("/static/", "/sign-in", "/sign-out", "/invitation", "/guides", *MACHINE_PATHS)
    pages = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(open_to_all)]
    assert {rule.rule for rule in pages} >= {"/", "/approvals", "/approvals/<uuid:task_id>", "/exceptions"}
    for rule in (each for each in pages if "GET" in (each.methods or ())):
        path = re.sub("<[^>]*>", str(uuid4()), re.sub("<int:[^>]*>", "1", rule.rule))
        answer = app.test_client().get(path)
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in"), rule.rule
