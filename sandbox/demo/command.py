"""`demo`: win deals, watch them become projects, then compare the books of all systems with the plans."""

from __future__ import annotations

import select
import sys
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import click
from rich.console import Console

from adapters.bootstrap import Application
from adapters.cli.commands import FAILED
from oppsync.domain.reading.readings import OpportunitySummary
from oppsync.domain.values.money import amount_text
from oppsync.domain.work.states import RESTING, State
from sandbox.demo.approval import approve_all, approvers
from sandbox.demo.compare import Comparer
from sandbox.demo.comparison import DealComparison
from sandbox.demo.deals import DECIDED, Deals, WonDeal
from sandbox.demo.erp_books import ErpBooks
from sandbox.demo.progress import Progress
from sandbox.demo.report import print_comparison, print_verdict
from sandbox.demo.resend import resend_old
from sandbox.demo.running import Running, running
from sandbox.firm import deals
from sandbox.foreign_database import only_if_meant
from sandbox.home import TRYTON_REST_KEY, Home
from sandbox.options import first_port_option
from sandbox.stack import stop_check
from sandbox.standins.control import SalesforceControl
from sandbox.systems import kantata, salesforce
from sandbox.up import where_to_look

PLAIN_WIDTH = 180  # the width where the output is no terminal
INTERRUPTED = 130
# A date that lies at least a day back is past in every time zone: an entity west of us takes no deal won
# tomorrow.
DAY_EVERYWHERE = timedelta(hours=12)
COMPARED = (State.ACTIVE, State.REJECTED)


@click.command()
@click.option("--yes", is_flag=True, help="Approve without asking, as two different people.")
@click.option("--compare-only", is_flag=True, help="Win no deals; compare all existing ones.")
@click.option("--details", is_flag=True, help="Show every step, and every field that was compared.")
@first_port_option
@only_if_meant
def demo(yes: bool, compare_only: bool, details: bool, first_port: int | None) -> None:
    """Win deals and watch them become projects; ends with 1 unless everything is where it should be.

    Works with what `up` runs here, or starts everything and ends it again.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    asks = console.is_terminal and sys.stdin.isatty() and not yes
    try:
        with stop_check() as check_stop, running(Home.here(), check_stop, first_port) as found:
            if compare_only:
                wrong = compare_everything(console, found, details=details)
            else:
                wrong = run(console, found, asks=asks, details=details)
            if found.stays:
                console.print("", *where_to_look(found.home, found.addresses), "", sep="\n", markup=False)
    except KeyboardInterrupt:
        click.echo("Stopped.")
        sys.exit(INTERRUPTED)
    if not found.stays:
        click.echo(
            "Everything has stopped. `make up` starts pages, API and Tryton again with the same data, prints "
            "their addresses, and stays up."
        )
    sys.exit(FAILED if wrong else 0)


def run(console: Console, found: Running, *, asks: bool, details: bool) -> int:
    """One run of the demo. Returns how many fields are not as planned. Raises Failed."""
    crm = salesforce(found.home, found.addresses)
    won = win_deals(found.application, crm)
    run_deals = Deals(found.application, won)
    console.print(f"\nWon {len(won)} deals in Salesforce; a signed webhook reports each to oppsync.\n")
    progress = Progress(console, run_deals, found.check, found.page, details=details)
    waiting = progress.until(DECIDED | {State.AWAITING_APPROVAL})
    if asks or details:
        progress.print()
    approve_deals(console, found, progress, [each.id for each in waiting], asks=asks)
    opportunities = progress.until(RESTING)
    resent = resend_old(found.application, crm, [deal.record_id for deal in won])
    compared = [each for each in opportunities if each.state in COMPARED]
    extra: list[DealComparison] = []
    if resent:
        extra = [resent.comparison]
        if resent.opportunity.id not in {each.id for each in compared}:
            compared.append(resent.opportunity)
    comparisons = [*compare(found, compared), *extra]
    if details:
        progress.print()
    _print_comparison(console, found, comparisons, details=details)
    return print_verdict(console, comparisons)


def compare_everything(console: Console, found: Running, *, details: bool) -> int:
    """Compare all deals that are active or rejected."""
    comparisons = compare(found, _all(found.application))
    _print_comparison(console, found, comparisons, details=details)
    return print_verdict(console, comparisons)


def compare(found: Running, opportunities: Sequence[OpportunitySummary]) -> list[DealComparison]:
    with ErpBooks(found.addresses.tryton, found.home.key(TRYTON_REST_KEY)) as erp:
        crm, psa = salesforce(found.home, found.addresses), kantata(found.home, found.addresses)
        comparer = Comparer(found.application, erp, crm, psa)
        tenant_id, queries = found.application.tenant_id, found.application.queries
        details = [queries.opportunity(tenant_id, each.id) for each in opportunities]
        return [comparer.deal(detail) for detail in details]


def win_deals(application: Application, crm: SalesforceControl) -> list[WonDeal]:
    """Win deals of every billing model: some of one model alone, some of several."""
    won, now = [], application.clock.now()
    for deal in deals.all_kinds((now - DAY_EVERYWHERE).date()):
        opportunity = deal["opportunity"]
        # A later demo wins the same deals again, each under a new purchase order.
        opportunity["PO_Number__c"] += f"-{now:%d%H%M%S}"
        models = {line["Billing_Model__c"] for line in deal["lines"]}
        won.append(
            WonDeal(
                record_id=str(crm.win_deal(deal)["id"]),
                name=opportunity["Name"],
                billing=models.pop() if len(models) == 1 else f"{len(deal['lines'])} workstreams",
                amount=amount_text(opportunity["Amount"], opportunity["CurrencyIsoCode"]),
            )
        )
    return won


def approve_deals(
    console: Console, found: Running, progress: Progress, opportunity_ids: Sequence[UUID], *, asks: bool
) -> None:
    """Approve everything. With `asks`, first wait for Enter or until people have decided everything on the
    pages."""
    finance, delivery = approvers()
    if asks:
        console.print(*where_to_look(found.home, found.addresses), sep="\n", markup=False)
        console.print(
            f"\nFinance and delivery must both approve. Press Enter to approve as {finance.name} and "
            f"{delivery.name}, or sign in on the pages as each of them and decide yourself.\n",
        )
        progress.until(DECIDED, enough=enter_pressed)
    approve_all(found, opportunity_ids)
    console.print(f"\nApproved: as {finance.name} for finance, as {delivery.name} for delivery.\n")


def enter_pressed() -> bool:
    """Whether a line (or the end of input) waits on standard input; consumes it."""
    if select.select([sys.stdin], [], [], 0)[0]:
        sys.stdin.readline()
        return True
    return False


def _print_comparison(
    console: Console, found: Running, comparisons: Sequence[DealComparison], *, details: bool
) -> None:
    """Print links only to pages that will still answer when they are read."""
    print_comparison(console, comparisons, found.page if found.stays else None, details=details)


def _all(application: Application) -> list[OpportunitySummary]:
    found: list[OpportunitySummary] = []
    for state in COMPARED:
        after: str | None = None
        while True:
            page = application.queries.opportunities(application.tenant_id, state=state, after=after, limit=100)
            found += page.rows
            after = page.next_cursor
            if after is None:
                break
    return found
