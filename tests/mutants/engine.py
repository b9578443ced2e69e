"""Mutations of stages, effects and services."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

EFFECTS = "oppsync/pipeline/effects.py"
CALLS = "oppsync/pipeline/calls.py"
ABSENCE = "oppsync/pipeline/absence.py"
RUN_STAGE = "oppsync/services/work/run_stage.py"
RECORD = "oppsync/services/work/record_outcome.py"
DECIDE = "oppsync/services/approvals/decide_approval.py"
QUEUE = "oppsync/services/queue/exception_queue.py"
RESUME = "oppsync/services/queue/resume.py"
CLOSING = "oppsync/pipeline/closing.py"
INTAKE = "oppsync/services/intake/accept_delivery.py"
RECEIVING = "adapters/postgres/repositories/receiving.py"
REFRESH = "oppsync/pipeline/refresh.py"
APPROVALS = "oppsync/domain/approval/deciding.py"
_MATRIX = "tests/unit/test_matrix.py::"
_BARRED = "tests/service/test_barred.py::"
KEYS = "oppsync/domain/values/keys.py"
CREATE = "oppsync/pipeline/create_projects.py"
OUTSIDE_KEYS = "oppsync/pipeline/outside_keys.py"
REPLACING = "oppsync/pipeline/replacing.py"
WRITE_BACK = "oppsync/pipeline/write_back.py"

_WAVES = "tests/stateful/test_waves.py::"
_MANY = "tests/stateful/test_calls_of_many.py::"
_EVERY_STEP = "tests/stateful/test_every_step.py::test_a_trouble_at_any_step_does_no_harm"
_SLOW = _EVERY_STEP + "[a slow answer]"


def _in_memory(story: str, scenario: str) -> str:
    return f"tests/stateful/test_{story}.py::{scenario}[memory]"


def _anew(scenario: str, which: str = "memory") -> str:
    return f"tests/stateful/test_planning_anew.py::{scenario}[{which}]"


ENGINE = (
    # Effects.
    Mutation(
        "send before the mark is committed",
        EFFECTS,
        'crash_point("mark.uncommitted", each.effect.kind)\n                uow.commit()',
        'crash_point("mark.uncommitted", each.effect.kind)',
    ),
    Mutation(
        "no look-up before a send",
        EFFECTS,
        "if known is None and self._must_ask(each)",
        "if known is not None",
    ),
    Mutation(
        "a look-up of many at once does not look at its answer",
        ABSENCE,
        "set(keys).difference(existing)",
        "keys",
    ),
    Mutation(
        "what was absent once is absent for good",
        ABSENCE,
        "until is not None and now < until",
        "until is not None",
    ),
    Mutation(
        "quarantine of zero",
        EFFECTS,
        "key, quarantine + LONGEST_PAUSE)",
        "key, timedelta(0))",
    ),
    Mutation(
        "no quarantine for what a dead worker sent",
        EFFECTS,
        "if row is None or not row.outcome_unknown:",
        "if row is None or row.state is not EffectState.UNKNOWN:",
    ),
    Mutation(
        "no quarantine for an unclear answer",
        EFFECTS,
        "if row is None or not row.outcome_unknown:",
        "if row is None or row.state is not EffectState.SENT:",
    ),
    Mutation(
        "an unclear answer (5xx, time-out) counts as not carried out",
        EFFECTS,
        "self.answers.failed(each.effect, EffectState.UNKNOWN, error.message)",
        "self.answers.failed(each.effect, EffectState.INTENDED, error.message)",
    ),
    Mutation(
        "an unclear answer (5xx, time-out) counts as refused",
        EFFECTS,
        "self.answers.failed(each.effect, EffectState.UNKNOWN, error.message)",
        "self.answers.failed(each.effect, EffectState.REJECTED, error.message)",
    ),
    Mutation(
        "a refused write comes back by itself",
        EFFECTS,
        "yield came\n",
        "yield VendorUnavailable(str(came)) if isinstance(came, BusinessError) else came\n",
    ),
    Mutation(
        "adopted in spite of differences",
        EFFECTS,
        "if found is not None and not found.differences:",
        "if found is not None and not (found.differences and effect.repeatable):",
    ),
    Mutation(
        "an earlier write-back is never replaced",
        EFFECTS,
        "if found is not None and not found.differences:",
        "if found is not None and (effect.repeatable or not found.differences):",
    ),
    Mutation(
        "confirmed before it is sent",
        EFFECTS,
        "        marking = self.clock.now()\n",
        "        for each in [each for call in calls for each in call.members]:\n"
        '            self.answers.confirmed(each.effect, ExternalRecord(outside_id="s"))\n'
        "        marking = self.clock.now()\n",
    ),
    Mutation(
        "an answer is not recorded",
        EFFECTS,
        "self.answers.confirmed(each.effect, came)",
        "pass",
    ),
    Mutation(
        "a write that never lands is sent for ever",
        EFFECTS,
        "return row.outcome_unknown and row.attempts % MAX_UNCLEAR_SENDS == 0",
        "return False",
    ),
    Mutation(
        "sent after a pause that nobody knows of",
        EFFECTS,
        "if self.clock.now() - marking > LONGEST_PAUSE:",
        "if False:",
        first=_EVERY_STEP + "[paused after a transaction]",
    ),
    Mutation(
        "a confirmed effect counts for any content",
        EFFECTS,
        "row.state is EffectState.CONFIRMED and row.request_digest == each.digest",
        "row.state is EffectState.CONFIRMED",
    ),
    Mutation(
        "an effect that may exist counts as absent when a deal is lost",
        "oppsync/domain/effects/effects.py",
        "(self.outcome_unknown or self.state is EffectState.CONFIRMED)",
        "self.state is EffectState.CONFIRMED",
    ),
    # Keys and plans.
    Mutation(
        "keys ignore the tenant",
        KEYS,
        'f"oppsync:{tenant_id}:{connection_id}:',
        'f"oppsync:{connection_id}:',
    ),
    Mutation("keys ignore the kind", KEYS, ":{record_id}:{kind}:{path}", ":{record_id}:{path}"),
    Mutation(
        "a new key on each retry",
        OUTSIDE_KEYS,
        "opportunity.source_id, kind, path)",
        'opportunity.source_id, kind, f"{path}@{opportunity.version}")',
    ),
    Mutation(
        "keys made of our own id",
        OUTSIDE_KEYS,
        "opportunity.connection_id, opportunity.source_id, kind, path)",
        "opportunity.connection_id, str(opportunity.id), kind, path)",
    ),
    Mutation(
        "the plan is made anew when it is applied",
        CREATE,
        "    creation = _Creation(",
        "    from oppsync.domain.planning.planning import make_plan\n"
        "    from oppsync.domain.planning.split import split\n\n"
        "    record, enrichment = opportunity.record, opportunity.enrichment\n"
        "    assert record and enrichment\n"
        "    content = make_plan(record, enrichment, split(record, enrichment))\n"
        "    plan = Plan(content=content, provenance=plan.provenance)\n"
        "    creation = _Creation(",
    ),
    Mutation(
        "billing lines are left out",
        CREATE,
        "ordered = self.plan.content.billing_lines()",
        "ordered = list(self.plan.content.billing_lines())[1:]",
    ),
    # Waves.
    Mutation(
        "answers are matched by their order",
        EFFECTS,
        "call = calls[place]",
        "call = calls[len(calls) - 1 - place]",
        first=_WAVES + "test_one_refused_line_leaves_the_others_of_its_wave_alone[memory]",
    ),
    Mutation(
        "the first mark does not ask whether the deal is as it was read",
        EFFECTS,
        "as_read=self._as_read,",
        "as_read=None,",
        first=_WAVES + "test_lost_between_the_reading_and_the_first_mark_nothing_is_made[memory]",
    ),
    Mutation(
        "the last answers of a stage are not committed",
        RECORD,
        "    context.effects.answers.write(uow)\n",
        "",
    ),
    Mutation(
        "a refusal parks a deal while an answer beside it is unclear",
        EFFECTS,
        "raise min(failures, key=urgency)",
        "raise max(failures, key=urgency)",
        first=_WAVES + "test_an_unclear_answer_is_settled_before_a_refusal_beside_it_parks_the_deal[memory]",
    ),
    Mutation(
        "what a look-up of the wave raised stops nothing",
        EFFECTS,
        "        self._stop_for(failures)\n        for calls",
        "        for calls",
    ),
    Mutation(
        "a refused member of a wave is taken as made",
        EFFECTS,
        "self._not_carried_out(each, EffectState.REJECTED, error.message)",
        'self.answers.confirmed(each.effect, ExternalRecord(outside_id="none"))',
    ),
    # Calls of many.
    Mutation(
        "what came of the records of a call is matched by their order",
        CALLS,
        "return answer.get(effect.key, unnamed)",
        "return next(iter(answer.values()), unnamed)",
        first=_MANY + "test_what_waits_for_nothing_of_one_another_goes_in_one_call[memory]",
    ),
    Mutation(
        "what an answer leaves out is taken as made",
        CALLS,
        "answer.get(effect.key, unnamed)",
        'answer.get(effect.key, ExternalRecord(outside_id="none"))',
        first=_MANY
        + "test_what_an_answer_leaves_out_is_unknown_and_settled_before_a_refusal_beside_it_parks[memory]",
    ),
    Mutation(
        "what was unclear in one call goes in one again",
        CALLS,
        "self.existing is not None or was_unclear",
        "self.existing is not None",
        first=_MANY + "test_a_call_that_never_arrived_is_not_sent_again_as_one[memory]",
    ),
    Mutation(
        "records of two deals share a call",
        CALLS,
        "(each.effect.opportunity_id, each.effect.connection_id, each.together.call)",
        "each.together.call",
        first="tests/unit/test_calls.py::test_two_deals_never_share_a_call",
    ),
    Mutation(
        "the refusal of a call of many is one of each of its records",
        EFFECTS,
        "if call.is_of_many and isinstance(answer, BusinessError):",
        "if False:",
        first=_MANY + "test_of_a_refused_call_the_one_at_fault_is_named_and_the_others_exist[memory]",
    ),
    Mutation(
        "the records of a refused call are taken as made",
        EFFECTS,
        "            self.answers.failed(each.effect, EffectState.INTENDED, words)\n",
        '            self.answers.confirmed(each.effect, ExternalRecord(outside_id="none", number=words))\n',
        first=_MANY + "test_told_to_stop_after_a_refused_call_its_members_are_left_to_another[memory]",
    ),
    Mutation(
        "the records of a refused call are not sent again, each alone",
        EFFECTS,
        "refused += call.members",
        "failures.append(answer)",
        first=_MANY + "test_of_a_refused_call_the_one_at_fault_is_named_and_the_others_exist[memory]",
    ),
    # Decided together.
    Mutation(
        "a new plan is put to people while the approvals of the plan before count",
        RUN_STAGE,
        "return decided.after.state is not State.PLANNED or not had_plan",
        "return True",
    ),
    Mutation(
        "what was decided before a failure is forgotten",
        RUN_STAGE,
        "written = write_decided(uow, held)",
        "written: list[Event] = []",
        first=_WAVES + "test_what_was_decided_before_a_system_failed_is_on_record[memory]",
    ),
    # Working a stage.
    Mutation("re-reads are ignored", RUN_STAGE, "return opportunity.reread_due and", "return False and"),
    Mutation(
        "what was approved long ago is created unread",
        RUN_STAGE,
        "not context.just_read and refresh.nothing_marked(context)",
        "False",
        first=_in_memory("crm_changes", "test_deleted_before_the_first_mark_nothing_is_created"),
    ),
    Mutation(
        "a rejection is overtaken by a change",
        RUN_STAGE,
        "return opportunity.reread_due and opportunity.state is not State.REFUSED",
        "return opportunity.reread_due",
    ),
    Mutation(
        "tries are not counted",
        RUN_STAGE,
        "(0 if isinstance(error, NO_FAILURE) else 1)",
        "0",
    ),
    Mutation(
        "waiting for a turn counts as a failure",
        RUN_STAGE,
        "NO_FAILURE = (StillUnknown, RateLimited)",
        "NO_FAILURE = (StillUnknown,)",
    ),
    Mutation("crashes park nobody", RUN_STAGE, "opportunity.crashes >= MAX_CRASHES", "False"),
    Mutation(
        "told to stop, it goes on",
        RUN_STAGE,
        "return self.stopping.is_set() or time.monotonic()",
        "return time.monotonic()",
    ),
    Mutation(
        "a quarantine is waited out in a busy loop",
        RUN_STAGE,
        "return max(error.not_before - self.clock.now(), _AT_ONCE)",
        "return _AT_ONCE",
    ),
    Mutation(
        "dead letters are not reported",
        RUN_STAGE,
        "        self.reporter.dead_letter(context.opportunity.id, code, message, error)\n",
        "",
    ),
    Mutation(
        "Retry-After is ignored",
        "oppsync/pipeline/retry.py",
        "return max(jittered, error.retry_after or timedelta(0))",
        "return jittered",
    ),
    Mutation(
        "leases are not kept",
        "oppsync/services/work/lease_keeper.py",
        "self._held.add(lease)",
        "pass",
        first=_SLOW,
    ),
    Mutation(
        "leases are not renewed",
        "oppsync/services/work/lease_keeper.py",
        "uow.opportunities.renew_lease(lease)",
        "pass",
        first=_SLOW,
    ),
    # Recording an outcome.
    Mutation(
        "no message on handing on",
        RECORD,
        "    if due.sent:\n",
        "    if False:\n",
    ),
    Mutation(
        "parked without an item",
        RECORD,
        "            return [raised, *_voided(context, after, count)]",
        "            return []",
    ),
    Mutation(
        "counters survive an outcome",
        RECORD,
        'settled: dict[str, Any] = {"tries": 0, "crashes": 0, "waits_for": None}',
        'settled: dict[str, Any] = {"waits_for": None}',
    ),
    Mutation(
        "a parked deal still waits for its re-read",
        RECORD,
        '{"reread_done": before.reread_requested, **settled}',
        "{**settled}",
    ),
    Mutation(
        "items stay open when the deal was mended",
        RECORD,
        "if after.state is not State.PARKED and context.opportunity.state is State.PARKED:",
        "if False:",
    ),
    Mutation(
        "approvals of a withdrawn deal count on",
        RECORD,
        "if outcome.void_tasks or outcome.to is State.WITHDRAWN:",
        "if False:",
    ),
    Mutation(
        "approvals of an old plan are not void",
        RECORD,
        "return uow.approvals.void(after.tenant_id, after.id, after.plan_hash)",
        "return 0",
    ),
    Mutation(
        "a rejection leaves the other task open",
        RECORD,
        "return uow.approvals.void_open(after.tenant_id, after.id)",
        "return 0",
    ),
    Mutation(
        "the audit trail misses moves",
        RECORD,
        "            events.append(_state_changed(each))\n",
        "            pass\n",
    ),
    # Approvals.
    Mutation(
        "approvals kept on a new hash",
        "oppsync/pipeline/approve.py",
        "now = [task for task in tasks if task.plan_hash == opportunity.plan_hash]",
        "now = list(tasks)",
        first="tests/unit/test_approvals.py::test_decisions_on_another_plan_count_for_nothing",
    ),
    Mutation(
        "one approval is enough",
        "oppsync/pipeline/approve.py",
        "if approved.issuperset(seat.code for seat in seats(required)):",
        "if approved:",
    ),
    Mutation(
        "candidates are not told",
        "oppsync/pipeline/approve.py",
        "return ask_next(opportunity, required, known) or wait_for_people(context, plan, known)",
        "return ask_next(opportunity, required, known) or outcome",
    ),
    Mutation(
        "the seller approves",
        APPROVALS,
        "Refusal.OWN_OPPORTUNITY: involved.owns(person),",
        "Refusal.OWN_OPPORTUNITY: False,",
    ),
    Mutation(
        "owners of before are forgotten",
        RECORD,
        "uow.parties.keep(after, (*parties_of(before.record), *parties_of(after.record)))",
        "pass",
        first="tests/service/test_duties.py::test_a_seller_who_hands_the_deal_over_still_approves_nothing",
    ),
    Mutation(
        "an approval that does not stand any more is relied on",
        "oppsync/pipeline/duties.py",
        "    if not down:\n        return None\n",
        "    return None\n",
        first="tests/stateful/test_decisions.py::test_who_becomes_the_owner_has_approved_nothing[memory-1]",
    ),
    Mutation(
        "one person approves for both roles",
        APPROVALS,
        "    return Refusal.ALREADY_DECIDED_OTHER_ROLE if involved.decided(person, others) else None\n",
        "    return None\n",
    ),
    Mutation(
        "one person decides twice for a step",
        APPROVALS,
        "    return Refusal.ALREADY_DECIDED_OTHER_ROLE if involved.decided(person, others) else None\n",
        "    return Refusal.ALREADY_DECIDED_OTHER_ROLE if involved.decided(person, [*others][1:]) else None\n",
        first=_MATRIX + "test_one_person_never_counts_twice_whatever_the_step",
    ),
    Mutation(
        "who changed the configuration of a plan approves it",
        APPROVALS,
        "Refusal.EDITED_REFERENCE_DATA: involved.changed_configuration(person),",
        "Refusal.EDITED_REFERENCE_DATA: False,",
        first=_BARRED + "test_whoever_changed_a_row_that_the_plan_uses_does_not_decide_it",
    ),
    Mutation(
        "who is barred is not kept for the database to refuse",
        "oppsync/pipeline/duties.py",
        "return {person: reasons for person, reasons in found.items() if reasons}",
        "return {}",
        first=_BARRED + "test_the_database_refuses_a_barred_persons_decision_whoever_writes_it",
    ),
    Mutation(
        "anybody approves",
        APPROVALS,
        "    if not may(person, Action.DECIDE_APPROVAL):\n        return frozenset()\n",
        "    if person.roles:\n        return person.roles\n",
    ),
    Mutation(
        "any approver decides any step",
        APPROVALS,
        "    return person.roles if _is_named(person, step) else asked\n",
        "    return person.roles\n",
    ),
    Mutation(
        "a later order is asked too early",
        "oppsync/domain/plan/approvals.py",
        "        if seat.asks.order == order:\n",
        "        if order:\n",
        first=_MATRIX + "test_a_later_order_is_opened_when_the_earlier_is_approved_and_not_before",
    ),
    Mutation(
        "a step of the matrix is dropped",
        "oppsync/domain/approval/matrix.py",
        "        applied.append(_required(step, use))\n",
        "        str(use)\n",
        first=_MATRIX + "test_a_step_that_applies_is_in_the_hash_and_its_row_in_the_provenance",
    ),
    Mutation(
        "another plan than the one seen is approved",
        DECIDE,
        "if plan_hash != task.plan_hash or task.status is TaskStatus.VOID",
        "if task.status is TaskStatus.VOID",
    ),
    Mutation("decided although the deal changed", DECIDE, "if opportunity.reread_due:", "if False:"),
    Mutation(
        "no message after a decision",
        DECIDE,
        "    uow.outbox.add(opportunity.tenant_id, opportunity.id, stage, opportunity.traceparent)\n",
        "    str(stage)\n",
    ),
    Mutation(
        "a decision does not lock the deal",
        "oppsync/services/approvals/locked_task.py",
        "uow.opportunities.lock(tenant_id, ",
        "uow.opportunities.get(tenant_id, ",
        first="tests/stateful/test_turns.py"
        "::test_a_decision_and_a_change_told_meanwhile_take_turns_on_postgres",
    ),
    # Intake, replay, re-reads.
    Mutation(
        "no message at intake",
        RECEIVING,
        ".add_cte(linked, sent)",
        ".add_cte(linked)",
        first="tests/integration/test_intake.py::test_a_delivery_and_all_that_it_brings_are_one_statement",
    ),
    Mutation("acknowledged without a commit", INTAKE, "            uow.commit()\n", ""),
    Mutation(
        "a delivery that comes again acts again",
        RECEIVING,
        '.on_conflict_do_nothing(index_elements=["tenant_id", "connection_id", "delivery_id"])',
        '.on_conflict_do_update(index_elements=["tenant_id", "connection_id", "delivery_id"], '
        'set_={"headers": inbox.c.headers})',
        first="tests/integration/test_intake.py::test_a_known_delivery_brings_nothing",
    ),
    Mutation(
        "intake locks deals in whatever order a delivery names them",
        INTAKE,
        "[latest[record_id] for record_id in sorted(latest)]",
        "list(latest.values())",
        first="tests/integration/test_intake.py::test_two_deliveries_of_the_same_deals_at_once_do_not_deadlock",
    ),
    Mutation(
        "no message at a replay",
        RESUME,
        "    uow.outbox.add(before.tenant_id, before.id, stage, before.traceparent)\n",
        "",
    ),
    Mutation(
        "a replay does not read the record again",
        RESUME,
        '"reread_requested": before.reread_requested + 1',
        '"reread_requested": before.reread_requested',
        first="tests/service/test_crm_and_psa_trouble.py"
        "::test_a_re_read_that_never_succeeds_is_a_dead_letter_and_is_made_again_by_a_replay",
    ),
    Mutation(
        "a replay begins from the start",
        QUEUE,
        "resume(uow, self.publish, before, before.stands_at,",
        'resume(uow, self.publish, before, type(before.stands_at)("received"),',
    ),
    Mutation(
        "a replayed item stays open",
        QUEUE,
        'uow.exceptions.close_open(item.tenant_id, before.id, actor, "Replayed")',
        "pass",
    ),
    Mutation(
        "an older reading is taken in",
        REFRESH,
        "if before is not None and record.modified_at < before.modified_at:",
        "if False:",
    ),
    Mutation(
        "a re-read is never done",
        REFRESH,
        "changed(opportunity, reread_done=opportunity.reread_requested)",
        "opportunity",
        first=_in_memory("effects", "test_lost_while_a_write_is_unclear_it_is_not_withdrawn"),
    ),
    Mutation(
        "lost after its projects exist, it is withdrawn",
        REFRESH,
        "(stands_at is State.APPROVED and known.unmarked)",
        "stands_at is State.APPROVED",
    ),
    Mutation(
        "a rejection's tasks count for the second try",
        REFRESH,
        "void_tasks=rejected, settled",
        "void_tasks=False, settled",
    ),
    # Giving up.
    Mutation(
        "what is too new to be found counts as deleted",
        CLOSING,
        "if row.confirmed_at is not None and self.context.clock.now()",
        "if False and self.context.clock.now()",
    ),
    Mutation(
        "what perhaps exists is not closed",
        EFFECTS,
        "if not row.outcome_unknown:",
        "if True:",
        first=_in_memory("effects", "test_given_up_while_a_write_is_unclear_all_of_it_is_closed"),
    ),
    Mutation(
        "what perhaps exists is looked up before its quarantine is over",
        EFFECTS,
        "self._check_quarantine(row.key, row, quarantine)\n",
        "pass\n",
        first=_in_memory("effects", "test_given_up_while_a_write_is_unclear_all_of_it_is_closed"),
    ),
    Mutation(
        "billing lines stay open",
        CLOSING,
        "for path in reversed(lines):",
        "for path in ():",
    ),
    Mutation(
        "closed is not recorded",
        CLOSING,
        "self.context.effects.answers.cancelled(row.key, kind)",
        "pass",
    ),
    # Planning anew.
    Mutation(
        "what only the old plan had stays open",
        CREATE,
        "close_in_erp(closing, self.erp, self.replaced.plans, but=self.plan.content)",
        "pass",
        first=_anew("test_what_only_the_old_plan_had_is_closed_and_its_billing_moves_along"),
    ),
    Mutation(
        "what was recorded for the old plan counts for the new one",
        REPLACING,
        '{"plan": plan.hash}',
        "{}",
        first="tests/service/test_plan_anew.py"
        "::test_a_corrected_purchase_order_reaches_what_exists_though_no_project_or_line_differs",
    ),
    Mutation(
        "made a moment ago, it is made again",
        EFFECTS,
        "            self._check_can_be_found(effect, row)\n",
        "            pass\n",
        first=_anew("test_nothing_is_created_again_that_was_made_a_moment_ago"),
    ),
    Mutation(
        "what somebody changed outside is overwritten",
        EFFECTS,
        "if not stuck:",
        "if True:",
        first=_anew("test_what_somebody_changed_in_the_erp_is_a_conflict_that_names_it"),
    ),
    Mutation(
        "a conflict forgets what exists",
        EFFECTS,
        "if row is not None and row.was_made:  # it",
        "if False:  # it",
        first=_anew("test_what_somebody_changed_in_the_erp_is_a_conflict_that_names_it"),
    ),
    Mutation(
        "lost while it is planned anew, it is withdrawn",
        REFRESH,
        "if restarts and known.begun:",
        "if False:",
        first=_anew("test_lost_while_it_is_planned_anew_it_waits_and_can_be_given_up"),
    ),
    Mutation(
        "planned anew, it is not read again before its new plan is made",
        REFRESH,
        "return self.of_earlier_plans or not self.may_exist",
        "return not self.may_exist",
        first=_anew("test_deleted_after_its_new_plan_was_approved_nothing_more_is_made_of_it"),
    ),
    Mutation(
        "a rejected new plan ends the deal, and the old one's projects stay",
        WRITE_BACK,
        "if has_begun(context):",
        "if False:",
        first=_anew("test_a_rejected_new_plan_leaves_nothing_behind", "memory-True"),
    ),
    Mutation(
        "what a person closed is opened again",
        EFFECTS,
        "closing.state is not EffectState.CONFIRMED:\n            return False",
        "closing.state is not EffectState.CONFIRMED:\n            return True",
        first=_anew("test_what_a_person_closed_in_the_erp_is_not_opened_again"),
    ),
    Mutation(
        "half opened again, it counts as closed",
        EFFECTS,
        "if existing.state is EffectState.CANCELLED:",
        "if False:",
        first=_anew("test_what_was_opened_again_by_half_is_closed_when_it_is_given_up_once_more"),
    ),
)
