"""Rules in the files of a bundle: each fault is named with file, line, rule and place in the condition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.documents.bundle_files import read_bundle, read_rows, write_bundle
from oppsync.domain.configuration.differences import differences, moves_money
from oppsync.domain.configuration.faults import BadBundle
from oppsync.domain.configuration.place_words import place_in_words
from oppsync.domain.configuration.rule_tests import Outcome, rule_tests
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.kernel import canonical_json
from tests.unit.test_configuration_files import FILES_OF_DEMO

RULE = """- name: large
  valid_from: 2026-01-01
  on: validation
  condition: deal.amount > 100000
  message: Large deals need a clause
  owner: finance
  field: deal.special_terms
  examples:
    - given: {deal: {amount: 100001, starts_on: 2026-02-01, custom: {Risk: high}}}
      expect: true
    - given: {lines: [{net: 12.50, hours: "8"}]}
      expect: false
"""


def files(rules: str = RULE) -> dict[str, bytes]:
    return {**FILES_OF_DEMO, "rules.yaml": rules.encode()}


def rules_in(text: str = RULE) -> list[ReferenceRow]:
    return [row for row in read_bundle(files(text)).rows if row.kind is ReferenceKind.RULE]


def told(text: str) -> str:
    with pytest.raises(BadBundle) as refused:
        read_bundle(files(text))
    return "\n".join(map(str, refused.value.faults))


def edited(old: str, new: str) -> str:
    assert old in RULE
    return RULE.replace(old, new, 1)


def overlaid(*places: str) -> str:
    return RULE + "".join(
        RULE.replace("- name: large", f"- name: large\n  overlay: o{number}\n{place}", 1)
        for number, place in enumerate(places)
    )


def test_a_rule_is_read_and_written_byte_for_byte_the_same() -> None:
    read = read_bundle(files())
    written = write_bundle(read.firm, read.rows)

    assert write_bundle(*read_bundle(written)) == written
    (rule,) = rules_in()
    assert rule.key == "large"
    assert rule.value["examples"][1]["given"] == {"lines": [{"net": "12.50", "hours": "8"}]}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "deal.amount > 100000",
            "deal.amuont > 100000",
            "rules.yaml:4: condition: rule large: column 5: there is no `deal.amuont`. Did you mean",
        ),
        ("deal.amount > 100000", "deal.amount", ":4: condition: rule large: it is neither true nor false"),
        ("deal.amount > 100000", "deal.amount >", ":4: condition: rule large: column 14: cannot be read"),
        ("deal.amount > 100000", f'"{"x" * 2_001}"', "rules.yaml:4: condition: "),
        ("expect: true", "expect: false", ":9: example 1: rule large: the condition holds for this"),
        ("expect: false", "expect: true", "rules.yaml:11: example 2: rule large: the condition does not hold"),
        ("amount: 100001", "amuont: 1", ":9: example 1 > given.deal.amuont: rule large: there is no"),
        ("amount: 100001", "amount: much", "example 1 > given.deal.amount: rule large: 'much' is no amount"),
        ("amount: 100001", "amount: 1e300", "1E+300"),
        ("amount: 100001", f"amount: {'9' * 60}", "too large or too fine a number: write it as text"),
        ("{Risk: high}", "{Risk: [[[[[1]]]]]}", "is nested too deeply"),
        ("{Risk: high}", "{Risk: [1]}", "is no texts by name"),
        ("deal.special_terms", "deal.special", ":7: field: rule large: there is no field 'deal.special'"),
        ("deal.special_terms", "deal.days", "there is no field 'deal.days' of the deal in the CRM"),
        ("deal.special_terms", "line.net", "there is no field 'line.net' of the deal in the CRM"),
        ("  owner: finance\n", "", "rules.yaml:1: owner: is missing"),
        ("owner: finance", "owner: boss", "rules.yaml:6: owner: "),
        ("on: validation", "on: split", "rules.yaml:3: on: "),
        ("on: validation", "on: enrichment", "a rule of enrichment has to fill something: give `fills`"),
        ("on: validation", "on: validation\n  fills: {region: NA}", "a rule of validation fills nothing"),
        ("on: validation", "on: validation\n  regions: [MARS]", "region 1: no region has the code 'MARS'"),
        ("on: validation", "on: validation\n  entities: [ACME-UK]", "no legal entity has the code 'ACME-UK'"),
        ("on: validation", "on: validation\n  overlay: x", "overlay: rule large, overlay x: holds everywhere"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rule_is_told_where_it_stands(old: str, new: str, said: str) -> None:
    assert said in told(edited(old, new))


@pytest.mark.parametrize(
    ("fills", "said"),
    [
        ("{region: Nordics}", "rules.yaml:4: fills.region: no region is called 'Nordics' in the CRM"),
        ("{service_line: Advisry}", "no service line is called 'Advisry' in the CRM. Did you mean Advisory?"),
        ("{delivery_model: On-site-ish}", "no delivery model is called 'On-site-ish' in the CRM"),
    ],
)
def test_what_a_rule_fills_has_to_be_a_name_that_the_bundle_knows(fills: str, said: str) -> None:
    assert said in told(edited("on: validation", f"on: enrichment\n  fills: {fills}"))
    sound = edited("on: validation", "on: enrichment\n  fills: {service_line: Advisory, payment_terms: NET45}")
    assert "fills." not in told(sound.replace("expect: true", "expect: false"))


def test_a_rule_of_enrichment_sees_no_line() -> None:
    text = edited("on: validation", "on: enrichment\n  fills: {region: NA}").replace(
        "deal.amount >", "line.net >"
    )

    assert (
        "there is no `line` here. Did you mean `lines`? Available here: deal, lines, entity, customer"
        in told(text)
    )


def test_a_rule_without_examples_is_refused() -> None:
    text = told(RULE.partition("  examples:")[0])

    assert "no example shows when it holds. Give one with `expect: true`" in text
    assert "no example shows when it does not hold" in text


@pytest.mark.parametrize(
    ("places", "clash"),
    [
        (("  regions: [NA]", "  regions: [DACH]"), False),
        (("  regions: [NA]", "  entities: [ACME-DE]"), False),
        (("  regions: [NA]", "  entities: [ACME-DE]\n  regions: [NA]"), False),
        (("  regions: [NA]", "  regions: [DACH, NA]"), True),
        (("  entities: [ACME-DE]", "  entities: [ACME-DE, ACME-US]"), True),
    ],
)
def test_of_two_equally_narrow_rules_nobody_could_say_which_holds(places: tuple[str, ...], clash: bool) -> None:
    text = overlaid(*places)

    if clash:
        assert "another rule large holds for the same places" in told(text)
    else:
        assert len(rules_in(text)) == 3


@pytest.mark.parametrize(
    ("file", "old", "condition"),
    [
        ("split_rules.yaml", "  order: 20\n", "line.nett > 5"),
        ("split_rules.yaml", "  order: 20\n", "size(lines) > 5"),
        ("approval_rules.yaml", "", "plan.totl > 5"),
        ("approval_rules.yaml", "", "line.net > 5"),
    ],
)
def test_conditions_of_split_and_approval_rules_are_checked_too(file: str, old: str, condition: str) -> None:
    approval = b"- name: small\n  valid_from: 2026-01-01\n  up_to: {amount: '5.00', currency: EUR}\n"
    text = (FILES_OF_DEMO.get(file, approval)).decode()
    changed_text = (
        text.replace(old, f"{old}  condition: {condition}\n", 1) if old else f"{text}  condition: {condition}\n"
    )

    with pytest.raises(BadBundle) as refused:
        read_bundle({**FILES_OF_DEMO, file: changed_text.encode()})

    (fault,) = refused.value.faults
    assert (fault.file, fault.field) == (file, "condition")
    assert "there is no `" in fault.problem


def test_examples_without_a_condition_are_refused() -> None:
    text = FILES_OF_DEMO["split_rules.yaml"].decode()
    more = text.replace("  order: 20\n", "  order: 20\n  examples:\n    - expect: true\n", 1)

    with pytest.raises(BadBundle, match="are of no condition"):
        read_bundle({**FILES_OF_DEMO, "split_rules.yaml": more.encode()})


@pytest.mark.parametrize(
    ("old", "new"), [("Large deals", "Big deals"), ("100000", "99999"), ("owner: finance", "owner: sales")]
)
def test_every_change_of_a_rule_needs_a_second_person(old: str, new: str) -> None:
    """A rule stops deals and lets them through."""
    before = read_bundle(FILES_OF_DEMO).rows
    after = read_bundle(files()).rows

    (added,) = differences(before, after)
    (removed,) = differences(after, before)
    (changed,) = differences(after, read_bundle(files(edited(old, new))).rows)
    assert all(map(moves_money, (added, removed, changed)))


def test_all_examples_are_tried_also_where_rules_are_wrong() -> None:
    text = edited("expect: true", "expect: false") + edited("large", "broken").replace(
        "deal.amount >", "deal.amuont >"
    )

    broken, unshown, first, second = sorted(
        rule_tests(read_rows(files(text))), key=lambda each: (each.row, each.example)
    )

    assert (broken.row, broken.example, broken.came) == ("name broken from 2026-01-01", 0, None)
    assert broken.why.startswith("column 5: there is no `deal.amuont`. Did you mean `deal.amount`?")
    assert [(each.example, each.expected, each.came, each.outcome) for each in (first, second)] == [
        (1, False, True, Outcome.FAILED),
        (2, False, False, Outcome.MET),
    ]
    assert (unshown.row, unshown.outcome) == ("name large from 2026-01-01", Outcome.UNTESTED)
    assert unshown.why == "No example shows when it holds"


def test_what_is_wrong_with_conditions_is_told_beside_rows_that_cannot_be_read() -> None:
    """As the check of a bundle does."""
    unreadable = edited("large", "unreadable").replace("on: validation", "on: nothing")
    text = RULE.replace("deal.amount >", "deal.amuont >") + unreadable

    with pytest.raises(BadBundle) as checked:
        read_bundle(files(text))
    with pytest.raises(BadBundle) as tested:
        read_rows(files(text))

    assert len(checked.value.faults) == 2
    assert {each.problem for each in tested.value.faults} == {each.problem for each in checked.value.faults}


@pytest.mark.parametrize(
    ("old", "new", "also"),
    [
        ("owner: finance", "owner: nobody", "rules.yaml:6: owner: "),
        ("on: validation", "on: nothing", "rules.yaml:3: on: "),
        ("  owner: finance\n", "", "rules.yaml:1: owner: is missing"),
        ("on: validation", "on: enrichment", "a rule of enrichment has to fill something"),
    ],
)
def test_what_is_wrong_with_the_condition_of_a_row_that_cannot_be_read_is_told_at_once(
    old: str, new: str, also: str
) -> None:
    broken = edited("deal.amount >", "deal.amuont >").replace(old, new)

    assert also in told(broken)
    assert "rules.yaml:4: condition: rule large: column 5: there is no `deal.amuont`. Did you mean" in told(
        broken
    )
    wrong_example = edited("expect: true", "expect: false").replace(old, new)
    assert also in told(wrong_example)
    assert "example 1: rule large: the condition holds for this" in told(wrong_example)
    assert told(RULE.replace(old, new)).count("rules.yaml:") == 1


def test_of_a_condition_or_an_example_that_cannot_be_read_nothing_is_told_twice() -> None:
    assert told(edited("deal.amount > 100000", f'"{"x" * 2_001}"')).count("condition: ") == 1
    assert told(edited("expect: true", "expect: perhaps")).count("rules.yaml:") == 1


def test_the_examples_of_all_rules_together_look_at_no_more_than_is_bearable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("oppsync.domain.policy.expressions.MOST", 12)
    rows = read_rows(files(RULE + edited("large", "larger")))

    found = list(rule_tests(rows))

    assert [each.outcome for each in found[:2]] == [Outcome.MET, Outcome.MET]
    assert any("all conditions together look at too much" in each.why for each in found[2:])


def test_a_rule_without_examples_is_named_and_one_without_a_condition_needs_none() -> None:
    text = RULE[: RULE.index("  examples:")]

    (found,) = rule_tests(read_rows(files(text)))

    assert (found.row, found.example, found.outcome) == ("name large from 2026-01-01", 0, Outcome.UNTESTED)
    assert found.why.startswith("It has no examples")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=8,
)


@given(st.text(max_size=60) | st.text("()[].!&|=<>+'\" dealinescustomr,05", max_size=60), json_values)
def test_any_condition_and_any_example_are_read_or_refused(condition: str, example: Any) -> None:
    given_facts = example if isinstance(example, dict) else {"deal": example}
    rule = {
        "name": "any",
        "valid_from": "2026-01-01",
        "on": "validation",
        "condition": condition,
        "message": "m",
        "owner": "sales",
        "examples": [{"given": given_facts, "expect": True}, {"given": {}, "expect": False}],
    }
    try:
        text = canonical_json.dumps([rule]).encode()
    except UnicodeEncodeError:
        return
    try:
        read = read_bundle({**FILES_OF_DEMO, "rules.yaml": text})
    except BadBundle as refused:
        assert all(fault.file == "rules.yaml" for fault in refused.faults)  # noqa: PT017
        return
    assert write_bundle(*read_bundle(write_bundle(*read))) == write_bundle(*read)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("hourly", "hourly"),
        ("phases.0.tasks.1.name", "phase 1 > task 2 > name"),
        ("examples.0.given.deal.amount", "example 1 > given.deal.amount"),
        ("settings.fields.Opportunity.Region__c", "settings.fields.Opportunity.Region__c"),
        ("currencies.2", "currency 3"),
        ("0.code", "row 1 > code"),
    ],
)
def test_a_place_is_counted_from_one(field: str, words: str) -> None:
    assert place_in_words(field) == words
