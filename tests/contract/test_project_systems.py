"""What every ERP must do, whoever made it: run against each row of the registry, on the real thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from adapters.erp.registry import PROJECT_SYSTEMS
from adapters.runtime.plugins import load
from adapters.runtime.processes import free_port
from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.opportunity import Opportunity, OpportunityLine
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.orders import CustomerOrder, LineOrder, NodeOrder
from oppsync.domain.plan.plan import NewCustomer, PlanContent
from oppsync.domain.values.keys import EffectKind, outside_key
from oppsync.domain.values.model import changed
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.kernel.errors import BusinessError, Misconfigured, VendorRejected, VendorUnavailable
from oppsync.ports.erp import ProjectSystem
from sandbox.embedded.tryton.server import TrytonAddress
from sandbox.standins.process import running
from tests.harness import builders


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


class Access(NamedTuple):
    """How an ERP is reached; `address` names the setting that holds its URL."""

    settings: dict[str, Any]
    secrets: dict[str, str]
    address: str


@pytest.fixture
def tryton_access(tryton: TrytonAddress) -> Access:
    settings = {"base_url": tryton.url, "database": tryton.database}
    return Access(settings, {"rest_key": tryton.rest_key}, "base_url")


@pytest.fixture(scope="session")
def tryton_standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running("tryton", tmp_path_factory.mktemp("standin") / "tryton.sqlite") as url:
        yield url


@pytest.fixture
def tryton_standin_access(tryton_standin: str) -> Access:
    settings = {"base_url": tryton_standin, "database": "erp"}
    return Access(settings, {"rest_key": "tryton-standin-rest-key"}, "base_url")


# The bench's stand-ins keep the same contract as what they stand in for.
STANDINS = {"tryton_standin": "tryton"}


@pytest.fixture(params=[*sorted(PROJECT_SYSTEMS), *STANDINS])
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def vendor(system: str) -> str:
    return STANDINS.get(system, system)


@pytest.fixture
def access(system: str, request: pytest.FixtureRequest) -> Access:
    """A new ERP needs a fixture `<vendor>_access` here."""
    found = request.getfixturevalue(f"{system}_access")
    assert isinstance(found, Access)
    return found


def connect(vendor: str, access: Access) -> ProjectSystem:
    connection = Connection(
        tenant_id="default",
        id="erp",
        role=ConnectionRole.PROJECTS,
        vendor=vendor,
        name="The ERP",
        settings=access.settings,
    )
    system: ProjectSystem = load(PROJECT_SYSTEMS, vendor)(connection, access.secrets, FixedClock())
    return system


@pytest.fixture
def erp(vendor: str, access: Access) -> ProjectSystem:
    return connect(vendor, access)


class Deal:
    """The orders of a plan, made as the pipeline makes them, under keys of its own."""

    def __init__(self, opportunity: Opportunity | None = None, plan: PlanContent | None = None) -> None:
        self.record = uuid4().hex
        self.plan = plan or builders.content(opportunity or builders.opportunity())
        self.ids: dict[str, str] = {}

    def key(self, kind: EffectKind, path: str) -> str:
        return outside_key("default", "sf", self.record, kind, path)

    def node(self, path: str = "project", **changes: Any) -> NodeOrder:
        node = changed(self.plan.node(path), **changes)
        key = self.key(EffectKind.CHILD if node.parent else EffectKind.PARENT, path)
        return NodeOrder(
            key=key, plan=self.plan, node=node, parent_id=self.ids[node.parent] if node.parent else None
        )

    def lines(self) -> Iterator[LineOrder]:
        for node, line in self.plan.billing_lines():
            key = self.key(EffectKind.BILLING_LINE, line.path)
            yield LineOrder(key=key, plan=self.plan, node=node, line=line, project_id=self.ids[node.path])

    def create(self, erp: ProjectSystem) -> list[ExternalRecord]:
        """The whole tree, parents first."""
        landed = []
        for node in self.plan.nodes:
            landed.append(erp.create_node(self.node(node.path)))
            self.ids[node.path] = landed[-1].outside_id
        return landed + [erp.create_line(order) for order in self.lines()]

    def find(self, erp: ProjectSystem) -> list[ExternalRecord | None]:
        nodes = [erp.find_node(self.node(node.path)) for node in self.plan.nodes]
        return nodes + [erp.find_line(order) for order in self.lines()]


def one_line_deal(line: Callable[[], OpportunityLine], **changes: Any) -> Deal:
    return Deal(builders.opportunity(line(), **changes))


def test_it_knows_its_customers(erp: ProjectSystem) -> None:
    assert erp.has_customer("CUST-1001")
    assert not erp.has_customer("CUST-9999")
    assert not erp.has_customer("CUST-100")


def test_both_legal_entities_are_ready_and_an_unknown_one_is_said_to_be_missing(erp: ProjectSystem) -> None:
    assert erp.missing_for("ACME-DE") == []
    assert erp.missing_for("ACME-US") == []
    (missing,) = erp.missing_for("ACME-FR")
    assert "ACME-FR" in missing


def test_it_finds_customers_by_name_whatever_the_capitals(erp: ProjectSystem) -> None:
    (found,) = erp.find_customers("GLOBEX gmbh", None)
    assert (found.code, found.name, found.countries) == ("CUST-1001", "Globex GmbH", ("DE",))
    assert erp.find_customers("Globex", "DE136695976") == []
    assert erp.find_customers("Gl%", None) == []


def test_it_creates_a_customer_once_and_finds_it_by_its_code(erp: ProjectSystem) -> None:
    code = f"CUST-{uuid4().hex[:8]}"
    customer = NewCustomer(code=code, name="Newcomer SARL", country="FR", tax_id="FR40303265045")
    order = CustomerOrder(key=f"oppsync:{code}", customer=customer, erp_company="ACME-DE")
    assert erp.find_customer(order) is None

    created = erp.create_customer(order)

    assert erp.find_customer(order) == created
    assert (created.number, erp.has_customer(code)) == (code, True)
    found = {candidate.code: candidate for candidate in erp.find_customers("Newcomer SARL", "FR40303265045")}
    assert (found[code].countries, found[code].tax_ids) == (("FR",), ("FR40303265045",))


def test_it_knows_its_payment_terms_and_how_long_its_books_are_open(erp: ProjectSystem) -> None:
    assert erp.has_payment_terms("NET30")
    assert not erp.has_payment_terms("NET31")
    assert erp.books_open_until("ACME-DE") == date(2028, 12, 31)
    assert erp.books_open_until("ACME-FR") is None


def test_it_lands_every_kind_that_the_billing_models_emit(erp: ProjectSystem) -> None:
    for model in BILLING_MODELS.values():
        assert model.kinds <= erp.line_kinds


@pytest.mark.parametrize("line", builders.LINES.values(), ids=builders.LINES)
def test_a_deal_of_one_workstream_is_created_and_found_again(
    erp: ProjectSystem, line: Callable[[], OpportunityLine]
) -> None:
    deal = one_line_deal(line)

    created = deal.create(erp)

    assert deal.find(erp) == created
    assert all(landed.differences == {} for landed in created)
    assert len({(landed.outside_id, landed.url) for landed in created}) == len(created)


def test_a_deal_that_mixes_every_model_is_created_and_found_again(erp: ProjectSystem) -> None:
    deal = Deal(builders.opportunity(*(line() for line in builders.LINES.values())))

    created = deal.create(erp)

    assert len(created) == len(deal.plan.nodes) + len(list(deal.plan.billing_lines()))
    assert deal.find(erp) == created
    assert all(landed.differences == {} for landed in created)


def test_a_deal_with_credits_is_created_and_found_again(erp: ProjectSystem) -> None:
    taken_back = [builders.credit(line(), id=f"00kC{n}") for n, line in enumerate(builders.CREDITS.values())]
    deal = Deal(builders.opportunity(builders.time_line(quantity=10_000, net=1_440_000), *taken_back))

    created = deal.create(erp)

    assert deal.find(erp) == created
    assert all(landed.differences == {} for landed in created)


def test_a_project_has_a_number_and_an_address_for_people(erp: ProjectSystem) -> None:
    (root, *_) = one_line_deal(builders.fixed_line).create(erp)

    assert root.number
    assert root.url


def test_the_other_company_carries_a_deal_in_its_own_currency(erp: ProjectSystem) -> None:
    american = builders.account(id="001A2", name="Initech Inc", code="CUST-1002", country="US", tax_id=None)
    deal = Deal(
        builders.opportunity(
            builders.fixed_line(),
            builders.milestone_line(),
            account=american,
            contracting_entity="ACME-US",
            currency="USD",
            region="NA",
        )
    )

    created = deal.create(erp)

    assert deal.find(erp) == created
    assert all(landed.differences == {} for landed in created)


def test_a_deal_in_a_foreign_currency_keeps_its_currency(erp: ProjectSystem) -> None:
    deal = Deal(builders.opportunity(builders.fixed_line(), builders.milestone_line(), currency="USD"))

    created = deal.create(erp)

    assert deal.find(erp) == created
    assert all(landed.differences == {} for landed in created)


def test_nothing_is_found_before_it_is_made(erp: ProjectSystem) -> None:
    deal = one_line_deal(builders.milestone_line)
    deal.ids["project"] = "1"

    assert set(deal.find(erp)) == {None}


@pytest.mark.parametrize("other", ["-0", "_x", "%", "\\", "-A", ""])
def test_a_key_is_looked_up_exactly(erp: ProjectSystem, other: str) -> None:
    """Neither the beginning of a key, nor other capitals, nor a wild card finds somebody else's project."""
    deal = one_line_deal(builders.fixed_line)
    made = deal.node()
    erp.create_node(changed(made, key=made.key + "-a"))

    assert erp.find_node(changed(made, key=made.key + other)) is None
    assert set(erp.existing_keys([made.key + other, made.key + "-a"])) == {made.key + "-a"}


def test_the_same_text_in_other_fields_finds_nothing(erp: ProjectSystem) -> None:
    deal = one_line_deal(builders.fixed_line)
    order = deal.node()
    named = changed(order.node, name=order.key, template=order.key)
    erp.create_node(changed(order, key=order.key + "/else", node=named))

    assert erp.find_node(order) is None


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Another name"},
        {"cost_centre": "CC-DE-ADV"},
        {"service_line": "ADV"},
        {"template": "Another template"},
        {"ends_on": builders.WON_ON},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_project_that_differs_from_the_plan_says_where(erp: ProjectSystem, change: dict[str, Any]) -> None:
    deal = one_line_deal(builders.fixed_line)
    erp.create_node(deal.node(**change))

    found = erp.find_node(deal.node())

    assert found is not None
    (difference,) = found.differences.values()
    assert str(next(iter(change.values()))) in difference[1]


@pytest.mark.parametrize(
    "line", [builders.time_line, builders.fixed_line, builders.milestone_line, builders.progress_line]
)
def test_a_billing_line_over_another_amount_is_a_difference(
    erp: ProjectSystem, line: Callable[[], OpportunityLine]
) -> None:
    deal = one_line_deal(line)
    deal.create(erp)
    (order, *_) = deal.lines()
    more = order.line.amount + order.line.amount

    found = erp.find_line(changed(order, line=changed(order.line, amount=more)))

    assert found is not None
    assert found.differences


def test_amounts_of_any_size_arrive_whole(erp: ProjectSystem) -> None:
    huge = Decimal("987654321012.34")
    deal = one_line_deal(lambda: builders.fixed_line(unit_price=huge, net=huge))

    created = deal.create(erp)

    assert deal.find(erp) == created
    assert all(landed.differences == {} for landed in created)


def close(erp: ProjectSystem, deal: Deal, created: list[ExternalRecord]) -> list[ExternalRecord]:
    """All of a deal, in the reverse of the order in which it was created."""
    orders: list[NodeOrder | LineOrder] = [deal.node(node.path) for node in deal.plan.nodes]
    orders += deal.lines()
    return [
        erp.cancel_node(order, there.outside_id)
        if isinstance(order, NodeOrder)
        else erp.cancel_line(order, there.outside_id)
        for order, there in reversed(list(zip(orders, created, strict=True)))
    ]


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_what_was_created_is_closed_from_leaf_to_root_and_that_may_be_repeated(
    erp: ProjectSystem, currency: str
) -> None:
    deal = Deal(builders.opportunity(builders.fixed_line(), builders.milestone_line(), currency=currency))
    created = deal.create(erp)
    assert not any(landed.closed for landed in created)

    for _ in range(2):
        closed = close(erp, deal, created)
        assert all(landed.closed for landed in closed)

    found = deal.find(erp)
    assert [there and there.outside_id for there in found] == [landed.outside_id for landed in created]
    assert all(there is not None and there.closed and there.differences for there in found)


def test_hours_and_a_parent_with_its_children_are_closed_too(erp: ProjectSystem) -> None:
    deal = Deal()
    created = deal.create(erp)

    close(erp, deal, created)

    assert all(there is not None and there.closed for there in deal.find(erp))


def test_a_project_is_not_closed_before_what_is_below_it(erp: ProjectSystem) -> None:
    deal = Deal()
    root, *_rest = deal.create(erp)

    with pytest.raises(VendorRejected):
        erp.cancel_node(deal.node(), root.outside_id)

    found = erp.find_node(deal.node())
    assert found is not None
    assert not found.closed


def test_an_unknown_customer_is_a_matter_for_people(erp: ProjectSystem) -> None:
    deal = one_line_deal(builders.fixed_line)
    stranger = changed(deal.plan, customer="CUST-9999")

    with pytest.raises(BusinessError, match="CUST-9999") as refused:
        erp.create_node(Deal(plan=stranger).node())

    assert refused.value.code == "ACCOUNT_UNKNOWN"


def test_an_unknown_company_is_a_matter_for_people(erp: ProjectSystem) -> None:
    deal = one_line_deal(builders.fixed_line)
    elsewhere = changed(deal.plan, erp_company="ACME-FR")

    with pytest.raises(BusinessError, match="ACME-FR") as refused:
        erp.create_node(Deal(plan=elsewhere).node())

    assert refused.value.code == "LEGAL_ENTITY_NOT_READY"


@pytest.mark.parametrize(("field", "code"), [("tax", "VAT-XX"), ("payment_terms", "NET999")])
def test_a_code_the_erp_does_not_know_is_named(erp: ProjectSystem, field: str, code: str) -> None:
    deal = Deal(plan=changed(one_line_deal(builders.fixed_line).plan, **{field: code}))
    deal.ids["project"] = erp.create_node(deal.node()).outside_id
    (order, *_) = deal.lines()

    with pytest.raises(VendorRejected, match=code):
        erp.create_line(order)

    assert erp.find_line(order) is None


def test_a_wrong_secret_is_a_misconfiguration_and_is_not_repeated(vendor: str, access: Access) -> None:
    wrong = {name: "wr0ng-" + value for name, value in access.secrets.items()}
    erp = connect(vendor, access._replace(secrets=wrong))

    with pytest.raises(Misconfigured) as refused:
        erp.has_customer("CUST-1001")

    assert "wr0ng" not in refused.value.message


def test_a_missing_secret_or_setting_is_named_at_once(vendor: str, access: Access) -> None:
    for name in access.secrets:
        with pytest.raises(Misconfigured, match=name):
            connect(vendor, access._replace(secrets={}))
    with pytest.raises(Misconfigured, match=access.address):
        connect(vendor, access._replace(settings={}))


def test_an_erp_that_is_away_is_tried_again_later(vendor: str, access: Access) -> None:
    nobody = {access.address: f"http://127.0.0.1:{free_port(0)}"}
    erp = connect(vendor, access._replace(settings=access.settings | nobody))

    with pytest.raises(VendorUnavailable):
        erp.create_node(Deal().node())
