"""What every ERP must do, whatever its vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from adapters.connectors.connector import AnyConnector
from adapters.runtime.processes import free_port
from oppsync.domain.billing.table import BILLING_MODELS
from oppsync.domain.deal.customers import ErpCustomer
from oppsync.domain.deal.opportunity import OpportunityLine
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.master_data.rows import Customer, MasterKey, MasterKind, MasterRow, key_of
from oppsync.domain.plan.orders import CustomerOrder, LineOrder, NodeOrder
from oppsync.domain.plan.plan import LineKind, NewCustomer
from oppsync.domain.plan.references import CentreOfCompany, references_of
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow, reference_key
from oppsync.domain.values.keys import within_limit
from oppsync.domain.values.model import changed
from oppsync.kernel.errors import BusinessError, Misconfigured, VendorRejected, VendorUnavailable
from oppsync.pipeline.create_projects import levels
from oppsync.ports.erp import CameOfIt, CreatesTogether, Erp
from oppsync.ports.master_data import MasterData
from sandbox.contracts import deals
from sandbox.contracts.connector import ConnectorContract
from sandbox.contracts.erp_deals import Deal, close, look_up, one_line_deal, other_plan, revise
from sandbox.contracts.harness import ADDRESS, Access, FixedClock
from sandbox.contracts.memory import OwnMemory


def connect(connector: AnyConnector, access: Access) -> Erp:
    erp: Erp = connector.connect(access.settings, access.secrets, FixedClock())
    return erp


# The demo firm has no rate for hours in dollars in this region.
IN_DOLLARS = ReferenceRow(
    kind=ReferenceKind.RATE_CARD,
    key=reference_key("DACH", "Senior Consultant", "USD"),
    valid_from=date(2026, 1, 1),
    value={"card": "DACH in dollars", "hourly": "160"},
)


class ErpContract(ConnectorContract):
    """The suite of an ERP without options. For one that can do more, inherit `CustomersContract`,
    `CancelsContract`, `RevisesContract`, `MirrorsContract` and `CreatesTogetherContract`: they include it."""

    def test_what_it_claims_is_tested(self, connector: AnyConnector, access: Access) -> None:
        claimed = connector.capabilities_of(access.settings)
        assert claimed.creates_customers == isinstance(self, CustomersContract)
        assert claimed.cancels == isinstance(self, CancelsContract)
        assert claimed.revises == claimed.reopens == isinstance(self, RevisesContract)
        assert bool(claimed.mirrors) == isinstance(self, MirrorsContract)
        assert (claimed.creates_together > 1) == isinstance(self, CreatesTogetherContract)

    @pytest.fixture
    def erp(self, connector: AnyConnector, access: Access) -> Erp:
        return connect(connector, access)

    def test_it_says_who_a_customer_is(self, erp: Erp) -> None:
        globex = ErpCustomer(code="CUST-1001", name="Globex GmbH", countries=("DE",), tax_ids=("DE136695976",))
        assert erp.customers_of_code("CUST-1001") == [globex]
        assert [each.tax_ids for each in erp.customers_of_code("CUST-1002")] == [()]
        assert erp.customers_of_code("CUST-9999") == []

    @pytest.mark.parametrize("code", ["cust-1001", "CUST-1001\u200b", "\uff23UST-1001"])
    def test_a_customer_code_in_another_spelling_is_the_same_customer(self, erp: Erp, code: str) -> None:
        assert [each.code for each in erp.customers_of_code(code)] == ["CUST-1001"]

    @pytest.mark.parametrize("code", ["CUST-100", "CUST-1001A", "CUST1001", "CUST-100_", "%", "CUST-1%", "\\"])
    def test_the_code_of_nobody_finds_nobody(self, erp: Erp, code: str) -> None:
        assert erp.customers_of_code(code) == []

    @pytest.mark.parametrize("tax_id", ["DE136695976", "DE 136 695 976", "de-136.695.976", "136695976"])
    def test_it_finds_a_customer_by_its_tax_id_in_any_usual_spelling(self, erp: Erp, tax_id: str) -> None:
        assert [each.code for each in erp.find_customers("Somebody else", tax_id)] == ["CUST-1001"]

    @pytest.mark.parametrize("tax_id", ["DE136695977", "13669597", "AT136695976", "%", "DE%"])
    def test_the_tax_id_of_nobody_finds_nobody(self, erp: Erp, tax_id: str) -> None:
        assert erp.find_customers("Somebody else", tax_id) == []

    def test_both_legal_entities_are_ready_and_an_unknown_one_is_said_to_be_missing(self, erp: Erp) -> None:
        assert erp.missing_for("ACME-DE") == []
        assert erp.missing_for("ACME-US") == []
        (missing,) = erp.missing_for("ACME-FR")
        assert "ACME-FR" in missing

    def test_it_finds_customers_by_name_whatever_the_capitals(self, erp: Erp) -> None:
        (found,) = erp.find_customers("GLOBEX gmbh", None)
        assert (found.code, found.name, found.countries) == ("CUST-1001", "Globex GmbH", ("DE",))
        assert erp.find_customers("Globex", None) == []
        assert erp.find_customers("Gl%", None) == []

    def test_it_knows_its_payment_terms_and_how_long_its_books_are_open(self, erp: Erp) -> None:
        assert erp.has_payment_terms("NET30")
        assert not erp.has_payment_terms("NET31")
        terms = erp.payment_terms()
        assert "NET30" in terms
        assert list(terms) == sorted(terms)
        assert erp.books_open_until("ACME-DE") == date(2028, 12, 31)
        assert erp.books_open_until("ACME-FR") is None

    def test_it_knows_all_that_plans_of_the_firm_name(self, erp: Erp) -> None:
        american = deals.account(id="001A2", name="Initech Inc", code="CUST-1002", country="US", tax_id=None)
        for sold in (
            deals.opportunity(*(line() for line in deals.LINES.values())),
            deals.opportunity(deals.fixed_line(product_family="US Delivery")),
            deals.opportunity(
                deals.fixed_line(), account=american, contracting_entity="ACME-US", currency="USD", region="NA"
            ),
        ):
            assert erp.missing_references(references_of(Deal(sold).plan)) == []

    def test_all_that_it_does_not_know_of_a_plan_is_named_at_once(self, erp: Erp) -> None:
        """A cost centre of another company is none of this one's, and an unknown company has none."""
        named = {"customer": "CUST-9999", "tax": "VAT-XX", "payment_terms": "NET999"}
        plan = changed(one_line_deal(deals.fixed_line).plan, **named)
        centres = [("ACME-DE", "CC-DE-ADV"), ("ACME-DE", "CC-NOPE"), ("ACME-US", "CC-DE-ADV")]
        wanted = changed(
            references_of(plan),
            cost_centres=[CentreOfCompany(company=company, code=code) for company, code in centres],
            invoice_days=[date(2026, 6, 30), date(2031, 1, 1)],
        )

        for _ in range(2):  # what is missing is not remembered to be there
            missing = {(each.kind.value, each.company, each.name) for each in erp.missing_references(wanted)}
            assert missing == {
                ("customer", "ACME-DE", "CUST-9999"),
                ("tax", "ACME-DE", "VAT-XX"),
                ("payment_terms", "ACME-DE", "NET999"),
                ("cost_centre", "ACME-DE", "CC-NOPE"),
                ("cost_centre", "ACME-US", "CC-DE-ADV"),
                ("fiscal_year", "ACME-DE", "2031-01-01"),
            }

    def test_it_lands_every_kind_that_the_billing_models_emit(self, erp: Erp) -> None:
        for model in BILLING_MODELS.values():
            assert model.kinds <= erp.capabilities.line_kinds

    def test_an_hours_price_keeps_the_decimals_that_it_claims(self, erp: Erp) -> None:
        deal = one_line_deal(deals.time_line)
        deal.ids["project"] = erp.create_node(deal.node()).outside_id
        (order, *_) = deal.lines()
        smallest = Decimal(1).scaleb(-erp.capabilities.price_decimals)
        finest = changed(order, line=changed(order.line, rate=Decimal(144) + smallest))

        created = erp.create_line(finest)

        assert erp.find_line(finest) == created
        assert created.differences == {}
        found = erp.find_line(order)
        assert found is not None
        assert found.differences

    @pytest.mark.parametrize(
        ("kind", "line"), [(LineKind.TIME, deals.time_line), (LineKind.PROGRESS, deals.progress_line)]
    )
    def test_what_it_invoices_in_its_own_currency_only_is_refused_in_another(
        self, erp: Erp, kind: LineKind, line: Callable[[], OpportunityLine]
    ) -> None:
        sold = deals.opportunity(line(), currency="USD")
        deal = Deal(plan=deals.content(sold, deals.book(IN_DOLLARS)))
        deal.ids["project"] = erp.create_node(deal.node()).outside_id
        (order, *_) = deal.lines()

        if kind in erp.capabilities.own_currency_only:
            with pytest.raises(BusinessError, match="USD") as refused:
                erp.create_line(order)
            assert refused.value.code == f"{kind.name}_IN_FOREIGN_CURRENCY"
            assert erp.find_line(order) is None
        else:
            created = erp.create_line(order)
            assert erp.find_line(order) == created

    @pytest.mark.parametrize("line", deals.LINES.values(), ids=deals.LINES)
    def test_a_deal_of_one_workstream_is_created_and_found_again(
        self, erp: Erp, line: Callable[[], OpportunityLine]
    ) -> None:
        deal = one_line_deal(line)

        created = deal.create(erp)

        assert deal.find(erp) == created
        assert all(landed.differences == {} for landed in created)
        assert len({(landed.outside_id, landed.url) for landed in created}) == len(created)

    def test_a_deal_that_mixes_every_model_is_created_and_found_again(self, erp: Erp) -> None:
        deal = Deal(deals.opportunity(*(line() for line in deals.LINES.values())))

        created = deal.create(erp)

        assert len(created) == len(deal.plan.nodes) + len(list(deal.plan.billing_lines()))
        assert deal.find(erp) == created
        assert all(landed.differences == {} for landed in created)

    def test_a_deal_with_credits_is_created_and_found_again(self, erp: Erp) -> None:
        taken_back = [deals.credit(line(), id=f"00kC{n}") for n, line in enumerate(deals.CREDITS.values())]
        deal = Deal(deals.opportunity(deals.time_line(quantity=10_000, net=1_440_000), *taken_back))

        created = deal.create(erp)

        assert deal.find(erp) == created
        assert all(landed.differences == {} for landed in created)

    def test_hours_beyond_a_cap_are_created_and_found_again(self, erp: Erp) -> None:
        deal = Deal(deals.opportunity(deals.capped_line(billing={"cap": {"amount": 10_000}})))

        created = deal.create(erp)

        assert deal.plan.total.text == "10000.00"
        assert deal.find(erp) == created
        assert all(landed.differences == {} for landed in created)

    @pytest.mark.parametrize(
        ("before", "said"),
        [
            ({"po_expires_on": date(2026, 12, 31)}, "2026-12-31"),
            (
                {"special_terms": "Travel is included.\nNo work on Sundays: agreed."},
                "No work on Sundays: agreed.",
            ),
            ({"document_url": "https://contracts.example.com/17"}, "https://contracts.example.com/17"),
        ],
        ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
    )
    def test_the_contract_is_written_on_the_project_and_compared(
        self, erp: Erp, before: dict[str, Any], said: str
    ) -> None:
        """A project that was made of another contract is a difference that says the one it has."""
        signed = {
            "payment_terms": "NET30",
            "po_expires_on": date(2027, 3, 31),
            "special_terms": "No travel",
            "document_url": "https://contracts.example.com/18",
        }
        made = Deal(deals.opportunity(deals.fixed_line(), contract=signed | before))
        wanted = Deal(deals.opportunity(deals.fixed_line(), contract=signed, id=made.plan.record_id))
        created = erp.create_node(changed(made.node(), key=wanted.node().key))

        found = erp.find_node(wanted.node())

        assert created.differences == {}
        assert found is not None
        (difference,) = found.differences.values()
        assert said in difference[1]

    def test_a_project_has_a_number_and_an_address_for_people(self, erp: Erp) -> None:
        (root, *_) = one_line_deal(deals.fixed_line).create(erp)

        assert root.number
        assert root.url

    def test_the_other_company_carries_a_deal_in_its_own_currency(self, erp: Erp) -> None:
        american = deals.account(id="001A2", name="Initech Inc", code="CUST-1002", country="US", tax_id=None)
        deal = Deal(
            deals.opportunity(
                deals.fixed_line(),
                deals.milestone_line(),
                account=american,
                contracting_entity="ACME-US",
                currency="USD",
                region="NA",
            )
        )

        created = deal.create(erp)

        assert deal.find(erp) == created
        assert all(landed.differences == {} for landed in created)

    def test_a_deal_in_a_foreign_currency_keeps_its_currency(self, erp: Erp) -> None:
        deal = Deal(deals.opportunity(deals.fixed_line(), deals.milestone_line(), currency="USD"))

        created = deal.create(erp)

        assert deal.find(erp) == created
        assert all(landed.differences == {} for landed in created)

    def test_nothing_is_found_before_it_is_made(self, erp: Erp) -> None:
        deal = one_line_deal(deals.milestone_line)
        deal.ids["project"] = "1"

        assert set(deal.find(erp)) == {None}

    @pytest.mark.parametrize("other", ["-0", "_x", "%", "\\", "-A", ""])
    def test_a_key_is_looked_up_exactly(self, erp: Erp, other: str) -> None:
        """A key's beginning, the same letters in other case, or a wild card must not find another project."""
        deal = one_line_deal(deals.fixed_line)
        made = deal.node()
        erp.create_node(changed(made, key=made.key + "-a"))

        assert erp.find_node(changed(made, key=made.key + other)) is None
        assert set(erp.existing_keys([made.key + other, made.key + "-a"])) == {made.key + "-a"}

    def test_many_keys_of_a_deal_are_looked_up_together(self, erp: Erp) -> None:
        """Also keys too long to be whole, which begin alike and end in a digest; not those of another deal."""
        deal, beside = Deal(), Deal()
        root, *_rest = deal.plan.nodes
        made = [f"{deal.node().key}/{'x' * length}" for length in (1, 90, 200)]
        made = [within_limit(key) for key in made]
        for key in made[1:]:
            erp.create_node(changed(deal.node(root.path), key=key))
        erp.create_node(beside.node())

        assert set(erp.existing_keys(made)) == set(made[1:])
        assert set(erp.existing_keys([deal.node().key])) == set()

    def test_billing_lines_are_looked_up_together_in_whatever_form_they_land(self, erp: Erp) -> None:
        deal = Deal(deals.opportunity(*(line() for line in deals.LINES.values())))
        for node in deal.plan.nodes:
            deal.ids[node.path] = erp.create_node(deal.node(node.path)).outside_id
        orders = list(deal.lines())
        lines = {order.key: order.line for order in orders}
        assert set(erp.existing_lines(deal.plan, lines)) == set()

        for order in orders[::2]:
            erp.create_line(order)

        assert set(erp.existing_lines(deal.plan, lines)) == {order.key for order in orders[::2]}

    def test_the_same_text_in_other_fields_finds_nothing(self, erp: Erp) -> None:
        deal = one_line_deal(deals.fixed_line)
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
            {"ends_on": deals.WON_ON},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_project_that_differs_from_the_plan_says_where(self, erp: Erp, change: dict[str, Any]) -> None:
        deal = one_line_deal(deals.fixed_line)
        erp.create_node(deal.node(**change))

        found = erp.find_node(deal.node())

        assert found is not None
        (difference,) = found.differences.values()
        assert str(next(iter(change.values()))) in difference[1]

    @pytest.mark.parametrize(
        "line", [deals.time_line, deals.fixed_line, deals.milestone_line, deals.progress_line]
    )
    def test_a_billing_line_over_another_amount_is_a_difference(
        self, erp: Erp, line: Callable[[], OpportunityLine]
    ) -> None:
        deal = one_line_deal(line)
        deal.create(erp)
        (order, *_) = deal.lines()
        more = order.line.amount + order.line.amount

        found = erp.find_line(changed(order, line=changed(order.line, amount=more)))

        assert found is not None
        assert found.differences

    def test_amounts_of_any_size_arrive_whole(self, erp: Erp) -> None:
        huge = Decimal("987654321012.34")
        deal = one_line_deal(lambda: deals.fixed_line(unit_price=huge, net=huge))

        created = deal.create(erp)

        assert deal.find(erp) == created
        assert all(landed.differences == {} for landed in created)

    def test_an_unknown_customer_is_a_matter_for_people(self, erp: Erp) -> None:
        deal = one_line_deal(deals.fixed_line)
        stranger = changed(deal.plan, customer="CUST-9999")

        with pytest.raises(BusinessError, match="CUST-9999") as refused:
            erp.create_node(Deal(plan=stranger).node())

        assert refused.value.code == "ACCOUNT_UNKNOWN"

    def test_an_unknown_company_is_a_matter_for_people(self, erp: Erp) -> None:
        deal = one_line_deal(deals.fixed_line)
        elsewhere = changed(deal.plan, erp_company="ACME-FR")

        with pytest.raises(BusinessError, match="ACME-FR") as refused:
            erp.create_node(Deal(plan=elsewhere).node())

        assert refused.value.code == "LEGAL_ENTITY_NOT_READY"

    @pytest.mark.parametrize(("field", "code"), [("tax", "VAT-XX"), ("payment_terms", "NET999")])
    def test_a_code_the_erp_does_not_know_is_named(self, erp: Erp, field: str, code: str) -> None:
        deal = Deal(plan=changed(one_line_deal(deals.fixed_line).plan, **{field: code}))
        deal.ids["project"] = erp.create_node(deal.node()).outside_id
        (order, *_) = deal.lines()

        with pytest.raises(VendorRejected, match=code):
            erp.create_line(order)

        assert erp.find_line(order) is None

    def test_a_wrong_secret_is_a_misconfiguration_and_is_not_repeated(
        self, connector: AnyConnector, access: Access
    ) -> None:
        wrong = {name: "wr0ng-" + value for name, value in access.secrets.items()}
        erp = connect(connector, Access(access.settings, wrong))

        with pytest.raises(Misconfigured) as refused:
            erp.customers_of_code("CUST-1001")

        assert "wr0ng" not in refused.value.message

    def test_a_missing_secret_or_setting_is_named_at_once(
        self, connector: AnyConnector, access: Access
    ) -> None:
        for name in access.secrets:
            with pytest.raises(Misconfigured, match=name):
                connect(connector, Access(access.settings, {}))
        with pytest.raises(Misconfigured, match=ADDRESS):
            connect(connector, Access({}, access.secrets))

    def test_an_erp_that_is_away_is_tried_again_later(self, connector: AnyConnector, access: Access) -> None:
        erp = connect(connector, access.at(f"http://127.0.0.1:{free_port(0)}"))

        with pytest.raises(VendorUnavailable):
            erp.create_node(Deal().node())


class CustomersContract(ErpContract):
    """The suite of an ERP in which we may create customers."""

    def test_it_creates_a_customer_once_and_finds_it_by_its_code(self, erp: Erp) -> None:
        code = f"CUST-{uuid4().hex[:8]}"
        customer = NewCustomer(code=code, name="Newcomer SARL", country="FR", tax_id="FR40303265045")
        order = CustomerOrder(key=f"oppsync:{code}", customer=customer, erp_company="ACME-DE")
        assert erp.find_customer(order) is None

        created = erp.create_customer(order)

        assert erp.find_customer(order) == created
        (found,) = erp.customers_of_code(code)
        assert (created.number, found.code, found.name) == (code, code, "Newcomer SARL")
        assert (found.countries, found.tax_ids) == (("FR",), ("FR40303265045",))
        assert found in erp.find_customers("Newcomer SARL", "FR40303265045")


class CancelsContract(ErpContract):
    """The suite of an ERP in which we can close what was created."""

    @pytest.mark.parametrize("currency", ["EUR", "USD"])
    def test_what_was_created_is_closed_from_leaf_to_root_and_that_may_be_repeated(
        self, erp: Erp, currency: str
    ) -> None:
        deal = Deal(deals.opportunity(deals.fixed_line(), deals.milestone_line(), currency=currency))
        created = deal.create(erp)
        assert not any(landed.closed for landed in created)

        for _ in range(2):
            closed = close(erp, deal, created)
            assert all(landed.closed for landed in closed)

        found = deal.find(erp)
        assert [each and each.outside_id for each in found] == [landed.outside_id for landed in created]
        assert all(each is not None and each.closed and each.differences for each in found)

    def test_hours_and_a_parent_with_its_children_are_closed_too(self, erp: Erp) -> None:
        deal = Deal()
        created = deal.create(erp)

        close(erp, deal, created)

        assert all(each is not None and each.closed for each in deal.find(erp))

    def test_a_project_is_not_closed_before_what_is_below_it(self, erp: Erp) -> None:
        deal = Deal()
        root, *_rest = deal.create(erp)

        with pytest.raises(VendorRejected):
            erp.cancel_node(deal.node(), root.outside_id)

        found = erp.find_node(deal.node())
        assert found is not None
        assert not found.closed


class RevisesContract(CancelsContract):
    """The suite of an ERP in which what was created can be changed, and opened again, when a deal is planned
    anew."""

    @pytest.fixture
    def mixed(self) -> Deal:
        return Deal(deals.opportunity(*(line() for line in deals.LINES.values())))

    def test_what_is_planned_otherwise_is_changed_and_that_may_be_repeated(self, erp: Erp, mixed: Deal) -> None:
        created = mixed.create(erp)
        orders = mixed.again(other_plan(mixed.plan))

        for order, there in zip(orders, created, strict=True):
            before = look_up(erp, order)
            assert before.differences
            assert before.revisable == before.differences.keys()
            for _ in range(2):
                assert revise(erp, order, there.outside_id).differences == {}

        after = [look_up(erp, order) for order in orders]
        assert [each.outside_id for each in after] == [each.outside_id for each in created]
        assert all(each.differences == {} for each in after)
        assert set(erp.existing_keys([order.key for order in orders if isinstance(order, NodeOrder)])) == {
            order.key for order in orders if isinstance(order, NodeOrder)
        }

    def test_what_is_equal_differs_in_nothing(self, erp: Erp, mixed: Deal) -> None:
        mixed.create(erp)

        assert all(look_up(erp, order).differences == {} for order in mixed.again(mixed.plan))

    def test_what_is_not_planned_any_more_is_taken_away(self, erp: Erp) -> None:
        deal = Deal(plan=changed(deals.content(deals.opportunity(deals.fixed_line())), po_number="PO-1"))
        root, *_others = deal.create(erp)
        order, *_lines = deal.again(changed(deal.plan, po_number=None))

        assert "" in {wanted for wanted, _ in look_up(erp, order).differences.values()}
        revise(erp, order, root.outside_id)

        assert look_up(erp, order).differences == {}

    def test_what_nobody_of_us_ordered_is_not_changed(self, erp: Erp) -> None:
        """Somebody renamed the project there."""
        deal = one_line_deal(deals.fixed_line)
        deal.ids["project"] = erp.create_node(deal.node(name="Renamed by somebody")).outside_id
        order, *_others = deal.again(other_plan(deal.plan))

        found = look_up(erp, order)

        assert found.differences["name"][1] == "Renamed by somebody"
        assert found.differences.keys() - found.revisable == {"name"}

    @pytest.mark.parametrize("other", [False, True])
    def test_what_we_closed_is_opened_again_as_it_is_planned_now(
        self, erp: Erp, mixed: Deal, other: bool
    ) -> None:
        created = mixed.create(erp)
        close(erp, mixed, created)
        orders = mixed.again(other_plan(mixed.plan) if other else mixed.plan, closed_by_us=True)

        for order, there in zip(orders, created, strict=True):
            before = look_up(erp, order)
            assert before.closed
            assert before.revisable == before.differences.keys()
            opened = revise(erp, order, there.outside_id)
            assert (opened.closed, opened.differences) == (False, {})

        assert [look_up(erp, order).outside_id for order in orders] == [each.outside_id for each in created]

    def test_what_somebody_else_closed_is_not_opened(self, erp: Erp) -> None:
        deal = one_line_deal(deals.fixed_line)
        created = deal.create(erp)
        close(erp, deal, created)

        for order in deal.again(deal.plan):
            found = look_up(erp, order)
            assert found.differences.keys() - found.revisable


def made_as(made: Mapping[str, CameOfIt], order: NodeOrder | LineOrder) -> ExternalRecord:
    record = made[order.key]
    assert isinstance(record, ExternalRecord)
    return record


class CreatesTogetherContract(ErpContract):
    """The suite of an ERP that creates many records in one call, all of them or none."""

    @pytest.fixture
    def together(self, erp: Erp) -> CreatesTogether:
        assert isinstance(erp, CreatesTogether)
        return erp

    @pytest.fixture
    def begun(self, erp: Erp) -> Deal:
        """Its parent exists."""
        deal = Deal(deals.opportunity(*(line() for line in deals.LINES.values())))
        deal.ids["project"] = erp.create_node(deal.node()).outside_id
        return deal

    @staticmethod
    def by_call(
        erp: CreatesTogether, orders: Iterable[NodeOrder | LineOrder]
    ) -> list[list[NodeOrder | LineOrder]]:
        calls: dict[str, list[NodeOrder | LineOrder]] = {}
        for order in orders:
            calls.setdefault(erp.shares_call(order), []).append(order)
        return list(calls.values())

    @staticmethod
    def children(deal: Deal) -> list[NodeOrder]:
        return [deal.node(node.path) for node in deal.plan.nodes if node.parent == "project"]

    def test_what_shares_a_call_is_created_by_it_and_found_again(
        self, erp: Erp, together: CreatesTogether, begun: Deal
    ) -> None:
        made: dict[str, CameOfIt] = {}
        for level in levels(begun.plan.nodes):
            orders = [begun.node(node.path) for node in level if node.parent]
            for call in self.by_call(together, orders):
                made |= together.create_together(call)
            begun.ids |= {order.node.path: made_as(made, order).outside_id for order in orders}
        for call in self.by_call(together, begun.lines()):
            made |= together.create_together(call)

        below = [order for order in begun.orders() if order.key != begun.node().key]
        assert made.keys() == {order.key for order in below}
        assert [look_up(erp, order) for order in below] == [made_as(made, order) for order in below]
        assert all(look_up(erp, order).differences == {} for order in below)

    def test_an_answer_goes_by_the_key_whatever_the_order_and_whatever_exists_beside_it(
        self, erp: Erp, together: CreatesTogether, begun: Deal
    ) -> None:
        first, second, *others = self.children(begun)
        erp.create_node(second)

        made = together.create_together([*reversed(others), first])

        assert made.keys() == {order.key for order in (first, *others)}
        assert all(look_up(erp, order) == made[order.key] for order in (first, *others))

    def test_where_one_is_refused_none_exists(self, erp: Erp, together: CreatesTogether, begun: Deal) -> None:
        stranger = changed(begun.plan, customer="CUST-9999")
        first, second, *others = self.children(begun)

        with pytest.raises(BusinessError, match="CUST-9999"):
            together.create_together([first, changed(second, plan=stranger), *others])

        assert set(erp.existing_keys([order.key for order in self.children(begun)])) == set()

    def test_where_the_erp_itself_refuses_one_none_exists(self, erp: Erp, together: CreatesTogether) -> None:
        """The price of an hour has one decimal more than it takes."""
        deal = Deal(deals.opportunity(deals.time_line(), deals.milestone_line()))
        for node in deal.plan.nodes:
            deal.ids[node.path] = erp.create_node(deal.node(node.path)).outside_id
        lines = [changed(order, project_id=deal.ids["project"]) for order in deal.lines()]
        finer = Decimal(144) + Decimal(1).scaleb(-erp.capabilities.price_decimals - 1)
        wrong = [
            changed(order, line=changed(order.line, rate=finer)) if order.line.kind is LineKind.TIME else order
            for order in lines
        ]
        (call,) = self.by_call(together, wrong)
        assert {order.line.kind for order in wrong} == {LineKind.TIME, LineKind.MILESTONE}

        with pytest.raises(VendorRejected):
            together.create_together(call)

        assert set(erp.existing_lines(deal.plan, {order.key: order.line for order in lines})) == set()

    def test_an_erp_that_is_away_has_made_none(
        self, connector: AnyConnector, access: Access, begun: Deal
    ) -> None:
        away = connect(connector, access.at(f"http://127.0.0.1:{free_port(0)}"))
        assert isinstance(away, CreatesTogether)

        with pytest.raises(VendorUnavailable):
            away.create_together(self.children(begun))


class MirrorsContract(ErpContract):
    """The suite of an ERP that gives its master data page by page, and looks it up in the memory."""

    @pytest.fixture
    def source(self, erp: Erp) -> MasterData:
        assert isinstance(erp, MasterData)
        return erp

    def rows(self, source: MasterData, kind: MasterKind) -> dict[MasterKey, MasterRow]:
        found: dict[MasterKey, MasterRow] = {}
        after = None
        while True:
            page = source.master_page(kind, after)
            found |= {key_of(row): row for row in page.rows}
            if page.after is None:
                return found
            assert page.after != after
            after = page.after

    @pytest.mark.parametrize(
        ("kind", "some"),
        [
            (MasterKind.COMPANY, {("", "ACME-DE"), ("", "ACME-US")}),
            (MasterKind.COST_CENTRE, {("ACME-DE", "CC-DE-ADV"), ("ACME-US", "CC-US-CLOUD")}),
            (MasterKind.TAX, {("ACME-DE", "VAT-DE-19"), ("ACME-US", "US-NT")}),
            (MasterKind.PAYMENT_TERMS, {("", "NET30")}),
            (MasterKind.CUSTOMER, {("", "CUST-1001"), ("", "CUST-1004")}),
        ],
    )
    def test_all_of_a_kind_is_read_under_the_codes_that_plans_name(
        self, source: MasterData, kind: MasterKind, some: set[tuple[str, str]]
    ) -> None:
        found = self.rows(source, kind)

        assert some <= {(key.company, key.code) for key in found}
        assert {key.kind for key in found} == {kind}
        assert self.rows(source, kind) == found

    def test_what_a_look_up_finds_is_the_row_of_a_page(self, source: MasterData) -> None:
        found = self.rows(source, MasterKind.CUSTOMER)
        globex = found[MasterKey(MasterKind.CUSTOMER, "", "CUST-1001")]

        assert isinstance(globex, Customer)
        assert (globex.name, globex.countries, globex.tax_ids) == ("Globex GmbH", ("DE",), ("DE136695976",))
        nobody = MasterKey(MasterKind.CUSTOMER, "", "CUST-9999")
        assert set(source.existing([key_of(globex), nobody])) == {key_of(globex)}

    def test_what_is_known_answers_while_it_is_young_or_the_erp_is_away_and_is_not_enough_to_write(
        self, connector: AnyConnector, access: Access
    ) -> None:
        memory, deal = OwnMemory(), Deal(deals.opportunity(deals.fixed_line(), deals.time_line()))
        wanted = references_of(deal.plan)
        known: Erp = connector.connect(access.settings, access.secrets, FixedClock(), memory=memory)
        assert (known.missing_references(wanted), known.missing_for("ACME-DE")) == ([], [])
        (globex,) = known.customers_of_code("CUST-1001")
        away = access.at(f"http://127.0.0.1:{free_port(0)}")
        erp: Erp = connector.connect(away.settings, away.secrets, FixedClock(), memory=memory)

        for age in (timedelta(minutes=1), timedelta(days=1)):
            memory.age = age
            assert erp.missing_references(wanted) == []
            assert erp.missing_for("ACME-DE") == []
            assert erp.has_payment_terms("NET30")
            assert erp.customers_of_code("cust-1001") == erp.find_customers("Globex GMBH", None) == [globex]
            with pytest.raises(VendorUnavailable):
                erp.customers_of_code("CUST-9999")
            with pytest.raises(VendorUnavailable):
                erp.missing_references(changed(wanted, tax="VAT-XX"))
            with pytest.raises(VendorUnavailable):
                erp.missing_references(wanted, heard_within=timedelta(0))
            with pytest.raises(VendorUnavailable):
                erp.create_node(deal.node())
