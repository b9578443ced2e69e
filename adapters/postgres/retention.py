"""Retention: empty bodies older than the settings allow; their digests, keys and times stay. Vendor calls,
counted attempts, what plans of before were made from, and reports on rows that nobody proposes are deleted
whole.

Kept at any age are the whole audit trail, the body of a delivery with an open exception, because somebody
may still replay it, what a deal's own plan was made from, and the report on a version or on an open proposal.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, delete, exists, func, null, select, tuple_, update

from adapters.postgres.clock import clock
from adapters.postgres.engine import store_errors
from adapters.postgres.tables import (
    attempts,
    backtests,
    configuration_proposals,
    configuration_versions,
    effects,
    exception_items,
    inbox,
    opportunities,
    plan_inputs,
    vendor_calls,
)
from oppsync.domain.configuration.versions import ProposalStatus
from oppsync.domain.effects.effects import EffectState
from oppsync.domain.work.exceptions import ExceptionStatus
from oppsync.domain.work.states import State
from oppsync.kernel.settings import Settings

# Rows of a table in one transaction and one run: the relay has other chores.
BATCH = 200
# Larger, because a deal makes more calls than it has deliveries and effects.
CALLS = 10


def prune(engine: Engine, settings: Settings, batch: int = BATCH) -> int:
    """Prune one batch of each table. Returns how many rows; rows that another relay is pruning are skipped."""
    statements = (
        _inbox(timedelta(days=settings.retention_inbox_days), batch),
        _effects(timedelta(days=settings.retention_effects_days), batch),
        _calls(timedelta(days=settings.retention_calls_days), CALLS * batch),
        _attempts(timedelta(days=settings.retention_attempts_days), CALLS * batch),
        _inputs(timedelta(days=settings.retention_inputs_days), batch),
        _backtests(timedelta(days=settings.retention_backtests_days), batch),
    )
    return sum(_run(engine, statement) for statement in statements)


def _run(engine: Engine, statement: Any) -> int:
    with store_errors(), engine.begin() as connection:
        return connection.execute(statement).rowcount


def _calls(age: timedelta, batch: int) -> Any:
    old = (
        select(vendor_calls.c.tenant_id, vendor_calls.c.id)
        .where(vendor_calls.c.at < clock() - age)
        .order_by(vendor_calls.c.at)
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    return delete(vendor_calls).where(tuple_(vendor_calls.c.tenant_id, vendor_calls.c.id).in_(old))


def _attempts(age: timedelta, batch: int) -> Any:
    key = (attempts.c.tenant_id, attempts.c.kind, attempts.c.subject, attempts.c.hour)
    old = (
        select(*key)
        .where(attempts.c.last_at < clock() - age)
        .order_by(attempts.c.last_at)
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    return delete(attempts).where(tuple_(*key).in_(old))


def _inputs(age: timedelta, batch: int) -> Any:
    """Of plans that another took the place of, and of deals that came to nothing."""
    counts = exists().where(
        opportunities.c.tenant_id == plan_inputs.c.tenant_id,
        opportunities.c.id == plan_inputs.c.opportunity_id,
        opportunities.c.plan_hash == plan_inputs.c.plan_hash,
        opportunities.c.state.not_in((State.REJECTED, State.WITHDRAWN)),
    )
    key = (plan_inputs.c.tenant_id, plan_inputs.c.opportunity_id, plan_inputs.c.plan_hash)
    old = (
        select(*key)
        .where(plan_inputs.c.kept_at < clock() - age, ~counts)
        .order_by(plan_inputs.c.kept_at)
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    return delete(plan_inputs).where(tuple_(*key).in_(old))


def _backtests(age: timedelta, batch: int) -> Any:
    of_version = exists().where(
        configuration_versions.c.tenant_id == backtests.c.tenant_id,
        configuration_versions.c.fingerprint == backtests.c.fingerprint,
    )
    is_proposed = exists().where(
        configuration_proposals.c.tenant_id == backtests.c.tenant_id,
        configuration_proposals.c.fingerprint == backtests.c.fingerprint,
        configuration_proposals.c.status == ProposalStatus.OPEN,
    )
    key = (backtests.c.tenant_id, backtests.c.fingerprint)
    old = (
        select(*key)
        .where(backtests.c.made_at < clock() - age, ~of_version, ~is_proposed)
        .order_by(backtests.c.made_at)
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    return delete(backtests).where(tuple_(*key).in_(old))


def _inbox(age: timedelta, batch: int) -> Any:
    waits = exists().where(
        exception_items.c.tenant_id == inbox.c.tenant_id,
        exception_items.c.delivery_id == inbox.c.id,
        exception_items.c.status == ExceptionStatus.OPEN,
    )
    old = (
        select(inbox.c.tenant_id, inbox.c.id)
        .where(inbox.c.pruned_at.is_(None), inbox.c.received_at < clock() - age, ~waits)
        .order_by(inbox.c.received_at)
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    digest = func.encode(func.sha256(inbox.c.body), "hex")
    return (
        update(inbox)
        .where(tuple_(inbox.c.tenant_id, inbox.c.id).in_(old))
        .values(body=b"", body_sha256=func.coalesce(inbox.c.body_sha256, digest), pruned_at=clock())
    )


def _effects(age: timedelta, batch: int) -> Any:
    """Prune confirmed effects only: people still look at the unsettled ones."""
    old = (
        select(effects.c.tenant_id, effects.c.key)
        .where(
            effects.c.pruned_at.is_(None),
            effects.c.state == EffectState.CONFIRMED.value,
            effects.c.confirmed_at < clock() - age,
        )
        .order_by(effects.c.confirmed_at)
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    return (
        update(effects)
        .where(tuple_(effects.c.tenant_id, effects.c.key).in_(old))
        .values(request={}, response=null(), pruned_at=clock())
    )
