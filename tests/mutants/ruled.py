"""Mutations of the rules that a firm writes for itself."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

EXPRESSIONS = "oppsync/domain/policy/expressions.py"
MESSAGES = "oppsync/domain/policy/messages.py"
RULE = "oppsync/domain/policy/rule.py"
VALIDATION = "oppsync/domain/validation/firm_rules.py"
APPROVAL = "oppsync/domain/approval/rules.py"
FILLING = "oppsync/domain/policy/filling.py"
EXAMPLES = "oppsync/domain/policy/examples.py"

_RULES = "tests/unit/test_rules.py::"
_CONDITIONS = "tests/unit/test_conditions.py::"

RULED = (
    Mutation(
        "an error of an evaluation counts as true",
        EXPRESSIONS,
        "        if kind != cel.Type.BOOL:\n"
        "            raise ConditionFailed(_why(value))\n"
        "        return value is True",
        "        return bool(value)",
        first=_CONDITIONS + "test_what_cannot_be_evaluated_neither_holds_nor_passes",
    ),
    Mutation(
        "an amount is compared by a float that is another",
        MESSAGES,
        "    if Decimal(repr(found)) != amount:\n",
        "    if False:\n",
        first=_CONDITIONS + "test_an_amount_that_would_compare_otherwise_than_its_digits_is_not_compared",
    ),
    Mutation(
        "one list is looked through inside another",
        EXPRESSIONS,
        "    if found := refused(tree):\n",
        "    if found := None:\n",
        first=_CONDITIONS + "test_what_would_take_long_or_much_memory_is_refused",
    ),
    Mutation(
        "nobody counts how much a condition looks at",
        EXPRESSIONS,
        "    if steps > MOST_AT_ONCE:\n",
        "    if False:\n",
        first=_CONDITIONS + "test_a_condition_that_looks_at_too_much_for_a_deal_neither_holds_nor_passes",
    ),
    Mutation(
        "the widest rule of a name holds",
        RULE,
        "each.rule.narrowness > known.rule.narrowness",
        "each.rule.narrowness < known.rule.narrowness",
        first=_RULES + "test_of_the_rules_of_one_name_the_narrowest_holds",
    ),
    Mutation(
        "a rule holds everywhere",
        RULE,
        "        if not each.rule.holds_at(entity, region):\n            continue\n",
        "",
        first=_RULES + "test_of_the_rules_of_one_name_the_narrowest_holds",
    ),
    Mutation(
        "a rule that cannot be evaluated is skipped",
        VALIDATION,
        "        yield rule_failed(FailedRule(each, error.why), path)\n",
        "",
        first=_RULES + "test_a_rule_that_cannot_be_evaluated_stops_the_deal_and_says_why",
    ),
    Mutation(
        "lines are judged by no rule",
        VALIDATION,
        "    for at, line in enumerate(opportunity.lines):\n",
        "    for at, line in enumerate(opportunity.lines[:0]):\n",
        first=_RULES + "test_a_rule_about_lines_is_asked_of_each_line",
    ),
    Mutation(
        "a rule whose condition cannot be evaluated approves",
        APPROVAL,
        "    except ConditionFailed:\n        return False\n",
        "    except ConditionFailed:\n        return True\n",
        first=_RULES + "test_an_approval_rule_approves_only_where_its_condition_holds",
    ),
    Mutation(
        "a rule fills what the CRM says",
        FILLING,
        "if field not in filled and _value(deal, field) is None",
        "if field not in filled",
        first=_RULES + "test_what_the_crm_says_stays",
    ),
    Mutation(
        "a rule is applied that does not do what its examples say",
        EXAMPLES,
        "        elif not each.is_met:\n",
        "        elif False:\n",
        first=_CONDITIONS + "test_examples_show_both_outcomes_and_are_right",
    ),
)
