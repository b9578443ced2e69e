"""Mutations of what makes an approval binding: seals, separation of duties, the last reading before the first
mark, preflight, other deals, and whose record it is."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

SEALS = "adapters/identity/seals.py"
SIGNED = "oppsync/pipeline/signed.py"
APPROVE = "oppsync/pipeline/approve.py"
CREATE = "oppsync/pipeline/create_projects.py"
EFFECTS = "oppsync/pipeline/effects.py"
RUN_STAGE = "oppsync/services/work/run_stage.py"

_SIGNED = "tests/service/test_signed.py::"
_DUTIES = "tests/service/test_duties.py::"
_ACROSS = "tests/service/test_across_deals.py::"
_READ_ONCE_MORE = "if not isinstance(again, Advance) or again.to is not State.APPROVED:"

TRUST = (
    # Seals.
    Mutation(
        "a stored plan is not hashed anew",
        "oppsync/domain/plan/tampering.py",
        "if plan.hash != wanted:",
        "if False:",
        first=_SIGNED + "test_a_cent_changed_after_the_approval_creates_nothing",
    ),
    Mutation(
        "a seal is not verified",
        SEALS,
        "is_same = hmac.compare_digest(_mac(key, seal.signed).encode(), seal.mac.encode())",
        "is_same = True",
        first=_SIGNED + "test_an_approval_that_was_changed_is_found_and_creates_nothing",
    ),
    Mutation(
        "a decision is not compared with what was sealed",
        SIGNED,
        "return differences(task.seal.signed, document_of(opportunity, task, plan))",
        "return ()",
        first=_SIGNED + "test_an_approval_that_was_changed_is_found_and_creates_nothing",
    ),
    Mutation(
        "an older key verifies no seal any more",
        SEALS,
        "keys = [_derived(secret) for secret in secrets]",
        "keys = [_derived(secret) for secret in secrets[:1]]",
        first="tests/unit/test_seals.py::test_a_seal_under_an_older_secret_is_genuine_as_long_as_that_is_kept",
    ),
    Mutation(
        "a decision without a seal counts",
        SIGNED,
        "return task.seal is None or seals.check(task.seal) is SealCheck.UNKNOWN_KEY",
        "return task.seal is not None and seals.check(task.seal) is SealCheck.UNKNOWN_KEY",
        first=_SIGNED + "test_a_decision_that_an_earlier_release_recorded_is_asked_for_again",
    ),
    Mutation(
        "a deal is created that not every role approved",
        SIGNED,
        "    if missing:\n",
        "    if False:\n",
        first=_SIGNED + "test_a_deal_moved_on_by_hand_creates_nothing",
    ),
    # Separation of duties, at each moment that relies on it.
    Mutation(
        "duties are not asked when a person decides",
        "oppsync/services/approvals/decide_approval.py",
        "    if refusal is not None:\n",
        "    if False:\n",
        first=_DUTIES + "test_a_seller_who_hands_the_deal_over_still_approves_nothing",
    ),
    Mutation(
        "duties are not asked again when decisions are weighed",
        APPROVE,
        "doubts(context, plan, known.tasks) or reconsider(context, opportunity, known, required)",
        "doubts(context, plan, known.tasks)",
        first=_DUTIES + "test_an_approver_who_becomes_the_owner_afterwards_has_approved_nothing",
    ),
    Mutation(
        "duties are not asked again before the first mark",
        CREATE,
        "    if opportunity.replaces is not None or not begun:\n",
        "    if False:\n",
        first=_DUTIES
        + "test_an_approver_who_turns_out_to_have_a_part_stops_the_deal_before_anything_is_written",
    ),
    # The last reading before the first mark.
    Mutation(
        "gone before the first mark, it is created",
        RUN_STAGE,
        _READ_ONCE_MORE,
        "if isinstance(again, Advance) and again.to is not State.APPROVED:",
        first="tests/stateful/test_crm_changes.py::test_deleted_before_the_first_mark_nothing_is_created[memory]",
    ),
    Mutation(
        "no longer won before the first mark, it is created",
        RUN_STAGE,
        _READ_ONCE_MORE,
        "if not isinstance(again, Advance) or again.to not in (State.APPROVED, State.WITHDRAWN):",
        first="tests/service/test_same_deal_again.py"
        "::test_a_deal_lost_before_the_first_effect_is_withdrawn_though_no_webhook_arrived",
    ),
    Mutation(
        "changed before the first mark, it is created as it was",
        RUN_STAGE,
        _READ_ONCE_MORE,
        "if not isinstance(again, Advance) or again.to not in (State.APPROVED, State.RECEIVED):",
        first="tests/stateful/test_crm_changes.py"
        "::test_a_change_before_the_first_mark_is_planned_and_approved_anew",
    ),
    # What a plan names, and what stands beside it.
    Mutation(
        "preflight is skipped",
        "oppsync/pipeline/split_workstreams.py",
        "preflight(context.systems, proposal.plan, anew=anew) if proposal.plan else ()",
        "()",
        first="tests/service/test_preflight.py"
        "::test_a_cost_centre_that_the_erp_lacks_is_created_there_and_the_deal_goes_on",
    ),
    Mutation(
        "other deals are not judged again before the first mark",
        CREATE,
        "    if not begun:\n",
        "    if False:\n",
        first=_ACROSS + "test_two_deals_approved_at_once_never_exceed_an_order_together",
    ),
    Mutation(
        "other deals are not judged again when the last role approves",
        APPROVE,
        "return beside if isinstance(beside, Park) else outcome",
        "return outcome",
        first=_ACROSS + "test_the_last_role_s_approval_is_where_a_deal_is_stopped_whose_order_another_used_up",
    ),
    # Whose record it is.
    Mutation(
        "planned anew, what exists counts as equal whoever changed it",
        EFFECTS,
        "if found is not None and not found.differences:",
        "if found is not None and (row is not None or not found.differences):",
        first="tests/stateful/test_planning_anew.py"
        "::test_what_somebody_changed_in_the_erp_is_a_conflict_that_names_it[memory]",
    ),
    Mutation(
        "a known delivery id with another body is taken as known",
        "oppsync/services/intake/accept_delivery.py",
        "if is_same_body(earlier, delivery.body):",
        "if True:",
        first="tests/service/test_deliveries.py"
        "::test_a_known_delivery_id_with_another_body_is_kept_read_and_shown",
    ),
    Mutation(
        "a customer with a contradicting tax id is accepted",
        "oppsync/domain/validation/customers.py",
        "if tax_id and customer.tax_ids and not _has_tax_id(customer, tax_id):",
        "if False:",
        first="tests/unit/test_customers.py"
        "::test_country_and_tax_id_contradict_only_where_both_sides_have_another",
    ),
    Mutation(
        "a customer that came to be meanwhile is taken whoever it is",
        "oppsync/pipeline/create_customer.py",
        "if contradictions(new.country, new.tax_id, existing) or not names_are_alike(new.name, existing.name):",
        "if False:",
        first="tests/unit/test_create_customer.py"
        "::test_a_customer_that_is_there_by_now_is_for_a_person_unless_it_is_the_approved_one",
    ),
    Mutation(
        "the token is sent wherever the answer says",
        "adapters/crm/salesforce/client.py",
        "if not is_of_the_org(reply.instance_url, self._login.base_url):",
        "if False:",
        first="tests/contract/test_untrusted_answers.py::test_the_token_is_sent_to_no_other_host",
    ),
)
