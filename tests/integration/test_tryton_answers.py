"""What Tryton's answers and refusals become."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.erp.tryton.client import TrytonClient
from adapters.erp.tryton.creating import Creator, New
from adapters.erp.tryton.errors import NumberDrawnTwice
from adapters.erp.tryton.named import OfCompany
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.orders import NodeOrder
from oppsync.domain.plan.plan import NodeKind
from oppsync.kernel.errors import (
    AmbiguousAnswer,
    Misconfigured,
    RateLimited,
    RecordBusy,
    VendorRejected,
    VendorUnavailable,
)
from oppsync.ports.erp import CreatesTogether, Erp
from sandbox.contracts.erp_deals import Deal
from tests.harness import builders
from tests.harness.house import IMPATIENT
from tests.integration.tryton_calls import READY, WORK, Canned, answering, connect


@pytest.mark.parametrize(
    ("model", "records", "missing"),
    [
        ("account.tax", [], "a tax"),
        ("account.journal", [], "a revenue journal"),
        ("account.configuration", [{"default_account_receivable": None}], "a default receivable account"),
        (
            "account.configuration",
            [{"default_account_receivable": {"id": 1, "closed": True}}],
            "a default receivable account",
        ),
        ("account.configuration", [{"default_category_account_revenue": None}], "a default revenue account"),
    ],
)
def test_what_a_company_lacks_is_named(model: str, records: list[dict[str, Any]], missing: str) -> None:
    whole = [READY[model][0] | record for record in records]
    with answering({model: (200, json.dumps(whole))}) as url:
        assert connect(url).missing_for("ACME-DE") == [missing]


def refusal(sentence: str) -> Canned:
    return 400, f'{{"status": 400, "message": "{sentence}", "description": ""}}'


@pytest.mark.parametrize(
    ("answer", "after_write", "after_read"),
    [
        (refusal("The number on work must be unique."), NumberDrawnTwice, NumberDrawnTwice),
        (refusal("The code on party must be unique."), VendorRejected, VendorRejected),
        (refusal('You are not allowed to access \\"Work\\".'), Misconfigured, Misconfigured),
        ((400, "<h1>Bad Request</h1>"), VendorRejected, VendorRejected),
        ((401, "<h1>Unauthorized</h1>"), Misconfigured, Misconfigured),
        ((403, "<h1>Forbidden</h1>"), Misconfigured, Misconfigured),
        ((404, "<h1>Not Found</h1>"), Misconfigured, Misconfigured),
        ((429, ""), RateLimited, RateLimited),
        ((500, "<p>&#39;nosuch&#39;</p>"), AmbiguousAnswer, VendorUnavailable),
        ((503, "<p>database is locked</p>"), RecordBusy, RecordBusy),
        ((503, "<p>connection lost</p>"), AmbiguousAnswer, VendorUnavailable),
        ((504, ""), AmbiguousAnswer, VendorUnavailable),
        ((200, "<h1>Maintenance</h1>"), AmbiguousAnswer, VendorUnavailable),
        ((200, '{"id": 1}'), AmbiguousAnswer, Misconfigured),
    ],
    ids=lambda value: str(value[0]) + value[1][:40] if isinstance(value, tuple) else None,
)
def test_what_an_answer_means(
    answer: Canned, after_write: type[Exception], after_read: type[Exception]
) -> None:
    """Certainly not carried out, unknown, or for people: the error's class decides what happens next."""
    order = Deal(builders.opportunity(builders.fixed_line())).node()
    absent = (200, "[]")
    with answering({"POST": answer, "project.work": absent}) as url, pytest.raises(after_write) as refused:
        connect(url).create_node(order)
    assert type(refused.value) is after_write
    with answering({"project.work": answer}) as url, pytest.raises(after_read) as refused:
        connect(url).find_node(order)
    assert type(refused.value) is after_read


def test_a_number_drawn_twice_is_drawn_again() -> None:
    race = refusal("The number on work must be unique.")
    order = Deal(builders.opportunity(builders.fixed_line())).node()
    made = (200, json.dumps(WORK))
    with answering({"POST": [race, race, made], "project.work": (200, "[]")}) as url:
        assert connect(url).create_node(order).outside_id == "7"


def test_after_a_number_drawn_twice_our_key_is_looked_up_first() -> None:
    race = refusal("The number on work must be unique.")
    order = Deal(builders.opportunity(builders.fixed_line())).node()
    there = WORK | {"id": 8, "comment": order.key}
    with answering({"POST": race, "project.work": (200, json.dumps([there]))}) as url:
        assert connect(url).create_node(order).outside_id == "8"


def two_children() -> tuple[NodeOrder, NodeOrder]:
    deal = Deal(builders.opportunity(builders.fixed_line(), builders.fixed_line(id="00kB")))
    deal.ids["project"] = "7"
    first, second = (deal.node(node.path) for node in deal.plan.nodes if node.kind is NodeKind.WORKSTREAM)
    return first, second


def below(*children: dict[str, Any]) -> Canned:
    return 200, json.dumps({"id": 7, "children": [WORK | child for child in children]})


def together(erp: Erp) -> CreatesTogether:
    assert isinstance(erp, CreatesTogether)
    return erp


def test_of_many_the_answer_names_each_by_its_key_and_says_nothing_of_others() -> None:
    """Another deal's record, a stranger's, and two under one key."""
    first, second = two_children()
    mine = {"id": 9, "number": "9", "comment": first.key}
    others: list[dict[str, Any]] = [{"id": 8, "comment": f"{first.key}-other"}, {"id": 10, "comment": None}]
    twice: list[dict[str, Any]] = [{"id": 11, "comment": second.key}, {"id": 12, "comment": second.key}]
    with answering({"PUT": below(*others, mine, *twice)}) as url:
        made = together(connect(url)).create_together([second, first])

    assert {key: landed.outside_id for key, landed in made.items() if isinstance(landed, ExternalRecord)} == {
        first.key: "9"
    }


@pytest.mark.parametrize("answer", [(204, ""), (200, "<h1>Maintenance</h1>"), (503, "<p>gone</p>"), (504, "")])
def test_an_answer_of_many_that_is_none_leaves_all_of_them_unknown(answer: Canned) -> None:
    with answering({"PUT": answer}) as url, pytest.raises(AmbiguousAnswer):
        together(connect(url)).create_together(two_children())


def test_a_number_drawn_twice_by_many_is_drawn_again_while_none_of_them_exists() -> None:
    race, (first, second) = refusal("The number on work must be unique."), two_children()
    made = below({"id": 8, "comment": first.key}, {"id": 9, "comment": second.key})
    with answering({"PUT": [race, made], "project.work": (200, "[]")}) as url:
        assert together(connect(url)).create_together([first, second]).keys() == {first.key, second.key}

    there = (200, json.dumps([WORK | {"id": 8, "comment": first.key}]))
    with answering({"PUT": race, "project.work": there}) as url, pytest.raises(AmbiguousAnswer):
        together(connect(url)).create_together([first, second])


def test_invoices_that_were_created_and_could_not_be_read_are_unknown() -> None:
    with answering({"POST": (200, "[4, 5]"), "account.invoice": (503, "<p>gone</p>")}) as url:
        client = TrytonClient(url, "erp", "k", timeout=5)
        creator = Creator(client, lambda keys: [], lambda new, record: ExternalRecord(outside_id="none"))
        company = OfCompany(1, "ACME-DE", "EUR")
        new = [New(key, "account.invoice", {"reference": key}, {}, company) for key in ("a", "b")]
        with pytest.raises(AmbiguousAnswer, match="created, but not read"):
            creator.together(new)


def test_what_is_no_record_of_tryton_s_does_not_count_as_absent() -> None:
    key = two_children()[0].key
    with answering({"project.work": (200, '[{"id": 1}]')}) as url, pytest.raises(Misconfigured):
        connect(url).existing_keys([key, f"{key}-other"])


def test_no_answer_to_a_create_leaves_the_outcome_unknown() -> None:
    order = Deal(builders.opportunity(builders.fixed_line())).node()
    with answering({"POST": None}) as url, pytest.raises(AmbiguousAnswer):
        connect(url, timeout=IMPATIENT).create_node(order)


def test_the_quarantine_covers_our_patience_and_tryton_s_late_commit() -> None:
    assert connect("http://127.0.0.1:1", timeout=2, late_commit=5).quarantine.total_seconds() == 7


def test_a_web_client_s_address_is_used_where_there_is_one() -> None:
    with answering({}) as url:
        landed = connect(url, web_url="https://erp.example/").create_node(
            Deal(builders.opportunity(builders.fixed_line())).node()
        )

    assert landed.url == "https://erp.example/#erp/model/project.work/7"
