"""What the application's user may see in Tryton: models, companies, products, work statuses.

Whether records may be created cannot be asked without creating one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from adapters.erp.tryton.client import TrytonClient
from adapters.erp.tryton.facts import Facts
from adapters.erp.tryton.readiness import missing
from oppsync.domain.work.observations import (
    Observation,
    fine,
    lacks_permission,
    lacks_record,
    not_reached,
    note,
)
from oppsync.kernel.errors import BusinessError, TransientError
from oppsync.ports.master_data import NO_MEMORY

MODELS = (
    "party.party",
    "party.address",
    "party.identifier",
    "company.company",
    "company.employee",
    "currency.currency",
    "country.country",
    "account.account",
    "account.fiscalyear",
    "account.journal",
    "account.tax",
    "account.invoice",
    "account.invoice.payment_term",
    "analytic_account.account",
    "product.product",
    "product.uom",
    "project.work",
    "project.work.status",
)


def inspected(
    client: TrytonClient, products: Sequence[str], statuses: Mapping[str, str], today: date
) -> Iterator[Observation]:
    unread = [fault for model in MODELS if (fault := _unread(client, model)) is not None]
    if unread:
        yield from unread
        return
    yield fine(f"Each of the {len(MODELS)} models that are used can be read.")
    yield from _companies(client, products, today)
    for setting, name in statuses.items():
        if not client.search("project.work.status", [["name", "=", name]], ["id"]):
            yield lacks_record(
                f"There is no work status {name}.",
                f"Create it under Projects > Configuration > Work Status, or correct the setting {setting}.",
            )
    yield note(
        "Whether projects and invoices may be created shows with the first deal: its user needs the groups "
        "of the set-up guide."
    )


def _unread(client: TrytonClient, model: str) -> Observation | None:
    try:
        client.search(model, [["id", "=", 0]], ["id"])
    except BusinessError as error:
        fix = "Give the application's user the groups of the set-up guide."
        return lacks_permission(f"{model} may not be read: {error.message}", fix)
    except TransientError as error:
        fix = "Activate the modules of the set-up guide, then test again."
        return not_reached(f"{model} cannot be read: {error.message}", fix)
    return None


def _companies(client: TrytonClient, products: Sequence[str], today: date) -> Iterator[Observation]:
    facts = Facts(client, NO_MEMORY, timedelta(0))
    companies = client.search("company.company", [], ["party.code", "party.name"])
    if not companies:
        yield lacks_record("There is no company.", "Create one, or let the application's user see it.")
    for company in companies:
        party = company["party"]
        if not party["code"]:
            yield lacks_record(
                f"The company {party['name']} has no code.",
                "Give its party a code: a legal entity here names its company by it.",
            )
            continue
        lacking = missing(facts, party["code"], products, today)
        if lacking:
            fix = "Set them up, if deals of this company are invoiced there."
            yield lacks_record(f"The company {party['code']} lacks {', '.join(lacking)}.", fix)
        else:
            yield fine(f"The company {party['code']} ({party['name']}) can invoice today.")
