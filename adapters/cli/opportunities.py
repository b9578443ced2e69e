"""`opportunity`: a deal with its plan and timeline; override its plan, plan it anew, give it up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import click

from adapters.bootstrap import Application
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table
from oppsync.domain.effects.effects import LedgerRow
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.plan.plan import Plan, PlanContent, short_hash
from oppsync.domain.reading.plan_changes import PlanChange, plan_changes
from oppsync.domain.reading.plan_money import PlanMoney, money_of
from oppsync.domain.reading.readings import OpportunityDetail, TimelineEntry
from oppsync.domain.reading.system_of_record import why_no_override
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.money import Money
from oppsync.kernel.errors import NotFound
from oppsync.services.changes.commands import OverridePlan, PlanAnew
from oppsync.services.insight.commands import FindOpportunity
from oppsync.services.queue.commands import Compensate


@click.group("opportunity", help="Won opportunities.")
def opportunity() -> None:
    pass


@opportunity.command()
@click.argument("identifier", metavar="ID|CRM-ID")
@json_option
def show(identifier: str, as_json: bool) -> None:
    """Show one opportunity, by its id here or by its record's id in the CRM."""
    with connected() as application:
        tenant, queries = application.tenant_id, application.queries
        detail = queries.opportunity(tenant, find_id(application, identifier))
        plan = queries.plan(tenant, detail.id) if detail.plan_hash else None
        replaced = queries.plan(tenant, detail.id, detail.replaces) if detail.replaces else None
        effects = queries.effects(tenant, detail.id)
        timeline = queries.timeline(tenant, detail.id)
    if as_json:
        print_json(
            {
                "opportunity": detail.model_dump(mode="json"),
                "plan": plan.model_dump(mode="json") if plan else None,
                "effects": [row.model_dump(mode="json") for row in effects],
                "timeline": [entry.model_dump(mode="json") for entry in timeline],
            }
        )
        return
    _print_state(detail)
    _print_warnings(detail.warnings)
    if plan:
        print_plan(plan.plan, f"plan {plan.number} ({short_hash(plan.hash)})")
    if plan and replaced:
        _print_changes(plan_changes(replaced.plan.content, plan.plan.content), replaced.number)
    print_effects(effects)
    _print_timeline(timeline)


@opportunity.command()
@click.argument("identifier", metavar="ID|CRM-ID")
@click.option("--reason", required=True, help="Kept on the timeline and sent to the CRM.")
def compensate(identifier: str, reason: str) -> None:
    """Give up a deal parked after its approval: close what was created of it."""
    with connected() as application:
        opportunity_id = find_id(application, identifier)
        application.dispatch(Compensate(application.tenant_id, opportunity_id, COMMAND_LINE, reason))
    click.echo(f"{opportunity_id}: given up; what was created is being closed.")


@opportunity.command("plan-anew")
@click.argument("identifier", metavar="ID|CRM-ID")
@click.option("--reason", required=True, help="Kept on the timeline.")
@click.option("--ask-again", is_flag=True, help="No approval counts any more, even if the plan stays the same.")
def plan_anew(identifier: str, reason: str, ask_again: bool) -> None:
    """Plan a deal anew with today's data: one that waits for approval, or is approved and not active yet."""
    with connected() as application:
        opportunity_id = find_id(application, identifier)
        application.dispatch(PlanAnew(application.tenant_id, opportunity_id, COMMAND_LINE, reason, ask_again))
    which = "it" if ask_again else "a plan that differs from the one before"
    click.echo(f"{opportunity_id}: planned anew; {which} has to be approved again.")


class _Overridable(click.Choice[str]):
    """The fields that can be overridden. Of another system's it says whose they are."""

    def __init__(self) -> None:
        super().__init__([field.value for field in OverrideField])

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if why := why_no_override(value):
            self.fail(why, param, ctx)
        return super().convert(value, param, ctx)


@opportunity.command()
@click.argument("identifier", metavar="ID|CRM-ID")
@click.argument("workstream")
@click.argument("field", type=_Overridable())
@click.argument("value", required=False)
@click.option("--take-back", is_flag=True, help="Take the override of this field back.")
@click.option("--reason", required=True, help="Kept on the timeline and shown to the approvers.")
@click.option(
    "--by", "email", required=True, help="E-mail of the person who overrides; they may not approve the plan."
)
def override(
    identifier: str,
    workstream: str,
    field: str,
    value: str | None,
    *,
    take_back: bool,
    reason: str,
    email: str,
) -> None:
    """Override a field of a workstream before the plan is approved."""
    if take_back == (value is not None):
        raise click.UsageError("Give a value, or --take-back.")
    with connected() as application:
        opportunity_id = find_id(application, identifier)
        with application.uow() as uow:
            found = uow.people.by_email(application.tenant_id, email.strip().lower())
        if found is None:
            raise NotFound(f"No person has the e-mail {email}.")
        application.dispatch(
            OverridePlan(
                tenant_id=application.tenant_id,
                opportunity_id=opportunity_id,
                actor=found[0].id,
                workstream=workstream,
                field=OverrideField(field),
                value=value,
                reason=reason,
            )
        )
    click.echo(f"{opportunity_id}: {field} of {workstream} changed; the plan is made again.")


def find_id(application: Application, identifier: str) -> UUID:
    """The opportunity's id here. Raises NotFound; also when several connections have a record of this id."""
    return application.dispatch(FindOpportunity(application.tenant_id, COMMAND_LINE, identifier))


def _print_state(detail: OpportunityDetail) -> None:
    state = f"{detail.state} (resumes at {detail.resume_state})" if detail.resume_state else str(detail.state)
    priced = detail.amount is not None and detail.currency is not None
    amount = Money(amount=detail.amount, currency=detail.currency) if priced else None
    rows = {
        "name": detail.name,
        "account": detail.account,
        "amount": f"{amount} as approved" if amount and detail.changed_since_approval else amount,
        "state": state,
        "since": detail.since,
        "waits for": detail.waits_for,
        "next try": detail.next_at,
        "project": detail.project_number,
        "link": detail.project_url,
        "active since": detail.activated_at,
        "record": f"{detail.connection_id} {detail.source_id}",
        "id": detail.id,
    }
    print_table(("opportunity", ""), [row for row in rows.items() if row[1] is not None])


def _print_warnings(warnings: Sequence[Finding]) -> None:
    if warnings:
        click.echo("\nwarnings")
        print_table(("code", "field", "", "owner"), [(w.code, w.path, w.message, w.owner) for w in warnings])


def print_plan(plan: Plan, title: str) -> None:
    content = plan.content
    money = money_of(content)
    click.echo(f"\n{title}: {content.total}, tax {content.tax} {money.tax}, with tax {money.with_tax}")
    for said in _about_money(money):
        click.echo(said)
    if plan.systems and plan.systems.watched:
        click.echo(plan.systems.watched_in_words)
    click.echo(f"customer: {content.customer_name} ({content.customer}){_in_the_erp(content)}")
    rows: list[tuple[object, ...]] = []
    for node in content.nodes:
        rows.append(
            (node.kind, node.name, node.amount if node.amount.amount else None, None, node.starts_on, node.path)
        )
        rows += [
            (f"  {line.kind}", line.description, line.amount, content.tax_on(line), line.due_on, line.path)
            for line in node.lines
        ]
    print_table(("what", "name", "amount", "tax", "on", "path"), rows)


def _about_money(money: PlanMoney) -> Iterator[str]:
    if money.beyond_caps.amount:
        yield f"sold {money.sold}; {money.beyond_caps} beyond caps, not billable"
    if money.rounding.amount:
        yield f"{money.rounding} of it is rounding of the CRM's lines"
    if money.estimated.amount:
        yield f"{money.estimated} of it is an estimate: hours are invoiced as they are worked"


def _print_changes(changes: Sequence[PlanChange], number: int) -> None:
    click.echo(f"\nchanged against plan {number}, which was approved")
    told = [(each.part, each.field or _whole(each), each.before, each.after) for each in changes]
    print_table(("what", "field", "approved", "planned now"), told)


def _whole(change: PlanChange) -> str:
    return "new" if change.after else "no longer planned"


def _in_the_erp(content: PlanContent) -> str:
    if content.erp_customer is not None:
        return f", in the ERP {content.erp_customer.in_words}"
    return ", new in the ERP" if content.new_customer is not None else ""


def print_effects(effects: Sequence[LedgerRow]) -> None:
    if effects:
        click.echo("\nwritten outside")
        rows = [
            (
                row.kind,
                row.path,
                row.state,
                row.attempts,
                row.number or row.outside_id,
                row.confirmed_at,
                row.error,
            )
            for row in effects
        ]
        print_table(("what", "path", "state", "tries", "there", "confirmed", "error"), rows)


def _print_timeline(timeline: Sequence[TimelineEntry]) -> None:
    click.echo("\ntimeline")
    print_table(
        ("at", "who", "what", ""), [(each.at, each.actor, each.type, each.summary) for each in timeline]
    )
