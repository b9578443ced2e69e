"""Plans and their numbers."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Text, and_, bindparam, cast, exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import array, insert

from adapters.postgres.rows import to_plan, to_systems
from adapters.postgres.session import Session
from adapters.postgres.tables import approval_tasks, opportunities, plans
from oppsync.domain.approval.tasks import TaskStatus
from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.plan.tampering import PlanTampered
from oppsync.domain.reference.book import ReferenceKind, ReferenceUse
from oppsync.domain.work.states import ENDED, State
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import NewerRelease, NotFound
from oppsync.ports.storage.plans import OpenPlan, WaitingPlan

_OF_OPPORTUNITY = (
    plans.c.tenant_id == bindparam("of_tenant"),
    plans.c.opportunity_id == bindparam("of_opportunity"),
)

_PLAN = select(plans).where(*_OF_OPPORTUNITY, plans.c.hash == bindparam("of_hash"))


_OTHERS = (
    select(plans)
    .where(*_OF_OPPORTUNITY, plans.c.hash != bindparam("of_hash"))
    .order_by(plans.c.number.desc(), plans.c.hash)
)

_SYSTEMS = _PLAN.with_only_columns(plans.c.erp, plans.c.psa, plans.c.watched)


_KNOWN_PLAN = _PLAN.with_only_columns(plans.c.number)

_NEW_PLAN = insert(plans).values(number=select(func.count() + 1).where(*_OF_OPPORTUNITY).scalar_subquery())

# What is no part of the hash is as of the last making: where the plan goes, and by which rows of which version.
# One that goes the same way by the same rows stays as it was; one whose content somebody changed takes its
# place again.
_NAMES = ("content", "erp", "psa", "watched", "configuration_version", "configuration_fingerprint")
_CAME_OF = ("reference", "overrides")
_ADD_PLAN = _NEW_PLAN.on_conflict_do_update(
    index_elements=["tenant_id", "opportunity_id", "hash"],
    set_={name: _NEW_PLAN.excluded[name] for name in (*_NAMES, "provenance")},
    where=or_(
        *(plans.c[name].is_distinct_from(_NEW_PLAN.excluded[name]) for name in _NAMES),
        *(plans.c.provenance[name].is_distinct_from(_NEW_PLAN.excluded.provenance[name]) for name in _CAME_OF),
    ),
).returning(plans.c.number)


# Of each row that is used, the versions of the configuration, up to that by which the plan was made, whose
# changes are still part of it: the one that added the row last, and for each value the last to change it since.
_CHANGERS = text("""
with changed as (
    select u.place, c.number, c.fields
    from rows from (
        jsonb_to_recordset(cast(:used as jsonb)) as (kind text, key text, valid_from date, version integer)
    ) with ordinality as u(kind, key, valid_from, version, place)
    join configuration_changes c
        on (c.tenant_id, c.kind, c.key, c.valid_from) = (:of_tenant, u.kind, u.key, u.valid_from)
        and c.version <= u.version
        and c.number <= coalesce(cast(:up_to as integer), c.number)
), added as (
    select place, max(number) as number from changed where fields is null group by place
), last as (
    select number from added
    union
    select max(c.number)
    from changed c cross join unnest(c.fields) field left join added a using (place)
    where c.number > coalesce(a.number, 0)
    group by place, field
)
select v.made_by, v.approved_by
from last
join configuration_versions v on (v.tenant_id, v.number) = (:of_tenant, last.number)
""")
_USED = _PLAN.with_only_columns(
    plans.c.provenance["reference"].label("reference"),
    plans.c.configuration_version.label("up_to"),
    # The rules that approved it for one of its seats.
    select(
        func.jsonb_agg(
            func.jsonb_build_object(
                "key",
                approval_tasks.c.rule["name"],
                "valid_from",
                approval_tasks.c.rule["valid_from"],
                "version",
                approval_tasks.c.rule["version"],
            )
        )
    )
    .where(
        approval_tasks.c.tenant_id == plans.c.tenant_id,
        approval_tasks.c.opportunity_id == plans.c.opportunity_id,
        approval_tasks.c.plan_hash == plans.c.hash,
        approval_tasks.c.status == TaskStatus.APPROVED,
        func.jsonb_typeof(approval_tasks.c.rule) == "object",
    )
    .scalar_subquery()
    .label("rules"),
)


def changers_of(
    connection: Connection | Session, tenant_id: str, opportunity_id: UUID, plan_hash: str
) -> Collection[str]:
    which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "of_hash": plan_hash}
    row = connection.execute(_USED, which).one_or_none()
    if row is None:
        return ()
    made_of = _changers(connection, tenant_id, row.reference, row.up_to)
    rules = [{"kind": ReferenceKind.APPROVAL_RULE, **rule} for rule in row.rules or ()]
    return {*made_of, *_changers(connection, tenant_id, rules, None)} if rules else made_of


def _changers(
    connection: Connection | Session, tenant_id: str, used: Sequence[Mapping[str, Any]], up_to: int | None
) -> Collection[str]:
    which = {"of_tenant": tenant_id, "used": canonical_json.dumps([*used]), "up_to": up_to}
    found = connection.execute(_CHANGERS, which)
    return {actor for pair in found for actor in pair if actor is not None}


class PostgresPlans:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, tenant_id: str, opportunity_id: UUID, plan: Plan) -> int:
        new = {
            "tenant_id": tenant_id,
            "opportunity_id": opportunity_id,
            "hash": plan.hash,
            "content": plan.content.document(),
            "provenance": plan.provenance.model_dump(mode="json"),
            "erp": plan.systems.erp if plan.systems else None,
            "psa": plan.systems.psa if plan.systems else None,
            "watched": list(plan.systems.watched) if plan.systems else [],
            "configuration_version": plan.configuration.number if plan.configuration else None,
            "configuration_fingerprint": plan.configuration.fingerprint if plan.configuration else None,
        }
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id}
        added: int | None = self._session.execute(_ADD_PLAN, {**new, **which}).scalar_one_or_none()
        if added is not None:
            return added
        known: int = self._session.execute(_KNOWN_PLAN, {**which, "of_hash": plan.hash}).scalar_one()
        return known

    def get(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Plan:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "of_hash": plan_hash}
        row = self._session.execute(_PLAN, which).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such plan.")
        return to_plan(row)

    def waiting_by_others(
        self, tenant_id: str, fingerprint: str, limit: int
    ) -> tuple[Sequence[WaitingPlan], int]:
        deals = opportunities.c
        is_current = and_(
            deals.tenant_id == plans.c.tenant_id,
            deals.id == plans.c.opportunity_id,
            deals.plan_hash == plans.c.hash,
        )
        query = (
            select(
                deals.id,
                func.coalesce(deals.name, deals.source_id).label("name"),
                plans.c.configuration_version.label("number"),
                func.count().over().label("in_all"),
            )
            .select_from(opportunities.join(plans, is_current))
            .where(
                deals.tenant_id == tenant_id,
                deals.state == State.AWAITING_APPROVAL,
                plans.c.configuration_version.is_not(None),
                plans.c.configuration_fingerprint != fingerprint,
            )
            .order_by(deals.id.desc())
            .limit(limit)
        )
        found = self._session.execute(query).all()
        return [WaitingPlan(row.id, row.name, row.number) for row in found], found[0].in_all if found else 0

    def changers(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Collection[str]:
        return changers_of(self._session, tenant_id, opportunity_id, plan_hash)

    def changers_of_rows(
        self, tenant_id: str, used: Sequence[ReferenceUse], up_to: int | None = None
    ) -> Collection[str]:
        return _changers(self._session, tenant_id, [each.model_dump(mode="json") for each in used], up_to)

    def others(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> Sequence[Plan]:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "of_hash": plan_hash}
        return [to_plan(row) for row in self._session.execute(_OTHERS, which).mappings()]

    def open_at(self, tenant_id: str, erp: str, codes: Sequence[str]) -> Sequence[OpenPlan]:
        deals = opportunities.c
        quoted = array([json.dumps(code, ensure_ascii=False) for code in codes], type_=Text)
        code = func.unnest(quoted).table_valued("code").render_derived("named")
        names_one = exists().where(func.strpos(cast(plans.c.content, Text), code.c.code) > 0)
        query = (
            select(plans, deals.id, func.coalesce(deals.name, deals.source_id).label("name"))
            .join(
                opportunities,
                (deals.tenant_id == plans.c.tenant_id)
                & (deals.id == plans.c.opportunity_id)
                & (deals.plan_hash == plans.c.hash),
            )
            .where(
                plans.c.tenant_id == tenant_id,
                plans.c.erp == erp,
                deals.state.not_in([state.value for state in ENDED]),
                names_one.select_from(code),
            )
            .order_by(deals.id)
        )
        found = []
        for row in self._session.execute(query).mappings():
            with suppress(PlanTampered, NewerRelease):  # told where it is worked
                found.append(OpenPlan(row["opportunity_id"], row["name"], to_plan(row)))
        return found

    def systems_of(self, tenant_id: str, opportunity_id: UUID, plan_hash: str) -> PlanSystems | None:
        which = {"of_tenant": tenant_id, "of_opportunity": opportunity_id, "of_hash": plan_hash}
        row = self._session.execute(_SYSTEMS, which).mappings().one_or_none()
        return to_systems(row) if row else None
