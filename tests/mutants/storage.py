"""Mutations of what the engine stands on: leases, ledger, inbox and outbox in Postgres, relay and sweeper."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

ROWS = "adapters/postgres/opportunities.py"
LEDGER = "adapters/postgres/ledger.py"
WORK = "adapters/postgres/work.py"
SENDING = "actors/sending.py"

STORAGE = (
    Mutation(
        "a lease is taken while it is held",
        ROWS,
        "table.c.id == opportunity_id, free, table.c.due_at <= clock()",
        "table.c.id == opportunity_id, table.c.due_at <= clock()",
    ),
    Mutation(
        "worked before it is due",
        ROWS,
        "table.c.id == opportunity_id, free, table.c.due_at <= clock()",
        "table.c.id == opportunity_id, free",
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
        "update(table).where(*_held(lease)).values(lease_until=clock() + LEASE)",
        "update(table).where(*_held(lease)).values(lease_until=table.c.lease_until)",
    ),
    Mutation(
        "a crash is not counted",
        ROWS,
        "(table.c.lease_holder != holder, 1)",
        "(table.c.lease_holder != holder, 0)",
    ),
    Mutation(
        "an outcome is written over a newer version",
        ROWS,
        ".where(*_held(lease), table.c.version == before.version)",
        ".where(*_held(lease))",
    ),
    Mutation(
        "an outcome is written with an old token",
        ROWS,
        "        table.c.lease_token == lease.token,\n",
        "",
    ),
    Mutation(
        "the fence forgets that the lease ran out",
        ROWS,
        "where(*_held(lease), table.c.lease_until > clock()).with_for_update(read=True)",
        "where(*_held(lease)).with_for_update(read=True)",
    ),
    Mutation(
        "the version does not grow",
        ROWS,
        'values["version"] = table.c.version + 1',
        'values["version"] = table.c.version',
    ),
    Mutation(
        "a re-read asked for meanwhile is forgotten",
        ROWS,
        'values["due_at"] = case((asked, clock()), else_=due_at)',
        'values["due_at"] = due_at',
    ),
    Mutation(
        "the sweeper always waits",
        ROWS,
        "clock() + (EMIT_AGAIN if due.sent else timedelta(0))",
        "clock() + EMIT_AGAIN",
    ),
    Mutation(
        "a known deal told again asks for no re-read",
        ROWS,
        '"reread_requested": table.c.reread_requested + 1,',
        '"reread_requested": table.c.reread_requested,',
    ),
    Mutation(
        "a resting deal told again does not become due",
        ROWS,
        '"due_at": func.coalesce(table.c.due_at, clock()),',
        '"due_at": table.c.due_at,',
    ),
    Mutation(
        "a decision does not lock the row",
        ROWS,
        "return self._one(query.with_for_update())",
        "return self._one(query)",
    ),
    Mutation(
        "the ledger is not fenced",
        LEDGER,
        "if self._connection.execute(held_lease(lease)).one_or_none() is None:",
        "if False:",
    ),
    Mutation(
        "an unclear effect is forgotten by its next intent",
        LEDGER,
        "state = case((unclear, table.c.state), else_=EffectState.INTENDED.value)",
        "state = EffectState.INTENDED.value",
    ),
    Mutation("the time of sending is not kept", LEDGER, "            sent_at=clock(),\n", ""),
    Mutation(
        "sends are not counted",
        LEDGER,
        "attempts=table.c.attempts + 1,",
        "attempts=table.c.attempts,",
    ),
    Mutation(
        "no ON CONFLICT in the inbox",
        WORK,
        "statement = new.on_conflict_do_nothing(\n"
        '            index_elements=["tenant_id", "connection_id", "delivery_id"]\n'
        "        ).returning(inbox.c.id)",
        "statement = new.returning(inbox.c.id)",
    ),
    Mutation(
        "tasks of the new plan are void, those of the old are not",
        WORK,
        'other = approval_tasks.c.plan_hash != (keep_hash or "")',
        'other = approval_tasks.c.plan_hash == (keep_hash or "")',
    ),
    Mutation(
        "each occurrence opens an item of its own",
        WORK,
        "        if known is not None:\n",
        "        if False:\n",
    ),
    Mutation(
        "closed items are closed for all",
        WORK,
        "            exception_items.c.opportunity_id == opportunity_id,\n"
        "            exception_items.c.status == ExceptionStatus.OPEN,\n        )\n        return",
        "            exception_items.c.status == ExceptionStatus.OPEN,\n        )\n        return",
    ),
    Mutation(
        "the sweeper is off",
        SENDING,
        "due = connection.execute(due_rows(BATCH, without=waiting)).all()",
        "due = connection.execute(due_rows(0, without=waiting)).all()",
    ),
    Mutation(
        "the sweeper storms",
        SENDING,
        ".values(emit_at=clock() + EMIT_AGAIN)",
        ".values(emit_at=clock())",
    ),
    Mutation(
        "the relay deletes before it sends",
        SENDING,
        "            for row in rows:\n                if row.stage in self._actors:",
        "        for row in rows:\n            for _ in '1':\n                if row.stage in self._actors:",
    ),
    Mutation(
        "the relay forgets to send",
        SENDING,
        "if row.stage in self._actors:",
        "if row.stage not in self._actors:",
    ),
)
