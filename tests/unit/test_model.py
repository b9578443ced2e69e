"""A changed copy of a value is as valid as the value: a misspelt field or a wrong value never gets into one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from oppsync.domain.reference.entities import CostCentre, TemplatePhase
from oppsync.domain.values.model import changed
from tests.harness import builders as make

PROJECT = Path(__file__).parents[2]
FOLDERS = ("oppsync", "adapters", "actors", "web", "sandbox", "migrations", "benchmarks", "tests")
THE_HELPER = PROJECT / "oppsync" / "domain" / "values" / "model.py"
UNCHECKED = ".model_copy(" + "update="
CENTRE = CostCentre(code="CC-1", name="Cloud")


def test_a_copy_has_the_new_values_and_the_old_ones_beside_them() -> None:
    closed = changed(CENTRE, closed_on=date(2026, 5, 4))

    assert (closed.code, closed.name, closed.closed_on) == ("CC-1", "Cloud", date(2026, 5, 4))
    assert CENTRE.closed_on is None


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(ValueError, match="CostCentre has no field closed_at, closes"):
        changed(CENTRE, closes=date(2026, 5, 4), closed_at=None)


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="closed_on"):
        changed(CENTRE, closed_on="soon")


def test_a_rule_over_several_fields_is_asked_again() -> None:
    template = make.enrichment(make.opportunity(make.fixed_line())).lines[0].template
    half = TemplatePhase(code="build", name="Build", percent=Decimal(50))

    with pytest.raises(ValueError, match="phases"):
        changed(template, phases=(half,))


def test_what_nobody_set_is_still_left_out_of_the_document() -> None:
    assert changed(CENTRE, name="Clouds").model_dump(exclude_unset=True) == {"code": "CC-1", "name": "Clouds"}


def test_a_part_that_is_not_changed_is_the_same_part() -> None:
    deal = make.opportunity()

    assert changed(deal, name="Another").account is deal.account


def test_nothing_copies_a_model_unchecked() -> None:
    files = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py")]

    assert [str(path) for path in files if path != THE_HELPER and UNCHECKED in path.read_text("utf-8")] == []
