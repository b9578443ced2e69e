"""The firm's configuration: its files, versions, proposals and backtests."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from oppsync.domain.configuration.differences import Change
from oppsync.domain.configuration.imports import DateForm, NumberForm
from oppsync.domain.configuration.rule_tests import Outcome
from oppsync.domain.configuration.versions import ConfigurationUse, ConfigurationVersion, Proposal
from oppsync.domain.deal.owned_fields import SystemOfRecord
from oppsync.domain.reading.backtest import MOST_TRIED, Backtest
from oppsync.domain.reading.open_deals import OpenDealEffects
from oppsync.domain.reading.system_of_record import FieldOwner
from oppsync.domain.values.model import Code, Frozen, Text


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
    """`last`: how many deals to try; more are tried on the command line. `as_of`: the day by whose rows all are
    tried; without it each by those of its own."""

    last: Annotated[int, Field(ge=1, le=MOST_TRIED)] = 100
    as_of: date | None = None


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
    that one name the firm, where these name it otherwise. `backtest`: the latest of its rows."""

    version: ConfigurationVersion
    firm_before: Text | None = None
    differences: tuple[ChangedRow, ...]
    backtest: Backtest | None = None


class CheckedBundle(Frozen):
    """A configuration without a fault."""

    firm: Text
    rows: int
    fingerprint: Code


class BacktestSummary(Frozen):
    """Of a report: when it was made, by whom and compared with which configuration, and where the whole of it
    is. `is_current`: that configuration is the one of now."""

    made_at: AwareDatetime
    made_by: Code
    before: ConfigurationUse
    is_current: bool
    as_of: date | None
    tried: int
    differing: int
    in_words: Text
    report: Text = Field(description="Its address, such as /api/v1/configuration/backtests/9f2c...")


class ConfigurationDifference(Frozen):
    """`before` names the configuration of now: its fingerprint, and its version where one has these rows.
    `firm_before`, `firm_after`: what the files name the firm; `firm_here`: the name of this installation, which
    they do not change. `needs_second_person`: applying it proposes it. `open_deals`: the newest deals that are
    not approved yet, planned by both; none is tried where no row differs. `erp_check`: by which master data of
    the ERP rows were checked, or why they were not. `backtest`: of the latest report on what past deals would
    have become. `notes`: what is no fault, and may be a mistake."""

    before: ConfigurationUse
    firm_before: Text
    after: Code
    firm_after: Text
    firm_here: Text = ""
    differences: tuple[ChangedRow, ...]
    needs_second_person: bool
    open_deals: OpenDealEffects
    erp_check: Text = ""
    backtest: BacktestSummary | None = None
    notes: tuple[Text, ...] = ()


class AppliedOrProposed(Frozen):
    """Applied as `version`, or waiting as `proposal_id` for a second person, whose role `needs` names.
    `changed`: how many rows differ; with none there is no new version. `waiting`: how many deals wait for
    approval by plans that other rows made; these they keep until they are planned anew."""

    version: int | None = None
    fingerprint: Code | None = None
    changed: int | None = None
    waiting: int | None = None
    proposal_id: UUID | None = None
    needs: Text | None = None


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


class RuleTestView(Frozen):
    """One example of a rule; `example` counts from 1, 0: none of it can be tried, or there is none. `expected`
    and `came`: whether the condition holds; null where there is no answer, and `why` says so."""

    file: Text
    row: Text
    example: int
    expected: bool | None
    came: bool | None
    why: Text
    outcome: Outcome


class RuleTests(Frozen):
    """In the order of the files."""

    rows: tuple[RuleTestView, ...]
