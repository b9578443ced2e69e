"""The pages for people: one row a page. A new page gets its row here; who may open it is its action's right."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint

from oppsync.domain.approval.who_may import Action
from web.pages.account import absence, account, second_factor
from web.pages.approvals import approval, inbox
from web.pages.configuration import (
    backtest,
    importing,
    owners,
    proposal,
    row,
    rows,
    rule_tests,
    upload,
    version,
)
from web.pages.configuration import overview as configuration
from web.pages.connections import connection, mirror
from web.pages.connections import form as connection_form
from web.pages.connections import overview as connections
from web.pages.dashboard import dashboard
from web.pages.exceptions import exception, queue
from web.pages.opportunities import opportunity, overview
from web.pages.people import people, person, proposals
from web.pages.plan import recomputed
from web.pages.security import log
from web.pages.set_up import set_up


class PageRow(NamedTuple):
    """`area` is its title in the navigation, which leads to the page that is `first` of its area. `counted`
    names the field of `OpenCounts` shown beside the title, where there is one. `until_set_up`: the
    navigation shows it until every step of the set-up is done."""

    area: str
    blueprint: Blueprint
    opens: Action
    first: bool = False
    counted: str | None = None
    until_set_up: bool = False


PAGES = (
    PageRow("Set-up", set_up.page, Action.VISIT_SET_UP, first=True, until_set_up=True),
    PageRow("Approvals", inbox.page, Action.VISIT_APPROVALS, first=True, counted="approvals"),
    PageRow("Approvals", approval.page, Action.VISIT_APPROVAL),
    PageRow("Dashboard", dashboard.page, Action.VISIT_DASHBOARD, first=True),
    PageRow("Opportunities", overview.page, Action.READ, first=True),
    PageRow("Opportunities", opportunity.page, Action.READ),
    PageRow("Opportunities", recomputed.page, Action.READ),
    PageRow("Exceptions", queue.page, Action.VISIT_EXCEPTIONS, first=True, counted="exceptions"),
    PageRow("Exceptions", exception.page, Action.VISIT_EXCEPTIONS),
    PageRow("Connections", connections.page, Action.VISIT_CONNECTIONS, first=True),
    PageRow("Connections", connection_form.page, Action.SET_CONNECTION),
    PageRow("Connections", connection.page, Action.VISIT_CONNECTIONS),
    PageRow("Connections", mirror.page, Action.VISIT_CONNECTIONS),
    PageRow("Configuration", configuration.page, Action.VISIT_CONFIGURATION, first=True),
    PageRow("Configuration", version.page, Action.VISIT_CONFIGURATION),
    PageRow("Configuration", proposal.page, Action.VISIT_CONFIGURATION),
    PageRow("Configuration", backtest.page, Action.VISIT_CONFIGURATION),
    PageRow("Configuration", rows.page, Action.VISIT_CONFIGURATION),
    PageRow("Configuration", owners.page, Action.VISIT_CONFIGURATION),
    PageRow("Configuration", rule_tests.page, Action.VISIT_CONFIGURATION),
    PageRow("Configuration", row.page, Action.PROPOSE_CONFIGURATION),
    PageRow("Configuration", upload.page, Action.PROPOSE_CONFIGURATION),
    PageRow("Configuration", importing.page, Action.PROPOSE_CONFIGURATION),
    PageRow("People", people.page, Action.READ_PEOPLE, first=True),
    PageRow("People", person.page, Action.READ_PEOPLE),
    PageRow("People", proposals.page, Action.AGREE_ACCESS),
    PageRow("Security", log.page, Action.READ_SECURITY_LOG, first=True),
    PageRow("Your account", account.page, Action.READ),
    PageRow("Your account", second_factor.page, Action.READ),
    PageRow("Your account", absence.page, Action.READ),
)
BY_BLUEPRINT = {row.blueprint.name: row for row in PAGES}
