"""Mutations of the engine's ground: leases, ledger, inbox and outbox in Postgres, relay and sweeper."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

ROWS = "adapters/postgres/repositories/opportunities.py"
LEDGER = "adapters/postgres/repositories/ledger.py"
SESSION = "adapters/postgres/session.py"
DELIVERIES = "adapters/postgres/repositories/deliveries.py"
APPROVALS = "adapters/postgres/repositories/approvals.py"
EXCEPTIONS = "adapters/postgres/repositories/exceptions.py"
SENDER = "actors/sending.py"
SENDING = "adapters/postgres/sending.py"
FAIR = "adapters/postgres/fair_shares.py"

_LEASES = "tests/integration/test_leases.py::"
_LEDGER = "tests/integration/test_ledger.py::"
_RELAY = "tests/integration/test_relay.py::"
_SESSION = "tests/integration/test_session.py::"
_TURNS = "tests/stateful/test_turns.py::test_a_decision_and_a_change_told_meanwhile_take_turns_on_postgres"


_MEANWHILE = "test_a_decision_that_comes_in_while_a_worker_judges_is_not_overlooked"
_FROZEN = "test_frozen_until_its_lease_has_run_out_it_writes_nothing_though_nobody_took_over"


def _on_postgres(story: str, scenario: str) -> str:
    return f"tests/stateful/test_{story}.py::{scenario}[postgres]"


STORAGE = (
    Mutation(
        "a lease is taken while it is held",
        ROWS,
        "_FREE, table.c.due_at <= clock()",
        "table.c.due_at <= clock()",
        first=_LEASES + "test_of_many_workers_at_once_one_gets_the_lease",
    ),
    Mutation(
        "worked before it is due",
        ROWS,
        "_FREE, table.c.due_at <= clock()",
        "_FREE",
        first=_on_postgres("crashes_and_pauses", "test_a_late_message_does_not_shorten_a_pause"),
    ),
    Mutation(
        "the lease's token does not grow",
        ROWS,
        "lease_token=table.c.lease_token + 1,",
        "lease_token=table.c.lease_token,",
    ),
    Mutation(
        "a renewal renews nothing",
        ROWS,
        "update(table).where(*_HELD).values(lease_until=clock() + LEASE)",
        "update(table).where(*_HELD).values(lease_until=table.c.lease_until)",
        first=_LEASES + "test_a_renewed_lease_ends_later",
    ),
    Mutation(
        "a crash is not counted",
        ROWS,
        "(table.c.lease_holder != _HOLDER, 1)",
        "(table.c.lease_holder != _HOLDER, 0)",
        first=_on_postgres("crashes_and_pauses", "test_a_deal_that_kills_its_worker_three_times_is_parked"),
    ),
    Mutation(
        "an outcome is written over a newer version",
        ROWS,
        '.where(*_HELD, table.c.version == bindparam("version_seen"))',
        ".where(*_HELD)",
        first=_on_postgres("decisions", _MEANWHILE),
    ),
    Mutation(
        "an outcome is written with an old token",
        ROWS,
        '    table.c.lease_token == bindparam("token_held"),\n',
        "",
        first=_LEASES + "test_a_zombie_records_no_outcome",
    ),
    Mutation(
        "the fence forgets that the lease ran out",
        ROWS,
        "where(*_HELD, table.c.lease_until > clock()).with_for_update(read=True)",
        "where(*_HELD).with_for_update(read=True)",
        first=_on_postgres(
            "crashes_and_pauses",
            _FROZEN,
        ),
    ),
    Mutation(
        "the version does not grow",
        ROWS,
        "    version=table.c.version + 1,",
        "    version=table.c.version,",
    ),
    Mutation(
        "a re-read asked for meanwhile is forgotten",
        ROWS,
        "due_at=case((_ASKED, clock()), else_=clock() + _DUE_AFTER),",
        "due_at=clock() + _DUE_AFTER,",
        first=_LEASES + "test_a_change_told_during_a_run_is_due_at_once_though_its_outcome_rests",
    ),
    Mutation(
        "the sweeper always waits",
        ROWS,
        "EMIT_AGAIN if due.sent else due.after or timedelta(0)",
        "EMIT_AGAIN",
        first=_on_postgres("crashes_and_pauses", "test_a_pause_is_no_longer_than_it_says"),
    ),
    Mutation(
        "a known deal told again asks for no re-read",
        ROWS,
        '"reread_requested": table.c.reread_requested + 1,',
        '"reread_requested": table.c.reread_requested,',
        first=_on_postgres("decisions", "test_a_new_plan_voids_the_approvals_of_the_old_one"),
    ),
    Mutation(
        "a resting deal told again does not become due",
        ROWS,
        '"due_at": func.coalesce(_OWN_PAUSE, clock()),',
        '"due_at": table.c.due_at,',
        first=_on_postgres("crm_changes", "test_a_fixed_and_told_deal_closes_its_item_and_no_other"),
    ),
    Mutation(
        "a decision does not lock the row",
        ROWS,
        "return self._one(query.with_for_update())",
        "return self._one(query)",
        first=_TURNS,
    ),
    Mutation(
        "the ledger is not fenced",
        LEDGER,
        'exists(select(HELD_LEASE.cte("held").c.id))',
        "exists(select(literal(1)))",
        first=_on_postgres(
            "crashes_and_pauses",
            _FROZEN,
        ),
    ),
    Mutation(
        "a second send begins no quarantine",
        LEDGER,
        '{"sent_at": clock(), "attempts": table.c.attempts + 1,',
        '{"attempts": table.c.attempts + 1,',
        first=_LEDGER + "test_what_is_sent_again_counts_and_forgets_its_error",
    ),
    Mutation(
        "a write put off is refused and nobody notices",
        SESSION,
        "if list(counts) != [len(each) for each in gathered.values()]:",
        "if not counts:",
        first=_LEASES + "test_a_zombie_writes_nothing_into_the_ledger",
    ),
    Mutation(
        "a write that goes alone is told by nobody",
        SESSION,
        "if not self._audit_rows:",
        "if not self._audit_rows or not self._connection.in_transaction():",
        first=_on_postgres("decisions", "test_a_new_plan_voids_the_approvals_of_the_old_one"),
    ),
    Mutation(
        "a refused outcome is told all the same",
        SESSION,
        "_adding_audit(exists(select(written)))",
        "_adding_audit()",
        first=_SESSION + "test_what_a_refused_write_tells_is_not_told",
    ),
    Mutation(
        "the time of sending is not kept",
        LEDGER,
        '{"sent_at": clock(), "attempts": literal(1)}',
        '{"attempts": literal(1)}',
        first=_LEDGER + "test_a_quarantine_is_counted_from_the_sending",
    ),
    Mutation(
        "sends are not counted",
        LEDGER,
        '"attempts": table.c.attempts + 1, ',
        "",
        first=_on_postgres("effects", "test_a_write_that_never_lands_is_a_bug_after_three_sends"),
    ),
    Mutation(
        "no ON CONFLICT in the inbox",
        DELIVERIES,
        '    .on_conflict_do_nothing(index_elements=["tenant_id", "connection_id", "delivery_id"])\n',
        "",
        first="tests/integration/test_tenants.py"
        "::test_the_same_delivery_and_the_same_record_are_another_firm_s_own",
    ),
    Mutation(
        "no ON CONFLICT for a known deal",
        ROWS,
        "self._session.execute(_RECEIVE, new)",
        'self._session.execute(_NEW.returning(table.c.id, (table.c.id == table.c.id).label("is_new")), new)',
        first=_on_postgres("decisions", "test_a_new_plan_voids_the_approvals_of_the_old_one"),
    ),
    Mutation(
        "no ON CONFLICT in the ledger",
        LEDGER,
        "    return RowsWrite(name, written.returning(table.c.key))",
        "    return RowsWrite(name, rows.returning(table.c.key))",
        first=_LEDGER + "test_an_effect_is_intended_sent_and_confirmed",
    ),
    Mutation(
        "tasks of the new plan are void, those of the old are not",
        APPROVALS,
        'approval_tasks.c.plan_hash != bindparam("kept")',
        'approval_tasks.c.plan_hash == bindparam("kept")',
        first=_on_postgres("decisions", "test_a_new_plan_voids_the_approvals_of_the_old_one"),
    ),
    Mutation(
        "each occurrence opens an item of its own",
        EXCEPTIONS,
        "self._session.execute(_RAISE, ",
        "self._session.execute(_OPEN.returning(table.c.id), ",
        first="tests/service/test_polling.py"
        "::test_a_poll_refused_for_another_reason_is_the_same_item_seen_again",
    ),
    Mutation(
        "closed items are closed for all",
        EXCEPTIONS,
        "table.c.tenant_id == tenant_id, subject_of_row == str(subject), _IS_OPEN",
        "table.c.tenant_id == tenant_id, _IS_OPEN",
        first=_on_postgres("crm_changes", "test_a_fixed_and_told_deal_closes_its_item_and_no_other"),
    ),
    Mutation(
        "the sweeper is off",
        SENDING,
        "due = connection.execute(due_rows(room, without=without)).all()",
        "due = connection.execute(due_rows(room, without=list(State))).all()",
        first=_on_postgres("lost_messages", "test_a_flushed_redis_costs_ten_seconds"),
    ),
    Mutation(
        "a relay waits for the rows of another",
        FAIR,
        "order by r.id limit lanes.share for update skip locked",
        "order by r.id limit lanes.share for update",
        first=_RELAY + "test_rows_of_a_relay_that_dies_before_its_commit_are_sent_by_another",
    ),
    Mutation(
        "a flood takes the whole batch",
        FAIR,
        "order by r.id limit lanes.share for update skip locked",
        "order by r.id limit :room for update skip locked",
        first=_RELAY + "test_one_tenants_flood_leaves_others_their_share",
    ),
    Mutation(
        "a long queue is fed on",
        SENDER,
        "full = self._full_queues()\n        waiting",
        "full: set[str] = set()\n        waiting",
        first=_RELAY + "test_a_long_queue_is_not_fed_and_others_are",
    ),
    Mutation(
        "the sweeper storms",
        SENDING,
        ".values(emit_at=clock() + EMIT_AGAIN)",
        ".values(emit_at=clock())",
        first=_on_postgres("lost_messages", "test_a_flushed_redis_costs_ten_seconds"),
    ),
    Mutation(
        "the relay deletes before it sends",
        SENDING,
        "            yield interleaved(sorted(taken, key=lambda row: row.id))",
        "        yield interleaved(sorted(taken, key=lambda row: row.id))",
        first="tests/stateful/test_lost_messages.py::test_what_redis_refuses_stays_in_the_outbox_on_postgres",
    ),
    Mutation(
        "the relay forgets to send",
        SENDER,
        "if row.stage in self._actors]",
        "if row.stage not in self._actors]",
        first=_RELAY + "test_an_outbox_row_becomes_a_message_of_its_stage_and_is_gone",
    ),
    Mutation(
        "a bell that rang while nobody waited is forgotten",
        "actors/waking.py",
        "        bell.wait(seconds)\n",
        "        bell.clear()\n        bell.wait(seconds)\n",
        first="tests/integration/test_waking.py::test_a_bell_that_rang_while_nobody_waited_is_heard",
    ),
)
