"""A stored plan is made again from what was kept of it, by the version that made it: bit for bit, or the
difference is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import pytest

from oppsync import __version__
from oppsync.domain.reading.recomputed import Recomputed
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.work.states import State
from oppsync.kernel.errors import Conflict, NotFound
from oppsync.services.configuration.commands import ApplyConfiguration
from oppsync.services.insight.commands import RecomputePlan
from oppsync.services.queue.commands import ConfirmFindings
from sandbox.firm import deals
from sandbox.firm.demo_firm import bundle
from tests.harness.builders import TENANT
from tests.harness.house import WON_ON, House
from tests.service.test_overrides import override
from tests.service.test_plan_anew import move_to_umbrella, parked_when_created, plan_anew

FIRM, ROWS = bundle()
K = ReferenceKind


def again(house: House, record_id: str, plan_hash: str | None = None) -> Recomputed:
    command = RecomputePlan(TENANT, COMMAND_LINE, house.opportunity(record_id).id, plan_hash)
    return house.application.dispatch(command)


def apply(house: House, rows: Sequence[ReferenceRow]) -> None:
    house.application.dispatch(ApplyConfiguration(TENANT, COMMAND_LINE, FIRM, rows))


def renamed_centres(rows: Sequence[ReferenceRow] = ROWS) -> list[ReferenceRow]:
    """Each cost centre has another code."""
    return [
        changed(row, value={**row.value, "code": f"{row.value['code']}-NEW"})
        if row.kind is K.COST_CENTRE
        else row
        for row in rows
    ]


def test_a_plan_is_made_again_by_the_version_that_made_it_whatever_holds_now(house: House) -> None:
    record_id = house.to_active(deals.three_workstreams(WON_ON))
    apply(house, renamed_centres())

    found = again(house, record_id)

    assert (found.is_same, found.hash) == (True, house.plan(record_id).hash)
    assert (found.made_by, found.release, found.configuration.number) == (__version__, __version__, 1)
    assert (found.changes, found.findings) == ((), ())
    assert "the same bit for bit (this is the same release)" in found.in_words


def test_what_validation_asked_of_the_erp_is_kept_with_it_and_no_part_of_its_hash(house: House) -> None:
    record_id = house.to_approval(deals.milestone(WON_ON))

    (kept,) = house.rows("select content -> 'erp_facts' as said from plan_inputs")
    (deal,) = house.rows("select record_digest, erp_facts from opportunities")
    content = house.plan(record_id).plan.content
    assert kept["said"] == deal["erp_facts"]
    assert kept["said"] == {
        "record_digest": deal["record_digest"],
        "company": content.erp_company,
        "terms": "NET60",
        "books_open_until": "2028-12-31",
    }
    assert again(house, record_id).is_same
    house.rows("update plan_inputs set content = content - 'erp_facts'")
    assert again(house, record_id).is_same


def test_what_people_said_and_what_the_erp_said_are_kept_with_it(house: House) -> None:
    record_id = house.win(deals.milestone(WON_ON))
    house.edit(record_id, opportunity={"Start_Date__c": "2026-01-05"})
    house.settle()
    item = house.exception(record_id)
    reason = "The work began by a letter of intent"
    house.application.dispatch(ConfirmFindings(TENANT, item.id, house.operator, reason))
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)
    first = house.plan(record_id).hash
    override(house, record_id)
    house.settle()
    override(house, record_id, field="ends_on", value="2026-12-11", reason="One week more")
    house.settle()
    assert house.state(record_id) is State.AWAITING_APPROVAL, house.exceptions(record_id)

    assert house.plan(record_id).hash != first
    assert again(house, record_id).is_same
    assert again(house, record_id, first).is_same


def test_a_plan_in_place_of_another_is_made_again_with_its_lines_under_their_own_paths(house: House) -> None:
    record_id = parked_when_created(house, deals.fixed_fee(WON_ON, "CUST-1004", "ACME-DE"))
    first = house.plan(record_id).hash
    move_to_umbrella(house, record_id)
    plan_anew(house, record_id)
    house.settle()

    lines = [line.path for _node, line in house.plan(record_id).plan.content.billing_lines()]
    assert any("@" in path for path in lines)
    assert again(house, record_id).is_same
    assert again(house, record_id, first).is_same


def test_rows_that_change_between_two_stages_are_no_difference(house: House) -> None:
    floor = {"floor_percent": "99", "severity": "blocks"}
    thin = ReferenceRow(kind=K.MARGIN_POLICY, key="ACME-US", valid_from=date(2026, 1, 1), value=floor)
    apply(house, [*(row for row in ROWS if row.kind is not K.MARGIN_POLICY), thin])
    record_id = house.win(deals.fixed_fee(WON_ON))
    house.settle()
    assert house.opportunity(record_id).resume_state is State.ENRICHED
    other = [row for row in ROWS if row.kind not in (K.MARGIN_POLICY, K.REGION)]
    apply(house, [*other, *_other_regions()])
    house.replay(house.exception(record_id))
    house.settle()

    plan = house.plan(record_id).plan
    assert "heard later" not in str(plan.content.compliance)
    assert again(house, record_id).is_same


def _other_regions() -> list[ReferenceRow]:
    rows = [row for row in ROWS if row.kind is K.REGION]
    return [changed(row, value={**row.value, "compliance": {"rule": "heard later"}}) for row in rows]


def test_who_had_to_approve_is_made_again_though_the_customer_is_known_by_now(house: House) -> None:
    value = {"name": "New customers", "roles": ["finance"], "people": [], "count": 1, "new_customer": True}
    step = ReferenceRow(kind=K.APPROVAL_STEP, key="new", valid_from=date(2026, 1, 1), value=value)
    apply(house, [*ROWS, step])
    first = house.to_approval(deals.fixed_fee(WON_ON))
    house.rows("update opportunities set activated_at = now()")
    second = house.to_approval(deals.fixed_fee(WON_ON, name="Another review"))

    asked = [[each.step for each in house.plan(deal).plan.content.required] for deal in (first, second)]
    assert asked == [["new", "delivery"], ["finance", "delivery"]]
    assert again(house, first).is_same
    assert again(house, second).is_same


def test_what_another_release_computed_otherwise_is_said(house: House) -> None:
    record_id = house.to_active(deals.fixed_fee(WON_ON))
    plan = house.plan(record_id).plan
    house.rows("""update plan_inputs set content = jsonb_set(
        jsonb_set(content, '{release}', '"0.3.9"'), '{record,contract,po_number}', '"PO-OTHER"')""")

    found = again(house, record_id)

    assert not found.is_same
    (change,) = found.changes
    assert change.in_words == f"the deal: po number: {plan.content.po_number} -> PO-OTHER"
    assert "made by release 0.3.9" in found.in_words
    assert f"1 value differs; this is release {__version__}." in found.in_words


def _of_a_release_before(house: House) -> None:
    house.rows("delete from plan_inputs")


def _by_rows_that_are_gone(house: House) -> None:
    house.rows("update plan_inputs set content = content #- '{configuration,number}'")
    house.rows(
        """update plan_inputs set content = jsonb_set(content, '{configuration,fingerprint}', '"f00"')"""
    )


@pytest.mark.parametrize(
    ("happened", "code"),
    [(_of_a_release_before, "INPUTS_NOT_KEPT"), (_by_rows_that_are_gone, "CONFIGURATION_NOT_KEPT")],
)
def test_what_was_not_kept_is_refused(house: House, happened: Callable[[House], None], code: str) -> None:
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    happened(house)

    with pytest.raises(Conflict) as refused:
        again(house, record_id)

    assert refused.value.code == code
    with pytest.raises(NotFound):
        again(house, record_id, "no such hash")


def test_rows_that_somebody_wrote_past_the_versions_count_while_they_are_known(house: House) -> None:
    """First because they are those of now, then because the next change kept them as a version."""
    house.rows(
        "update reference_rows set value = value || '{\"name\": \"By hand\"}' where kind = 'service_line'"
    )
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    assert again(house, record_id).configuration.number is None
    assert again(house, record_id).is_same

    apply(house, ROWS)

    assert again(house, record_id).is_same


def test_the_inputs_are_those_by_which_the_plan_was_last_made(house: House) -> None:
    record_id = house.to_approval(deals.fixed_fee(WON_ON))
    apply(house, [row for row in ROWS if row.kind is not K.TAX_NEXUS])

    first = house.plan(record_id)
    for number in ("PO-OTHER", first.plan.content.po_number):
        house.edit(record_id, opportunity={"PO_Number__c": number})
        house.tell(record_id)
        house.settle()

    assert house.plan(record_id).hash == first.hash
    kept = house.rows(
        "select content -> 'configuration' ->> 'number' as number from plan_inputs order by kept_at"
    )
    assert [each["number"] for each in kept] == ["2", "2"]
