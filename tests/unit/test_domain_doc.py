"""docs/domain.md covers every billing model, and every landing it claims has its test."""

from __future__ import annotations

import re
from pathlib import Path

from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.revenue.table import DEFAULT_METHODS, RECOGNITIONS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "domain.md").read_text(encoding="utf-8")
LANDINGS = re.compile(r"^\| (\S+) \| ([^|]+) \| [^|]+ \| `(test_\w+)` \|$", re.MULTILINE)
METHODS = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
MODELS = re.compile(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def test_every_billing_model_is_explained() -> None:
    assert MODELS.findall(DOCUMENT.partition("## Dates")[0]) == list(BILLING_MODELS)


def test_every_method_of_recognition_is_explained_with_the_models_it_is_the_default_of() -> None:
    told = DOCUMENT.partition("## Revenue")[2].partition("## In the ERP")[0]
    methods = {method: set(re.findall(r"`(\w+)`", models)) for method, models in METHODS.findall(told)}

    assert methods == {
        method: {model for model, default in DEFAULT_METHODS.items() if default is method}
        for method in RECOGNITIONS
    }


def test_every_billing_model_lands_and_its_landing_is_tested() -> None:
    landings = {model.strip("`"): (kinds, test) for model, kinds, test in LANDINGS.findall(DOCUMENT)}
    seen = (ROOT / "tests" / "integration" / "test_tryton_landing.py").read_text(encoding="utf-8")

    assert list(landings) == [*BILLING_MODELS, "mixed"]
    for code, model in BILLING_MODELS.items():
        kinds, _ = landings[code]
        assert set(re.findall(r"`(\w+)`", kinds)) == {kind.value for kind in model.kinds}
    for _, test in landings.values():
        assert f"def {test}(" in seen
