"""One table says which system owns each field of a deal and of the reference data."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from click.testing import CliRunner

from adapters.cli.opportunities import opportunity
from oppsync.domain.catalog import CATALOG
from oppsync.domain.configuration.files import FILES
from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.deal.owned_fields import WHERE_CHANGED, SystemOfRecord
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.reading.system_of_record import GROUPS, systems_of_record, why_no_override
from oppsync.domain.values.model import Frozen


def shapes_in(annotation: Any) -> set[type[Frozen]]:
    """The models that a field holds, however it holds them."""
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return {annotation}
    return {found for part in get_args(annotation) for found in shapes_in(part)}


def test_every_field_has_one_owner() -> None:
    found = [(each.group, each.field) for each in systems_of_record()]

    assert len(found) == len(set(found))
    assert set(WHERE_CHANGED) == set(SystemOfRecord)
    assert {each.group for each in systems_of_record()} == {group.title for group in GROUPS}


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
def test_what_a_group_names_of_its_fields_exists(group: Any) -> None:
    fields = {*group.shape.model_fields, *group.besides}
    assert {*group.within, *group.but, *group.names} <= fields
    assert group.within.isdisjoint(group.but)


def test_every_shape_of_a_deal_and_every_kind_of_row_is_in_the_table() -> None:
    known = {group.shape for group in GROUPS}
    left_out = {
        name: shape for kind in FILES if (shape := CATALOG[kind].shape) not in known for name in (kind,)
    }
    assert left_out == {}
    for group in GROUPS:
        for name in group.within:
            assert shapes_in(group.shape.model_fields[name].annotation) <= known, name
    inner = {name for name, field in Opportunity.model_fields.items() if shapes_in(field.annotation) & known}
    (deal,) = (group for group in GROUPS if group.shape is Opportunity)
    assert inner == deal.within


def test_the_crm_owns_the_deal_the_erp_its_customers_and_the_write_back_is_ours() -> None:
    owners = {(each.group, each.field): each.owner for each in systems_of_record()}
    names = {(each.group, each.field): each.names for each in systems_of_record()}

    assert owners["Deal", "amount"] is SystemOfRecord.CRM
    assert owners["Customer", "tax_ids"] is SystemOfRecord.ERP
    assert owners["Write-back in the CRM and the PSA", "status"] is SystemOfRecord.OPPSYNC
    assert owners["rates.csv", "hourly"] is SystemOfRecord.CONFIGURATION
    assert names["cost_centres.csv", "code"] is SystemOfRecord.ERP


def test_whoever_overrides_another_system_s_field_on_the_command_line_is_told_whose_it_is() -> None:
    change = ("00kL2", "amount", "1", "--reason", "R", "--by", "ana@acme.example")
    told = CliRunner().invoke(opportunity, ["override", "006", *change])
    assert told.exit_code == 2
    assert "The CRM owns amount (deal, cap), which is changed in the CRM" in " ".join(told.output.split())


@pytest.mark.parametrize("name", [*OverrideField])
def test_what_an_override_may_change_is_nobody_else_s(name: str) -> None:
    assert why_no_override(name) is None
