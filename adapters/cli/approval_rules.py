"""`approval-rule`: which plans are approved without a person. Without any rule, none is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import click
from pydantic import ValidationError

from adapters.bootstrap import Application
from adapters.cli.commands import Failed
from adapters.cli.connect import connected
from adapters.cli.output import json_option, print_json, print_table
from oppsync.domain.deal.opportunity import BillingModelCode
from oppsync.domain.policy.approval_rule import ApprovalRule
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed, plain
from oppsync.domain.values.money import Money
from oppsync.domain.values.roles import ApprovalRole
from oppsync.services.approvals.commands import SetApprovalRule

DAY = click.DateTime(["%Y-%m-%d"])
NAME = click.argument("name", metavar="NAME")


@click.group(
    "approval-rule",
    help="Rules that approve plans without a person. Without a rule, people approve every plan.",
)
def approval_rule() -> None:
    pass


@approval_rule.command("set")
@NAME
@click.option("--up-to", required=True, help="Largest contract total, such as 50000.")
@click.option("--currency", required=True, help="The contract's currency, such as EUR; others are not covered.")
@click.option("--entity", "entities", multiple=True, help="Contracting entity; several times for several.")
@click.option("--model", "models", multiple=True, type=click.Choice([each.value for each in BillingModelCode]))
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE",
    help="Approval role that the rule decides for: finance, delivery, or one of the configuration. "
    "[default: finance and delivery]",
)
@click.option(
    "--least-margin", help="Least margin in percent, such as 25; a plan whose margin is unknown is not covered."
)
@click.option("--new-customers", is_flag=True, help="Also cover customers that never had an active deal.")
@click.option("--from", "first_day", type=DAY, help="First day (UTC) on which the rule holds. [default: today]")
def set_rule(
    *,
    name: str,
    up_to: str,
    currency: str,
    entities: tuple[str, ...],
    models: tuple[str, ...],
    roles: tuple[str, ...],
    least_margin: str | None,
    new_customers: bool,
    first_day: datetime | None,
) -> None:
    """Set a rule, or change the rule with this name and first day. It keeps its condition: conditions are
    written in the configuration's files."""
    try:
        rule = ApprovalRule(
            up_to=Money(amount=Decimal(up_to), currency=currency),
            legal_entities=entities,
            billing_models=tuple(BillingModelCode(model) for model in models),
            roles=roles or tuple(ApprovalRole),
            known_customers_only=not new_customers,
            least_margin_percent=Decimal(least_margin) if least_margin is not None else None,
        )
    except InvalidOperation:
        raise Failed("--up-to must be a number such as 50000, --least-margin one such as 25.") from None
    except ValidationError as error:
        raise Failed(error.errors()[0]["msg"]) from None
    begins = first_day.date() if first_day else _today()
    with connected() as application:
        rule = changed(rule, **_condition_of(application, name, begins))
        row = ReferenceRow(
            kind=ReferenceKind.APPROVAL_RULE, key=name, valid_from=begins, value=rule.model_dump(mode="json")
        )
        application.dispatch(SetApprovalRule(application.tenant_id, row, COMMAND_LINE))
    click.echo(f"Rule {name} approves plans from {row.valid_from} on.")


@approval_rule.command()
@NAME
@click.option(
    "--on", "day", type=DAY, help="First day (UTC) on which the rule no longer holds. [default: today]"
)
def end(name: str, day: datetime | None) -> None:
    """End a rule; what it approved stays approved."""
    last = day.date() if day else _today()
    with connected() as application:
        lasting = [row for row in _rows(application) if row.key == name and row.valid_to is None]
        if not lasting:
            raise Failed(f"No rule {name} is in force: `approval-rule list` shows which are.")
        ended = changed(lasting[0], valid_to=last)
        application.dispatch(SetApprovalRule(application.tenant_id, ended, COMMAND_LINE))
    click.echo(f"Rule {name} no longer approves plans from {last} on.")


@approval_rule.command("list")
@json_option
def list_rules(as_json: bool) -> None:
    """List all rules, ended ones too."""
    with connected() as application:
        rows = _rows(application)
    if as_json:
        print_json([row.model_dump(mode="json") for row in rows])
    elif not rows:
        click.echo("There is no rule: people approve every plan.")
    else:
        print_table(
            (
                "name",
                "from",
                "until",
                "version",
                "up to",
                "roles",
                "entities",
                "billing models",
                "customers",
                "margin",
                "condition",
            ),
            [_shown(row) for row in rows],
        )


def _shown(row: ReferenceRow) -> tuple[object, ...]:
    rule = ApprovalRule.model_validate(row.value)
    return (
        row.key,
        row.valid_from,
        row.valid_to,
        row.version,
        rule.up_to,
        ", ".join(rule.roles),
        ", ".join(rule.legal_entities) or "any",
        ", ".join(rule.billing_models) or "any",
        "known" if rule.known_customers_only else "any",
        "any" if rule.least_margin_percent is None else f"{plain(rule.least_margin_percent)} %",
        rule.condition or "none",
    )


def _condition_of(application: Application, name: str, begins: date) -> dict[str, Any]:
    """The condition of the rule that is changed, with its examples: without it the rule would approve more."""
    for row in _rows(application):
        if (row.key, row.valid_from) == (name, begins):
            before = ApprovalRule.model_validate(row.value)
            return {"condition": before.condition, "examples": before.examples}
    return {}


def _rows(application: Application) -> Sequence[ReferenceRow]:
    with application.uow() as uow:
        return uow.references.of_kind(application.tenant_id, ReferenceKind.APPROVAL_RULE)


def _today() -> date:
    return datetime.now(UTC).date()
