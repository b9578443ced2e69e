"""Mutations of what happens while a plan waits: changes asked for, approvals taken back, absences, times."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

WITHDRAW = "oppsync/services/approvals/withdraw.py"
INVOLVED = "oppsync/domain/approval/involved.py"
WAITS = "oppsync/pipeline/waiting.py"
_ASKED = "tests/service/test_asked_anew.py::"
_AWAY = "tests/service/test_out_of_office.py::"
_TIME = "tests/service/test_in_time.py::"

WAITING = (
    Mutation(
        "an approval is taken back while a worker is about to create",
        WITHDRAW,
        "return tried or uow.opportunities.is_leased(deal.tenant_id, deal.id)",
        "return tried",
        first=_ASKED + "test_while_a_worker_is_about_to_create_nothing_is_taken_back",
    ),
    Mutation(
        "the other's approval stands although changes are asked for",
        "oppsync/services/approvals/request_changes.py",
        "others = uow.approvals.void(tenant_id, opportunity.id, None)",
        "others = 0",
        first=_ASKED + "test_changes_are_asked_of_sales_with_the_list_and_nobody_s_approval_stands",
    ),
    Mutation(
        "somebody stands in for who may not decide",
        "oppsync/domain/approval/deciding.py",
        "lacks_right(absent, step, involved.place) is None and not barred(absent, involved, tasks)",
        "lacks_right(absent, step, involved.place) is None",
        first=_AWAY + "test_one_word_is_one_word_whoever_says_it",
    ),
    Mutation(
        "who stood in for the owner decides once the owner is back",
        INVOLVED,
        "if each.was_since(won_on, absences.now)",
        "if each.covers(absences.now)",
        first=_AWAY + "test_nor_does_who_stood_in_since_the_deal_was_won",
    ),
    Mutation(
        "for whom was decided may decide once more",
        INVOLVED,
        "task.decided_by in same or task.decided_for in same",
        "task.decided_by in same",
        first=_AWAY + "test_one_word_is_one_word_whoever_says_it",
    ),
    Mutation(
        "for whom was decided is not sealed",
        "oppsync/pipeline/signed.py",
        '**({"for": str(task.decided_for)} if task.decided_for else {}),',
        "",
        first=_AWAY + "test_for_whom_a_decision_was_made_is_sealed_with_it",
    ),
    Mutation(
        "nothing is due when an absence begins",
        WAITS,
        "(due.next_at, _next_absence(context, tasks))",
        "(due.next_at,)",
        first=_TIME + "test_when_an_absence_begins_what_waits_goes_to_others_by_itself",
    ),
    Mutation(
        "a task is escalated when the time is up for the last",
        "oppsync/domain/approval/due_times.py",
        "escalates = min(",
        "escalates = max(",
        first="tests/unit/test_due_times.py"
        "::test_a_task_is_escalated_and_expires_when_the_time_is_up_for_the_first",
    ),
)
