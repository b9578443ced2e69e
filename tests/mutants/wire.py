"""Mutations of how vendors' answers are read, of look-ups outside, of tenants, and of restore, retention and
dead letters."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

HTTP = "adapters/connectors/http/client.py"
GATE = "adapters/connectors/traffic/gate.py"
TRYTON = "adapters/erp/tryton/adapter.py"
KANTATA = "adapters/psa/kantata/client.py"
ROWS = "adapters/postgres/repositories/opportunities.py"
LEDGER = "adapters/postgres/repositories/ledger.py"
DELIVERIES = "adapters/postgres/repositories/deliveries.py"
APPROVALS = "adapters/postgres/repositories/approvals.py"
EXCEPTIONS = "adapters/postgres/repositories/exceptions.py"
APPROVE = "oppsync/pipeline/approve.py"

_TRAFFIC = "tests/integration/vendor_traffic/"
_A_STATUS = "tests/integration/test_http.py::test_a_status_becomes_the_error_that_says_what_happens_next"
_NO_ANSWER = "tests/integration/test_http.py::test_a_write_without_a_whole_answer_is_ambiguous_a_read_is_not"
_RESTORED = "tests/stateful/test_effects.py::test_a_restored_backup_finds_its_own_projects_again[memory]"
_UNSEEN = "tests/integration/test_tenants.py::test_nobody_sees_or_touches_what_another_firm_has"

WIRE = (
    # How an answer is read.
    Mutation(
        "a 5xx to a write counts as refused",
        HTTP,
        "(_, 5):\n            return unanswered(answer.after_write), answer.text",
        "(_, 5):\n            return VendorRejected, answer.text",
        first=_A_STATUS,
    ),
    Mutation(
        "a 5xx to a write counts as not carried out",
        HTTP,
        "(_, 5):\n            return unanswered(answer.after_write), answer.text",
        "(_, 5):\n            return VendorUnavailable, answer.text",
        first=_A_STATUS,
    ),
    Mutation(
        "a lost answer to a write counts as not carried out",
        HTTP,
        'return unanswered(write), f"no whole answer ({name})"',
        'return VendorUnavailable, f"no whole answer ({name})"',
        first=_NO_ANSWER,
    ),
    Mutation(
        "too many requests count as refused",
        HTTP,
        'return RateLimited, "too many requests"',
        'return VendorRejected, "too many requests"',
        first=_A_STATUS,
    ),
    Mutation(
        "the vendor's Retry-After is not read",
        HTTP,
        'return read_retry_after(self.headers.get("retry-after"), datetime.now(UTC))',
        "return None",
        first="tests/integration/test_http.py::test_the_vendors_own_wish_when_to_come_back_is_kept",
    ),
    Mutation(
        "a write begins after its deadline",
        HTTP,
        "if write and not may_still_send():",
        "if False and not may_still_send():",
        first="tests/integration/test_http.py::test_a_write_that_comes_after_its_deadline_is_not_sent",
    ),
    # Look-ups outside.
    Mutation(
        "the ERP's look-up takes what only resembles our key",
        TRYTON,
        "[work for work in works if landing.key_of(work.comment) in keys]",
        "works",
        first="tests/contract/test_tryton.py::TestTryton::test_a_key_is_looked_up_exactly",
    ),
    Mutation(
        "the ERP's look-up of many takes what only begins like our keys",
        "adapters/erp/tryton/adapter.py",
        "for record in found}.intersection(keys)",
        "for record in found}",
        first="tests/contract/test_tryton.py::TestTryton::test_many_keys_of_a_deal_are_looked_up_together",
    ),
    Mutation(
        "what the ERP answers of many is matched by its order",
        "adapters/erp/tryton/creating.py",
        "found.setdefault(_key_of(record), [])",
        'found.setdefault(new[len(found)].key if len(found) < len(new) else "", [])',
        first="tests/contract/test_tryton.py::TestTryton"
        "::test_an_answer_goes_by_the_key_whatever_the_order_and_whatever_exists_beside_it",
    ),
    Mutation(
        "the PSA's look-up takes what only resembles our key",
        KANTATA,
        "[w for w in self._listed(reference) if w.external_reference == reference]",
        "[*self._listed(reference)]",
        first="tests/contract/test_kantata.py::test_what_only_resembles_the_key_is_not_found",
    ),
    # The gate before vendors.
    Mutation(
        "a step with limits asks only once",
        GATE,
        "if self._limits.counts_nothing and self._calm.lasts():",
        "if self._calm.lasts():",
        first=f"{_TRAFFIC}test_tokens_and_places.py::test_what_has_begun_ends_before_other_work_begins",
    ),
    Mutation(
        "a process whose call failed goes on without asking",
        GATE,
        "self._calm.end()  # after the report",
        "pass  # after the report",
        first=f"{_TRAFFIC}test_calm.py::test_a_process_without_limits_goes_on_until_a_call_of_its_own_fails",
    ),
    Mutation(
        "an answer from before a failure lets a process go on without asking",
        "adapters/connectors/traffic/calm.py",
        "if ends == self._ends:",
        "if ends <= self._ends:",
        first=f"{_TRAFFIC}test_calm.py::test_an_answer_from_before_a_failure_begins_no_calm",
    ),
    # Tenants.
    Mutation(
        "a look-up of an effect ignores the tenant",
        LEDGER,
        '_AT = (table.c.tenant_id == bindparam("of_tenant"), table.c.key == bindparam("of_key"))',
        '_AT = (table.c.key == bindparam("of_key"),)',
        first="tests/integration/test_tenants.py::test_two_firms_write_their_ledgers_under_one_key",
    ),
    Mutation(
        "a look-up of a known delivery ignores the tenant",
        DELIVERIES,
        "            inbox.c.tenant_id == delivery.tenant_id,\n            inbox.c.connection_id",
        "            inbox.c.connection_id",
        first="tests/integration/test_tenants.py"
        "::test_the_same_delivery_and_the_same_record_are_another_firm_s_own",
    ),
    Mutation(
        "a look-up of a deal ignores the tenant",
        ROWS,
        "return self._one(select(table).where(table.c.tenant_id == tenant_id, table.c.id == opportunity_id))",
        "return self._one(select(table).where(table.c.id == opportunity_id))",
        first=_UNSEEN,
    ),
    Mutation(
        "a look-up of an approval ignores the tenant",
        APPROVALS,
        "self._select(approval_tasks.c.tenant_id == tenant_id, approval_tasks.c.id == task_id)",
        "self._select(approval_tasks.c.id == task_id)",
        first=_UNSEEN,
    ),
    Mutation(
        "a look-up of an exception ignores the tenant",
        EXCEPTIONS,
        "return table.c.tenant_id == tenant_id, table.c.id == item_id",
        "return (table.c.id == item_id,)",
        first=_UNSEEN,
    ),
    # A restored backup, retention, dead letters.
    Mutation(
        "what a restored backup forgot is not looked for",
        "oppsync/pipeline/restore_check.py",
        "return bool(erp.existing_keys([root]))",
        "return False",
        first=_RESTORED,
    ),
    Mutation(
        "an approval that a restored backup lost is told to nobody",
        APPROVE,
        "items=[APPROVAL_LOST] if lost else (),",
        "items=(),",
        first=_RESTORED,
    ),
    Mutation(
        "a delivery that somebody may still replay is pruned",
        "adapters/postgres/retention.py",
        "inbox.c.received_at < clock() - age, ~waits)",
        "inbox.c.received_at < clock() - age)",
        first="tests/integration/test_retention.py::test_a_delivery_that_waits_for_a_person_keeps_its_body",
    ),
    Mutation(
        "dead messages are deleted before they are kept",
        "actors/dead_letters.py",
        "    application.dispatch(KeepDeadLetters(letters))\n",
        "",
        first="tests/integration/test_dead_messages.py"
        "::test_a_message_no_worker_understands_becomes_an_exception_of_its_deal",
    ),
)
