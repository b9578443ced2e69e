"""Mutations of what happens while a plan waits: changes asked for, approvals taken back, absences, times."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

WITHDRAW = "oppsync/services/approvals/withdraw.py"
INVOLVED = "oppsync/domain/approval/involved.py"
WAITS = "oppsync/pipeline/waiting.py"
_ASKED = "tests/service/test_asked_anew.py::"
_AWAY = "tests/service/test_out_of_office.py::"
_TIME = "tests/service/test_in_time.py::"
_BARRED = "tests/service/test_barred.py::"

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
        "if (lasted := each.lasted_while_open(tasks, absences.now)) or each.covers(absences.now)",
        "if (lasted := each.covers(absences.now))",
        first=_AWAY + "test_nor_does_who_stood_in_for_a_working_day_while_it_waited",
    ),
    Mutation(
        "an absence of a moment bars the delegate for good",
        "oppsync/domain/approval/absences.py",
        "return end - begin >= LEAST and any(",
        "return any(",
        first=_AWAY + "test_an_absence_of_a_moment_bars_nobody_afterwards",
    ),
    Mutation(
        "what ends with an absence is kept for good",
        "oppsync/pipeline/duties.py",
        "part = self.involved.for_good()",
        "part = self.involved",
        first=_AWAY + "test_an_absence_of_a_moment_bars_nobody_afterwards",
    ),
    Mutation(
        "an absence takes back what was approved before it",
        "oppsync/pipeline/duties.py",
        "barred(person, known.involved.when(task.decided_at), standing)",
        "barred(person, known.involved, standing)",
        first=_AWAY + "test_an_approval_stands_whose_decider_stands_in_for_the_owner_afterwards",
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
    Mutation(
        "of a deal planned anew, what an earlier plan made counts as a beginning",
        WITHDRAW,
        "since = _approved_at(uow, deal) if deal.enrichment and deal.enrichment.replaces else None",
        "since = None",
        first=_ASKED + "test_what_an_earlier_plan_created_is_no_beginning_of_the_new_one",
    ),
    Mutation(
        "an absence that is over is still in the way of standing in",
        "oppsync/services/approvals/absences.py",
        "for each in absences.coming() if",
        "for each in absences.rows if",
        first=_AWAY + "test_who_was_away_until_today_stands_in_today",
    ),
    Mutation(
        "nobody tells who stands in",
        "oppsync/services/approvals/absences.py",
        "if delegate is not None:\n            self.notice",
        "if delegate is None:\n            self.notice",
        first=_AWAY + "test_whoever_stands_in_is_told_by_mail",
    ),
    Mutation(
        "one person counts for two steps when a plan is begun",
        "oppsync/domain/approval/enough.py",
        "if person not in taken or _seated(taken[person], choices, taken, tried):",
        "if person not in taken or True:",
        first="tests/unit/test_enough.py"
        "::test_two_steps_that_have_one_and_the_same_person_are_a_dead_end_that_is_told_before_anybody_is_asked",
    ),
    Mutation(
        "a seat is not moved to make room",
        "oppsync/domain/approval/enough.py",
        "if person not in taken or _seated(taken[person], choices, taken, tried):",
        "if person not in taken:",
        first="tests/unit/test_enough.py::test_whoever_could_take_another_seat_makes_room",
    ),
    Mutation(
        "a later change of a row frees everybody before",
        "adapters/postgres/repositories/plans.py",
        "    group by place, field\n",
        "    group by place\n",
        first=_BARRED + "test_whoever_changed_a_value_that_a_later_change_left_as_it_was_stays_barred",
    ),
    Mutation(
        "what a change does to open deals counts with who may not decide them",
        "oppsync/services/configuration/open_deals.py",
        "return deciders(deal.dealt.with_changers(actors), plan)",
        "return deciders(deal.dealt, plan)",
        first=_BARRED + "test_what_a_change_does_to_open_deals_counts_without_who_may_not_decide_them",
    ),
    Mutation(
        "a plan is previewed with who set a rule that approves it",
        "oppsync/services/insight/preview_plan.py",
        "rows_behind(plan.provenance.reference, by_rule)",
        "plan.provenance.reference",
        first="tests/service/test_barred_anew.py::test_a_plan_is_previewed_without_who_set_such_a_rule",
    ),
    Mutation(
        "past deals are tried with who changed the rows that they use",
        "oppsync/services/configuration/backtest.py",
        "known.with_changers(changers.of(tried.rows)).eligible(",
        "known.eligible(",
        first="tests/service/test_barred_anew.py::test_and_so_does_what_it_does_to_past_deals",
    ),
    Mutation(
        "a barred person is freed in the database",
        "migrations/versions/2026_11_30_barred_for_good.py",
        "    op.execute(_STAY)\n",
        "",
        first=_BARRED + "test_nobody_frees_a_barred_person_in_the_database",
    ),
    Mutation(
        "the database does not know a person under another account",
        "migrations/versions/2026_11_30_barred_for_good.py",
        "return one = other or known_by(tenant, one) && known_by(tenant, other);",
        "return one = other;",
        first=_BARRED + "test_the_database_knows_a_barred_person_under_an_account_that_came_later",
    ),
)
