"""The API's shapes: the core's readings with amounts as exact text, and what requests carry."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field, field_serializer

from oppsync.domain.approval.tasks import Decision, TaskStatus
from oppsync.domain.configuration.differences import Change
from oppsync.domain.configuration.imports import DateForm, NumberForm
from oppsync.domain.configuration.versions import ConfigurationUse, ConfigurationVersion, Proposal
from oppsync.domain.effects.effects import LedgerRow
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.plan.overrides import OverrideField, PlanOverride
from oppsync.domain.reading.backtest import MOST_TRIED, Backtest
from oppsync.domain.reading.calls import VendorCall
from oppsync.domain.reading.open_deals import OpenDealEffects
from oppsync.domain.reading.readings import (
    ApprovalDetail,
    ApprovalSummary,
    DeliveryStatus,
    OpportunityDetail,
    OpportunitySummary,
    PersonSummary,
    PollStatus,
    ReceivedDelivery,
    SessionSummary,
    TimelineEntry,
    TokenSummary,
)
from oppsync.domain.reading.system_of_record import FieldOwner, SystemOfRecord
from oppsync.domain.reading.traffic import Traffic
from oppsync.domain.values.limits import NO_LIMITS, Limits
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.values.money import exact_text
from oppsync.domain.values.roles import Role
from oppsync.domain.values.scopes import LONGEST_TOKEN, TOKEN_LASTS, Scope
from oppsync.domain.work.access_proposals import AccessChange, AccessProposal
from oppsync.domain.work.attempts import AttemptCount
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.connector_forms import ConnectorForm
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus
from oppsync.domain.work.mirror import MirrorRun
from oppsync.domain.work.observations import Observation
from oppsync.domain.work.replays import MOST, Previewed, ReplayOf, Selection
from oppsync.domain.work.states import State
from oppsync.services.admin.tokens import LONGEST_NAME


def _exact(self: Any, amount: Decimal | None) -> str | None:
    return None if amount is None else exact_text(amount, self.currency)


# What a request carries.


class PageQuery(Frozen):
    """`cursor` is the `next_cursor` of the page before."""

    cursor: Code | None = Field(default=None, description="The next_cursor of the page before.")
    limit: Annotated[int, Field(ge=1, le=100, description="Rows a page, 1 to 100.")] = 25


class OpportunityQuery(PageQuery):
    state: State | None = Field(default=None, description="Only opportunities in this state.")
    text: Text | None = Field(default=None, description="Part of name, account or CRM id.")


class PlanQuery(Frozen):
    hash: Code | None = Field(default=None, description="A plan's full hash; the current plan without it.")


class WhyQuery(PlanQuery):
    place: Text = Field(
        default="", description="JSON pointer into the plan's content; without it every value is explained."
    )


class PreviewQuery(Frozen):
    record: Code = Field(description="The record's id in the CRM.")


class ApprovalQuery(PageQuery):
    status: TaskStatus | None = Field(default=None, description="Only tasks of this status.")
    mine: bool = Field(default=False, description="Only tasks this token's person may be asked to decide.")
    opportunity_id: UUID | None = Field(default=None, description="Only tasks of this opportunity.")


class ExceptionQuery(PageQuery):
    status: ExceptionStatus | None = Field(default=ExceptionStatus.OPEN, description="Items of this status.")
    code: Code | None = Field(default=None, description="Only items of this code.")
    opportunity_id: UUID | None = Field(default=None, description="Only items of this opportunity.")


class DecisionRequest(Frozen):
    """A decision on exactly the plan with this hash. Rejecting needs a comment, and requesting changes one that
    says what to change, a line each."""

    plan_hash: Code
    decision: Decision
    comment: Text = ""


class CommentRequest(Frozen):
    """What is said about the plan. It is shown to whoever decides, and decides nothing."""

    comment: Annotated[Text, Field(min_length=1)]


class WithdrawalRequest(Frozen):
    """Why the approval is taken back: kept on the timeline."""

    comment: Annotated[Text, Field(min_length=1)]


class ReassignRequest(Frozen):
    """Ids of the people to ask instead of those who were asked; each must be able to decide it."""

    to: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=20)]
    comment: Text = ""


class AbsenceRequest(Frozen):
    """From the first day to the last, where the firm is. `delegate`: address of an approver who decides
    meanwhile. `email`: whose absence; one's own without it."""

    first: date = Field(alias="from")
    last: date = Field(alias="until")
    delegate: Code | None = None
    email: Text = ""


class CalendarRequest(Frozen):
    """The code of the calendar; null: that of the legal entity. `email`: whose; one's own without it."""

    calendar: Code | None
    email: Text = ""


class AbsenceView(Frozen):
    """`until`: when it ends or was ended. `is_current`: now."""

    id: UUID
    email: Code
    name: Text
    begins_at: AwareDatetime
    until: AwareDatetime
    delegate: Code | None
    made_by: Code
    is_current: bool


class AbsenceList(Frozen):
    """In the order in which they begin."""

    rows: tuple[AbsenceView, ...]


class PersonCalendar(Frozen):
    email: Code
    calendar: Code | None


class OverrideRequest(Frozen):
    """An override of one field of one workstream, with its reason. A `value` of null takes the override back.

    Dates like `2026-06-01`; hours as a number in text; service line, delivery entity, cost centre and template
    by their codes. None of the texts may be empty; a value has 200 characters at most.
    """

    workstream: str
    field: OverrideField
    value: str | None = None
    reason: str


class Overrides(Frozen):
    """Oldest first; the latest override of a field of a workstream holds."""

    rows: tuple[PlanOverride, ...]


class PlanChangesQuery(Frozen):
    """`since`: the hash of an earlier plan of this deal."""

    since: Code | None = None


class PlanAnewRequest(Frozen):
    """Why the deal is planned anew: kept on the timeline. `ask_again`: no approval counts any more, even if the
    plan stays the same."""

    reason: Annotated[Text, Field(min_length=1)]
    ask_again: bool = False


class CompensateRequest(Frozen):
    """Why the deal is given up: kept on the timeline and sent to the CRM."""

    reason: Annotated[Text, Field(min_length=1)]


class ConfirmRequest(Frozen):
    """Why it is right: kept on the deal and shown to the approvers."""

    reason: Annotated[Text, Field(min_length=1)]


class CustomerRequest(Frozen):
    """The ERP's customer, by its code."""

    customer: Code


class InviteRequest(Frozen):
    email: Code
    name: Annotated[Text, Field(min_length=1)]
    roles: tuple[Role, ...] = ()
    limits: Limits = NO_LIMITS


class AccessRequest(Frozen):
    """`change`: whether somebody is invited with these roles, for which `name` is needed, or somebody who is
    here gets them. `roles` are all that the person is to have, `limits` those of approvers' roles."""

    change: AccessChange
    email: Code
    name: Text = ""
    roles: tuple[Role, ...]
    limits: Limits = NO_LIMITS


class AccessRejection(Frozen):
    reason: Annotated[Text, Field(min_length=1)]


class Proposed(Frozen):
    """The proposal that waits for another administrator."""

    id: UUID


class AccessProposals(Frozen):
    """Oldest first."""

    rows: tuple[AccessProposal, ...]


class Agreed(Frozen):
    """`link` sets the password of somebody who was invited, once."""

    link: Text | None


class RolesRequest(Frozen):
    """All roles that the person is to have. `limits`: which of them, an approver's, count for some entities and
    regions only."""

    roles: tuple[Role, ...]
    limits: Limits = NO_LIMITS


class TokenRequest(Frozen):
    """An API token of one's own. It reads; what else it may do, `scopes` say."""

    name: Annotated[Text, Field(min_length=1, max_length=LONGEST_NAME)]
    scopes: tuple[Scope, ...] = (Scope.READ,)
    days: Annotated[int, Field(ge=1, le=LONGEST_TOKEN.days)] = TOKEN_LASTS.days


class RevokeRequest(Frozen):
    name: Code


class DismissRequest(Frozen):
    reason: Annotated[Text, Field(min_length=1)]


class NewConnection(Frozen):
    """A system to connect. `settings` and `secrets` are those of its form (`GET /connectors`); secrets are
    never answered again."""

    role: ConnectionRole
    vendor: Code
    name: Text
    settings: dict[str, Any] = {}
    secrets: dict[str, str] = Field(default={}, repr=False)


class ConnectionChange(Frozen):
    """The fields that are to change; a setting of null goes back to its default. A new address needs all
    secrets."""

    name: Text | None = None
    settings: dict[str, Any] = {}
    secrets: dict[str, str] = Field(default={}, repr=False)


class Rotation(Frozen):
    """How long the earlier webhook secrets are accepted beside the new one."""

    both_valid_hours: Annotated[int, Field(ge=0, le=720)] = 24


class ReplaySelection(Frozen):
    """`from_stage`: an earlier stage to start again from; without it each goes on from where it stands."""

    selection: Selection
    from_stage: Code | None = None


class ReplayRequest(Frozen):
    """Items as a preview named them, with the versions it named; `from_stage` as it was asked."""

    of: ReplayOf = ReplayOf.OPPORTUNITIES
    items: Annotated[tuple[Previewed, ...], Field(min_length=1, max_length=MOST)]
    from_stage: Code | None = None


class BundleRequest(Frozen):
    """A configuration: its files as text by name, or all of them packed as a zip file in base64."""

    files: dict[str, str] | None = None
    zip: str | None = Field(default=None, description="A zip file of the bundle's folder, in base64.")


class ProposalRequest(BundleRequest):
    """`against`: the fingerprint of the configuration that it was compared with (`before` of a difference);
    where another one holds by now, nothing is applied."""

    against: Code | None = None
    note: Text = Field(default="", description="Why, for whoever reads the history.")


class ImportPreview(Frozen):
    """A table of rows of one kind. `content`: a CSV file, or an XLSX file whose first sheet is read, in base64.
    `numbers`: `point` is 1,234.50, `comma` is 1.234,50. `dates`: `iso` is 2026-01-31, `day_first` 31.01.2026,
    `month_first` 01/31/2026. `since`: the first day of rows that name none."""

    file: Code = Field(description="Which rows: the name of a CSV file of the bundle, such as rates.csv.")
    content: str
    numbers: NumberForm = NumberForm.POINT
    dates: DateForm = DateForm.ISO
    since: date | None = None


class ImportRequest(ImportPreview):
    """`against`: as of a proposal."""

    against: Code | None = None
    note: Text = ""


class BacktestOfProposal(Frozen):
    """`last`: how many deals to try; more are tried on the command line."""

    last: Annotated[int, Field(ge=1, le=MOST_TRIED)] = 100


class BacktestRequest(BundleRequest, BacktestOfProposal):
    """A configuration, and how many deals to try by it."""


class ApprovalOfProposal(Frozen):
    comment: Text = ""


class RejectionOfProposal(Frozen):
    comment: Annotated[
        Text, Field(description="Why, for whoever proposed it; who takes back their own may leave it out.")
    ] = ""


class RevertRequest(Frozen):
    """`against`: as of a proposal."""

    version: Annotated[int, Field(ge=1)]
    against: Code | None = None
    note: Text = ""


class ExportQuery(Frozen):
    version: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="An earlier version; without it the configuration of now."
    )


# What an answer carries.


class OpportunityItem(OpportunitySummary):
    """An opportunity as lists show it. `amount` has exactly its currency's digits."""

    _amount = field_serializer("amount")(_exact)


class OpportunityView(OpportunityDetail):
    """An opportunity with the CRM's record as last read."""

    _amount = field_serializer("amount")(_exact)


class OpportunityPage(Frozen):
    rows: tuple[OpportunityItem, ...]
    next_cursor: Code | None = None


class Timeline(Frozen):
    """Oldest first."""

    rows: tuple[TimelineEntry, ...]


class VendorCalls(Frozen):
    rows: tuple[VendorCall, ...]


class Connectors(Frozen):
    """The vendors that can be connected, with the fields of each."""

    rows: tuple[ConnectorForm, ...]


class ConnectionView(Frozen):
    """A connection without its secrets. `webhook_url`: where its system reports changes. `secret_ends`: until
    when earlier webhook secrets are accepted, by fingerprint. `tested_at`: when it was last tested as it is set
    now, `test_faults` how much was missing then, and `test_missing` the first of it in words."""

    id: Code
    role: ConnectionRole
    vendor: Code
    name: Text
    settings: dict[str, Any]
    paused_at: AwareDatetime | None = None
    webhook_url: Text | None = None
    secret_ends: dict[str, AwareDatetime] = {}
    tested_at: AwareDatetime | None = None
    test_faults: int | None = None
    test_missing: tuple[Text, ...] = ()


class Connections(Frozen):
    """By id."""

    rows: tuple[ConnectionView, ...]


class AddedConnection(Frozen):
    """`webhook_secret` is answered this once: give it to the system, with the address."""

    connection: ConnectionView
    webhook_secret: Text | None = None


class NewWebhookSecret(Frozen):
    """Answered this once."""

    webhook_secret: Text


class Observations(Frozen):
    """The lines of a test, in the order in which it looked. `is_well`: nothing is missing."""

    is_well: bool
    rows: tuple[Observation, ...]


class TrialEventView(Frozen):
    """Whether the test event came back to us, signed rightly. `event_id` under which it is kept."""

    arrived: bool
    says: Text
    status: int | None = None
    event_id: UUID | None = None


class ReceivedDeliveries(Frozen):
    """Newest first. Deliveries whose signature was wrong are not kept: `refused` counts them by the hour."""

    rows: tuple[ReceivedDelivery, ...]
    refused: tuple[AttemptCount, ...]


class TrafficOfConnections(Frozen):
    rows: tuple[Traffic, ...]


class Effects(Frozen):
    """The external records, with the ids and numbers that they got there."""

    rows: tuple[LedgerRow, ...]


class ApprovalItem(ApprovalSummary):
    """One role's task on one plan."""

    _amount = field_serializer("amount")(_exact)


class ApprovalView(ApprovalDetail):
    """One task with the plan it is about."""

    _amount = field_serializer("amount")(_exact)


class ApprovalPage(Frozen):
    rows: tuple[ApprovalItem, ...]
    next_cursor: Code | None = None


class ExceptionPage(Frozen):
    rows: tuple[ExceptionItem, ...]
    next_cursor: Code | None = None


class DeliveryView(DeliveryStatus):
    """Where a delivery's opportunities are now."""

    opportunities: tuple[OpportunityItem, ...]


class SecurityChangePage(Frozen):
    rows: tuple[TimelineEntry, ...]
    next_cursor: Code | None = None


class SecurityAttempts(Frozen):
    """Newest first."""

    rows: tuple[AttemptCount, ...]


class CurrentConfiguration(Frozen):
    """`firm`: the name of this installation; `firm_in_files`: in the files that were applied. `is_recorded`:
    whether the newest version has the rows of now; where not, something wrote them past the versions. `rows`:
    how many each file has. From `live_since` on, what moves money takes two people."""

    firm: Text
    firm_in_files: Text
    fingerprint: Code
    is_recorded: bool
    version: ConfigurationVersion | None
    rows: dict[str, int]
    live_since: AwareDatetime | None


class ConfigurationVersions(Frozen):
    """Newest first."""

    rows: tuple[ConfigurationVersion, ...]


class ChangedField(Frozen):
    """`field` with the names on the way to it, such as `phases.0.percent`; null where there is no value."""

    field: Text
    was: Any = None
    now: Any = None


class ChangedRow(Frozen):
    """`row` and `what` in words."""

    file: Text
    row: Text
    change: Change
    what: Text
    moves_money: bool
    fields: tuple[ChangedField, ...]


class ConfigurationVersionView(Frozen):
    """A version, and where its rows differ from those of the version before. `firm_before`: what the files of
    that one name the firm, where these name it otherwise. `backtest`: the latest of its
    rows."""

    version: ConfigurationVersion
    firm_before: Text | None = None
    differences: tuple[ChangedRow, ...]
    backtest: Backtest | None = None


class CheckedBundle(Frozen):
    """A configuration without a fault."""

    firm: Text
    rows: int
    fingerprint: Code


class ConfigurationDifference(Frozen):
    """`before` names the configuration of now: its fingerprint, and its version where one has these rows.
    `firm_before`, `firm_after`: what the files name the firm; `firm_here`: the name of this installation, which
    they do not change. `needs_second_person`: applying it proposes it. `open_deals`: the newest deals that are
    not approved yet, planned by both; none is tried where no row differs. `erp_check`: by which master data of
    the ERP rows were checked, or why they were not."""

    before: ConfigurationUse
    firm_before: Text
    after: Code
    firm_after: Text
    firm_here: Text = ""
    differences: tuple[ChangedRow, ...]
    needs_second_person: bool
    open_deals: OpenDealEffects
    erp_check: Text = ""


class AppliedOrProposed(Frozen):
    """Applied as `version`, or waiting as `proposal_id` for a second person, whose role `needs` names.
    `changed`: how many rows differ; with none there is no new version."""

    version: int | None = None
    fingerprint: Code | None = None
    changed: int | None = None
    proposal_id: UUID | None = None
    needs: Text | None = None


class Sessions(Frozen):
    """One's own that are open, newest first. `is_this` is false of all: an API token asks, no session."""

    rows: tuple[SessionSummary, ...]


class Proposals(Frozen):
    """Those that wait for a second person, oldest first."""

    rows: tuple[Proposal, ...]


class ProposalView(Frozen):
    """`is_overtaken`: the configuration changed since, so that it has to be proposed anew. `backtest`: the
    latest of its rows."""

    proposal: Proposal
    is_overtaken: bool
    difference: ConfigurationDifference
    backtest: Backtest | None = None


class SystemsOfRecord(Frozen):
    """By group. `where`: where each system's fields are changed."""

    rows: tuple[FieldOwner, ...]
    where: dict[SystemOfRecord, Text]


class People(Frozen):
    """Who is active first, then by name."""

    rows: tuple[PersonSummary, ...]


class Tokens(Frozen):
    """By name."""

    rows: tuple[TokenSummary, ...]


class NewToken(Frozen):
    """`token` is answered this once."""

    token: Text
    row: TokenSummary


class OneTimeLink(Frozen):
    """`link` sets the password of `email`, once."""

    email: Code
    link: Text


class ResetLink(Frozen):
    """`link` sets the password of `email`, once; null where it was mailed to its person alone."""

    email: Code
    link: Text | None


class FirmRequest(Frozen):
    """`time_zone`: a name of the IANA list, such as `Europe/Berlin`."""

    name: Text
    time_zone: Code


class TestDealRequest(Frozen):
    record: Code = Field(description="The deal's id in the CRM.")


class GoLiveRequest(Frozen):
    second: Code = Field(description="The e-mail address of the second administrator.")


class MasterKindState(Frozen):
    """`seen_at`: since when all rows of the kind are as old at most."""

    kind: MasterKind
    rows: int
    ended: int
    seen_at: AwareDatetime | None = None


class NamingDealView(Frozen):
    id: UUID
    name: str


class EndedInUseView(Frozen):
    """Something that is gone from the ERP, with the open deals and the rows of the configuration that name
    it."""

    kind: MasterKind
    company: str
    code: str
    name: str
    gone_at: AwareDatetime
    deals: tuple[NamingDealView, ...]
    rows: tuple[str, ...]


class MasterDataView(Frozen):
    """`error`: why the last try to read failed. `runs`: newest first; each keeps the first 50 differences of a
    kind."""

    kinds: tuple[MasterKindState, ...]
    is_running: bool
    due_at: AwareDatetime | None = None
    error: str | None = None
    runs: tuple[MirrorRun, ...]
    ended_in_use: tuple[EndedInUseView, ...]


class MasterRowView(Frozen):
    """`record`: the ERP's own id."""

    company: str
    code: str
    name: str
    record: str


class MasterRows(Frozen):
    rows: tuple[MasterRowView, ...]


class MasterRowsQuery(Frozen):
    """`search`: only rows whose code or name contains it."""

    search: Text = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class MasterDataRequest(Frozen):
    """No kinds: all."""

    kinds: tuple[MasterKind, ...] = ()


class MasterDataAsked(Frozen):
    """`begins`: false where a reading is under way, which goes on."""

    begins: bool


class Polls(Frozen):
    """By connection."""

    rows: tuple[PollStatus, ...]


class FieldProblem(Frozen):
    """`pointer` is a JSON pointer into the body, or `/<name>` of a parameter. Of a configuration's file also
    the file, the line (from 1; 0 is the whole file) and the field in it."""

    pointer: str
    code: str
    message: str
    fix: str
    file: str | None = None
    line: int | None = None
    field: str | None = None


class ProblemDocument(Frozen):
    """RFC 9457. `code` is stable, `detail` is for people; `trace_id` finds the request in the logs."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    trace_id: str
    errors: tuple[FieldProblem, ...] = ()
