"""In which of the deals that wait for approval a person has a part, under whatever account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, tuple_

from adapters.postgres.repositories.parties import parties, to_party
from adapters.postgres.repositories.people import everyone
from adapters.postgres.session import Session
from adapters.postgres.tables import (
    approval_tasks,
    audit,
    barred_approvers,
    crm_users,
    opportunities,
    opportunity_parties,
    plan_overrides,
)
from oppsync.domain.approval.involved import Involved, is_same, keys_of, keys_of_user
from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.tasks import Person, TaskStatus
from oppsync.domain.deal.opportunity import Owner
from oppsync.domain.deal.parties import Part, Party
from oppsync.domain.values.actor import person_actor
from oppsync.domain.work.events import SHAPES_THE_PLAN

OWNER = opportunities.c.record["owner"].label("owner")


def deals_with_part(connection: Connection | Session, tenant_id: str, person: Person) -> Collection[UUID]:
    """The deals that wait for approval and that the person owns or requested, or whose plan or configuration
    they changed."""
    accounts = [each for each in everyone(connection, tenant_id) if is_same(each, person)]
    kept = kept_bars(connection, tenant_id, accounts)
    theirs = {deal for (deal, _plan), why in kept.items() if Refusal.EDITED_REFERENCE_DATA in why}
    theirs |= {*edited(connection, tenant_id, accounts), *owned(connection, tenant_id, person)}
    owners = select(opportunities.c.id, OWNER).where(
        opportunities.c.tenant_id == tenant_id, opportunities.c.id.in_(undecided(tenant_id))
    )
    read_last = {
        row.id for row in connection.execute(owners) if Involved(parties=owner_of(row.owner)).owns(person)
    }
    return theirs | read_last


def owner_of(document: Mapping[str, Any] | None) -> tuple[Party, ...]:
    """The owner that the record names."""
    if not document:
        return ()
    owner = Owner.model_validate(document)
    return (Party(part=Part.OWNER, user_id=owner.id, name=owner.name, email=owner.email),)


def edited(connection: Connection | Session, tenant_id: str, accounts: Sequence[Person]) -> Collection[UUID]:
    """The deals with open tasks of which a person overrode something, linked the customer, or confirmed
    a finding."""
    overrode = select(plan_overrides.c.opportunity_id).where(
        plan_overrides.c.tenant_id == tenant_id,
        plan_overrides.c.made_by.in_([account.id for account in accounts]),
        plan_overrides.c.opportunity_id.in_(undecided(tenant_id)),
    )
    shaped = select(audit.c.opportunity_id).where(
        audit.c.tenant_id == tenant_id,
        audit.c.opportunity_id.in_(undecided(tenant_id)),
        audit.c.type.in_(SHAPES_THE_PLAN),
        audit.c.actor.in_([person_actor(account.email) for account in accounts]),
    )
    return set(connection.execute(overrode.union(shaped)).scalars())


def kept_bars(
    connection: Connection | Session, tenant_id: str, accounts: Sequence[Person]
) -> Mapping[tuple[UUID, str], Collection[Refusal]]:
    """The plans of deals with open tasks that a person is barred from, and why, as was kept before anybody was
    asked."""
    kept = barred_approvers.c
    query = select(kept.opportunity_id, kept.plan_hash, kept.reason).where(
        kept.tenant_id == tenant_id,
        kept.person_id.in_([account.id for account in accounts]),
        kept.opportunity_id.in_(undecided(tenant_id)),
    )
    found: dict[tuple[UUID, str], set[Refusal]] = defaultdict(set)
    for row in connection.execute(query):
        found[row.opportunity_id, row.plan_hash].add(Refusal(row.reason))
    return found


def kept_of_plan(
    connection: Connection | Session, tenant_id: str, opportunity_id: UUID, plan_hash: str
) -> Mapping[UUID, Collection[Refusal]]:
    """Who is kept as barred from the plan, and why."""
    which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "of_hash": plan_hash}
    return to_kept(connection.execute(KEPT_OF_PLAN, which).mappings())


def to_kept(rows: Iterable[Mapping[Any, Any]]) -> Mapping[UUID, Collection[Refusal]]:
    found: dict[UUID, set[Refusal]] = defaultdict(set)
    for row in rows:
        found[UUID(str(row["person_id"]))].add(Refusal(row["reason"]))
    return found


KEPT_OF_PLAN = select(barred_approvers.c.person_id, barred_approvers.c.reason).where(
    barred_approvers.c.tenant_id == bindparam("of_tenant"),
    barred_approvers.c.opportunity_id == bindparam("of_opportunity"),
    barred_approvers.c.plan_hash == bindparam("of_hash"),
)


def owned(connection: Connection | Session, tenant_id: str, person: Person) -> Mapping[UUID, Sequence[Party]]:
    """The part that a person has in deals with open tasks. A normal form is no column: the users of the CRMs
    are few, and are compared here."""
    keys = keys_of(person)
    users = select(crm_users).where(crm_users.c.tenant_id == tenant_id)
    mine = {
        (user.connection_id, user.user_id)
        for user in connection.execute(users)
        if not keys.isdisjoint(keys_of_user(user.user_id, user.email))
    }
    found: dict[UUID, list[Party]] = defaultdict(list)
    if not mine:
        return found
    query = parties().where(
        opportunity_parties.c.tenant_id == tenant_id,
        tuple_(crm_users.c.connection_id, crm_users.c.user_id).in_(mine),
        opportunity_parties.c.opportunity_id.in_(undecided(tenant_id)),
    )
    for row in connection.execute(query).mappings():
        found[row["opportunity_id"]].append(to_party(row))
    return found


def undecided(tenant_id: str) -> Any:
    return select(approval_tasks.c.opportunity_id).where(
        approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.status == TaskStatus.OPEN
    )
