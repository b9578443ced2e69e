"""Mutations of the ERP's master data: what is believed of it, what is checked by it, what is told."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

APPLY = "oppsync/services/configuration/apply.py"
NAMES = "oppsync/domain/configuration/erp_names.py"
IN_USE = "oppsync/services/mirror/ended_in_use.py"
STORE = "adapters/postgres/repositories/mirror.py"

_IN_USE = "tests/integration/test_mirror_in_use.py::"
_STORE = "tests/integration/test_mirror_store.py::"
_NAMES = "tests/unit/test_erp_names.py::"
_DEALS = "tests/service/test_mirror.py::"
_OTHER_BOOKS = _IN_USE + "test_what_is_known_is_forgotten_only_when_the_connection_leads_to_other_books"
_NEVER_THERE = _IN_USE + "test_a_row_that_names_what_the_erp_never_had_is_told_after_a_reading_to_its_owner"

MIRRORED = (
    Mutation(
        "what a proposal names in the ERP is not checked when it is approved",
        APPLY,
        "here = installation(uow, tenant_id, self.clock.now(), self.catalog)",
        "here = installation(uow, tenant_id, self.clock.now(), self.catalog)._replace(erp=None)",
        first=_IN_USE + "test_what_ended_in_the_erp_since_it_was_proposed_is_not_applied",
    ),
    Mutation(
        "what a revert names in the ERP is not checked",
        APPLY,
        "here)\n            firm = uow.configurations.firm(command.tenant_id, command.number)",
        "here._replace(erp=None))\n"
        "            firm = uow.configurations.firm(command.tenant_id, command.number)",
        first=_IN_USE + "test_a_revert_brings_back_no_row_that_names_what_ended_in_the_erp",
    ),
    Mutation(
        "what a map names in the ERP is not checked",
        NAMES,
        "if row.kind is not ReferenceKind.CONNECTION_MAP:\n        return ()",
        "if True:\n        return ()",
        first=_IN_USE + "test_a_product_that_a_map_names_and_the_erp_lacks_is_refused",
    ),
    Mutation(
        "settings that a map replaced still name what ended",
        IN_USE,
        "connection.vendor, today):\n        return {}",
        "connection.vendor, today):\n        pass",
        first=_IN_USE + "test_a_product_that_ended_is_named_by_the_map_in_force_and_not_by_what_it_replaces",
    ),
    Mutation(
        "rows are checked against the first ERP, whatever their route says",
        NAMES,
        "return [connected[name] for name in sorted(wanted)] if wanted <= connected.keys() else ()",
        "return erps[:1]",
        first=_NAMES + "test_the_erp_that_deals_of_the_entity_go_to_is_the_one_to_ask",
    ),
    Mutation(
        "customers of rates and exemptions are not checked",
        NAMES,
        "if row.kind in _OF_CUSTOMERS and",
        "if False and",
        first=_NAMES + "test_a_customer_that_rates_and_exemptions_name_is_there_in_any_spelling",
    ),
    Mutation(
        "payment terms that a rule fills are not checked",
        NAMES,
        "if row.kind is ReferenceKind.RULE and (filled",
        "if False and (filled",
        first=_NAMES + "test_payment_terms_of_some_entities_are_looked_for_where_these_go",
    ),
    Mutation(
        "a second ERP stops every deal of a live firm, and nobody is told",
        "oppsync/services/admin/connections.py",
        "            if not command.confirmed:\n",
        "            if False:\n",
        first="tests/integration/test_configuration.py::"
        "test_of_a_live_firm_a_second_erp_that_would_stop_every_new_deal_is_confirmed_first",
    ),
    Mutation(
        "another setting of the connection forgets the mirror",
        "adapters/connectors/catalog.py",
        " - {SETTING} if naming is None else naming",
        "",
        first=_OTHER_BOOKS,
    ),
    Mutation(
        "the mirror of other books is kept",
        "oppsync/services/admin/connections.py",
        "    if forgets:\n",
        "    if False:\n",
        first=_OTHER_BOOKS,
    ),
    Mutation(
        "what rows name and the ERP never had is told by nobody",
        IN_USE,
        "**absent_for_rows(names, gone, connection_id), ",
        "",
        first=_NEVER_THERE,
    ),
    Mutation(
        "what ended in use is told to its usual owner alone",
        IN_USE,
        "raise_item(uow, item)",
        "uow.exceptions.raise_item(item)",
        first=_NEVER_THERE,
    ),
    Mutation(
        "rows end before all pages of their kind were read",
        STORE,
        "is_last, left = after is None,",
        "is_last, left = True,",
        first=_STORE + "test_a_reading_that_died_half_way_ends_nothing_and_goes_on_at_its_page",
    ),
    Mutation(
        "who asks during a reading is not heard",
        STORE,
        "case((table.c.asked_by.is_not(None), clock()), else_=clock() + after)",
        "clock() + after",
        first=_STORE + "test_who_asks_during_a_reading_is_heard_after_it_and_who_asks_before_names_the_kinds",
    ),
    Mutation(
        "a paused ERP stops deals that are known",
        "oppsync/kernel/errors.py",
        "NO_ANSWER = (VendorUnavailable, Paused)",
        "NO_ANSWER = (VendorUnavailable,)",
        first=_DEALS
        + "test_a_deal_flows_to_approval_while_the_erp_is_paused_and_is_created_once_it_is_resumed",
    ),
    Mutation(
        "creation trusts what was heard half an hour ago",
        "oppsync/pipeline/preflight.py",
        "heard_within=JUST_HEARD",
        "heard_within=None",
        first=_DEALS + "test_nothing_is_made_of_a_deal_whose_cost_centre_was_closed_minutes_ago",
    ),
)
