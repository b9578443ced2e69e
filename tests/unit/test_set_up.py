"""Each step of the set-up is done when the facts say so."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from oppsync.domain.approval.tasks import Person
from oppsync.domain.reading.set_up import NEEDED_ROWS, STEPS, SetUpFacts, StepShown, may_be_second, set_up
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.limits import RoleLimit
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.tenants import Tenant, TriedDeal

PROJECT = Path(__file__).parents[2]
AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
NEW = Tenant(id="default", name="Default")


def person(number: int, *roles: PersonRole, also: str = "") -> Person:
    further = (also,) if also else ()
    return Person(
        id=UUID(int=number),
        email=f"p{number}@example.com",
        name=f"P{number}",
        roles=frozenset(roles),
        further_emails=further,
    )


def connection(role: ConnectionRole, *, faults: int | None = 0, webhook: bool = False) -> Connection:
    return Connection(
        tenant_id="default",
        id=f"{role}-1",
        role=role,
        vendor="x",
        name=f"Our {role}",
        signature_scheme="standard_webhooks" if webhook else None,
        tested_at=None if faults is None else AT,
        test_faults=faults,
    )


ADA, BEN = person(1, PersonRole.ADMIN), person(2, PersonRole.ADMIN)
FAY, DAN = person(3, PersonRole.FINANCE_APPROVER), person(4, PersonRole.DELIVERY_APPROVER)
CRM = connection(ConnectionRole.CRM, webhook=True)
EVERYTHING = SetUpFacts(
    tenant=Tenant(
        id="default",
        name="Acme",
        time_zone="Europe/Berlin",
        went_live_at=AT,
        went_live_by="person:p1@example.com",
        second_admin="person:p2@example.com",
        tried_deal=TriedDeal(at=AT, record_id="006A", name="A deal", plan_hash="ab"),
    ),
    people=(ADA, BEN, FAY, DAN),
    connections=(CRM, connection(ConnectionRole.ERP), connection(ConnectionRole.PSA)),
    heard=frozenset({CRM.id}),
    rows=dict.fromkeys(NEEDED_ROWS, 1),
)


def step(key: str, facts: SetUpFacts) -> StepShown:
    return next(each for each in set_up(facts).steps if each.key == key)


def test_a_new_installation_has_everything_before_it() -> None:
    shown = set_up(SetUpFacts(NEW))

    assert [each.key for each in shown.steps if each.is_done] == []
    assert {each.key for each in shown.steps} - {each.key for each in shown.missing} == {"psa"}


def test_of_an_installation_with_everything_nothing_is_missing() -> None:
    shown = set_up(EVERYTHING)

    assert [each.key for each in shown.steps if not each.is_done] == []
    assert (shown.went_live_by, shown.second_admin) == ("p1@example.com", "p2@example.com")


def test_who_approves_for_some_entities_only_is_named_with_them() -> None:
    limit = RoleLimit(role=PersonRole.FINANCE_APPROVER, entities=("ACME-DE",))
    facts = EVERYTHING._replace(people=(ADA, changed(FAY, limits=(limit,)), DAN))

    assert step("approvers", facts).found == "Finance: P3 (ACME-DE only). Delivery: P4."


@pytest.mark.parametrize(
    ("key", "lacking", "says"),
    [
        ("administrator", {"people": (FAY,), "invited": (ADA,)}, "Invited, without a password yet: P1"),
        ("crm", {"connections": (connection(ConnectionRole.CRM, faults=None),)}, "not tested"),
        ("crm", {"connections": (connection(ConnectionRole.CRM, faults=3),)}, r"something missing \(3\)"),
        ("crm", {"connections": (CRM, connection(ConnectionRole.CRM, faults=1))}, "found something missing"),
        ("webhook", {"heard": frozenset()}, "reported no change yet"),
        ("webhook", {"connections": ()}, "No CRM is connected"),
        ("erp", {"connections": (CRM,)}, "No ERP is connected"),
        ("psa", {"connections": (connection(ConnectionRole.PSA, faults=2),)}, "something missing"),
        (
            "rules",
            {"rows": {ReferenceKind.LEGAL_ENTITY: 2}},
            "No rows yet: service_lines.csv, cost_centres.csv",
        ),
        ("approvers", {"people": (ADA, FAY)}, "Nobody who can sign in may approve for delivery"),
        (
            "approvers",
            {"people": (person(5, PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER),)},
            "each plan needs two people",
        ),
        (
            "approvers",
            {"people": (FAY, person(6, PersonRole.DELIVERY_APPROVER, also="p3@example.com"))},
            "each plan needs two people",
        ),
        ("live", {"tenant": NEW, "people": (ADA,)}, "A second administrator"),
    ],
)
def test_a_step_is_not_done_while_something_of_it_lacks(key: str, lacking: dict[str, Any], says: str) -> None:
    shown = step(key, EVERYTHING._replace(**lacking))

    assert not shown.is_done
    assert re.search(says, shown.found)


def test_a_deal_that_would_stop_is_no_test_passed() -> None:
    tried = TriedDeal(at=AT, record_id="006A", name="A deal", plan_hash="ab", stopped_by=("NO_APPROVER",))
    shown = step("test_deal", EVERYTHING._replace(tenant=changed(EVERYTHING.tenant, tried_deal=tried)))

    assert (shown.is_done, shown.found) == (False, "A deal (006A) would stop: NO_APPROVER.")


def test_a_crm_without_webhooks_needs_none() -> None:
    asked = EVERYTHING._replace(connections=(connection(ConnectionRole.CRM),), heard=frozenset())

    assert step("webhook", asked).is_done


def test_a_connection_that_lacks_something_leads_to_its_own_page_and_command() -> None:
    shown = step("erp", EVERYTHING._replace(connections=(connection(ConnectionRole.ERP, faults=1),)))

    assert (shown.page, shown.command) == ("/connections/projects-1#test", "oppsync connection test projects-1")


def test_the_second_administrator_is_another_person() -> None:
    twin = person(7, PersonRole.ADMIN, also="p1@example.com")

    assert may_be_second(EVERYTHING._replace(people=(ADA, BEN, FAY, twin)), ADA) == [BEN]


def test_every_step_has_its_guide() -> None:
    assert [each.guide for each in STEPS if not (PROJECT / each.guide).is_file()] == []
    assert len({each.key for each in STEPS}) == len(STEPS)
