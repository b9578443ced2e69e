"""pydantic inside flask-smorest: exact numbers, strict bodies, one name for one model."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import flask
import marshmallow as ma
import pytest
from pydantic import Field

from oppsync.domain.values.model import Frozen
from oppsync.kernel import canonical_json
from web.api.bridge import Api, Blueprint, ModelSchema
from web.api.schemas.problems import ProblemDocument


class Sale(Frozen):
    amount: Decimal = Field(max_digits=20)
    won_on: date


def load(body: str) -> Sale:
    sale = ModelSchema(Sale, "validation").load(canonical_json.loads(body))
    assert isinstance(sale, Sale)
    return sale


@pytest.mark.parametrize("written", ["12345678901234567.89", '"12345678901234567.89"'])
def test_an_amount_loses_no_digit_on_its_way_in_and_out(written: str) -> None:
    sale = load(f'{{"amount": {written}, "won_on": "2026-03-02"}}')
    assert sale.amount == Decimal("12345678901234567.89")
    assert ModelSchema(Sale, "serialization").dump(sale)["amount"] == "12345678901234567.89"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"amount": "1", "won_on": 0}', "/won_on"),
        ('{"amount": "1e999", "won_on": "2026-03-02"}', "/amount"),
        ('{"amount": true, "won_on": "2026-03-02"}', "/amount"),
    ],
)
def test_nothing_is_guessed_from_a_value_of_another_kind(body: str, pointer: str) -> None:
    with pytest.raises(ma.ValidationError) as refused:
        load(body)
    errors = refused.value.messages_dict["errors"]
    assert [error["pointer"] for error in errors] == [pointer]


def test_two_unlike_models_of_one_name_are_a_mistake_seen_at_start() -> None:
    app = flask.Flask(__name__)
    app.config.update(API_TITLE="t", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    blueprint = Blueprint("sales", __name__)
    other = type("Sale", (Frozen,), {"__annotations__": {"buyer": str}})

    @blueprint.route("/one")
    @blueprint.answers(Sale)
    def one() -> None: ...

    @blueprint.route("/two")
    @blueprint.answers(other)
    def two() -> None: ...

    with pytest.raises(ValueError, match="Sale"):
        Api(app, ProblemDocument).register_blueprint(blueprint)
