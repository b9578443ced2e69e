"""A new capability of a connector needs only what the guide lists (docs/architecture.md): a field and the code
that asks for it, words, a class of the contract suite, and the connectors that lack it say so.

Credits are added to a copy of the project, as something an ERP may be unable to invoice.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.test_new_vendor import add_vendor
from tests.harness.copied_tree import CopiedTree

ASKS = """

def the_erp_takes_credits(opportunity: Opportunity, facts: ValidationFacts) -> Iterator[Finding]:
    for index, line in enumerate(opportunity.lines):
        if not facts.erp.takes_credits and line.net is not None and line.net < 0:
            words = f"{line.title} is a credit, which this ERP does not take"
            yield finding("BILLING_MODEL_UNSUPPORTED", words, path=f"/lines/{index}/net")
"""
PROMISE = """

class CreditsContract(ErpContract):
    def test_a_credit_is_invoiced(self, erp: Erp) -> None:
        assert erp.capabilities.takes_credits
"""
TELLS = """
from adapters.operations.doctor import lacking
from oppsync.domain.validation.table import validate
from tests.harness import builders as make

fee = make.fixed_line(unit_price=100_000, net=100_000)
deal = make.opportunity(fee, make.credit(fee, id="00kC", unit_price=-90_000, net=-90_000))
for erp in (make.erp(), make.erp(takes_credits=False)):
    found = [each.message for each in validate(deal, make.facts(erp=erp)) if "credit" in each.message]
    print(found, "takes no credits" in lacking(erp))
"""
OF_SUITE = ("tests/contract/test_madeup.py", "-k", "what_it_claims")
OF_DOCUMENT = ("tests/unit/test_capabilities.py",)
MADE_UP = Path(__file__).parent / "madeup" / "erp"


def test_a_capability_is_a_field_with_who_asks_words_and_a_promise(tmp_path: Path) -> None:
    tree = CopiedTree(tmp_path)
    add_vendor(tree, "erp")
    tree.put(MADE_UP / "suite.py", "tests/contract/test_madeup.py")

    tree.add(
        "oppsync/domain/plan/capabilities.py", "    cancels: bool = True", "    takes_credits: bool = True"
    )
    tree.append("oppsync/domain/validation/terms.py", ASKS)
    asked = "    terms.the_erp_invoices_in_the_currency,"
    tree.add("oppsync/domain/validation/table.py", asked, "    terms.the_erp_takes_credits,")
    said = '                "creates no customers": capabilities.creates_customers,'
    able = '                "takes no credits": capabilities.takes_credits,'
    tree.add("adapters/operations/doctor.py", said, able)
    assert tree.run("-c", TELLS).splitlines() == [
        "[] False",
        "['Cloud foundation is a credit, which this ERP does not take'] True",
    ]

    with pytest.raises(AssertionError, match=r"FAILED .*has_a_row_for_it\[ERP-takes_credits\]"):
        tree.test(*OF_DOCUMENT)
    row = "| ERP | `cancels` | suite and `doctor`; "
    tree.replace("docs/connectors.md", row, f"| ERP | `takes_credits` | validation |\n{row}")
    tree.test(*OF_DOCUMENT)

    tree.append("sandbox/contracts/erp.py", PROMISE)
    claims = "        assert claimed.cancels == isinstance(self, CancelsContract)"
    demands = "        assert claimed.takes_credits == isinstance(self, CreditsContract)"
    tree.add("sandbox/contracts/erp.py", claims, demands)
    with pytest.raises(AssertionError, match=r"FAILED .*test_what_it_claims_is_tested"):
        tree.test(*OF_SUITE)
    made_up = "adapters/erp/madeup/connector.py"
    tree.replace(made_up, "cancels=False\n", "cancels=False, takes_credits=False\n")
    tree.test(*OF_SUITE)
