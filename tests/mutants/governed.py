"""Mutations of who changes what everybody works by: the configuration, people's accounts, connections."""

from __future__ import annotations

from tests.mutants.mutation import Mutation

APPLY = "oppsync/services/configuration/apply.py"
WAY_IN = "oppsync/services/admin/way_in.py"
LINK_MAIL = "oppsync/services/admin/link_mail.py"
ACCESS = "oppsync/services/admin/access.py"
CONNECTION_LIFE = "oppsync/services/admin/connection_life.py"
CREDENTIALS = "adapters/postgres/repositories/credentials.py"

_CONFIGURATION = "tests/integration/test_configuration.py::"
_SECOND_PERSON = _CONFIGURATION + "test_of_a_live_firm_what_moves_money_waits_for_a_second_person"
_PEOPLE = "tests/web/test_people.py::"
_WAY_IN = "tests/web/test_way_in.py::"
_LINK = _PEOPLE + "test_a_link_works_once_is_ended_by_a_newer_one_and_by_age"
_OLD_TOKEN = (
    _PEOPLE + "test_a_token_that_an_earlier_release_left_to_somebody_deactivated_opens_nothing_then_or_later"
)
_CONNECTIONS = "tests/web/test_connections.py::"
MAPS = "oppsync/services/admin/connection_maps.py"
_MAPS = "tests/service/test_connection_maps.py::"
_BARRED = "tests/service/test_barred.py::"

GOVERNED = (
    # Plans made again.
    Mutation(
        "a plan is made again by the rows of now",
        "oppsync/services/insight/recompute_plan.py",
        "rows = rows_by_which(uow, tenant_id, inputs.configuration)",
        "rows = uow.configurations.rows(tenant_id)",
        first="tests/service/test_recompute.py"
        "::test_a_plan_is_made_again_by_the_version_that_made_it_whatever_holds_now",
    ),
    Mutation(
        "a past deal is tried by the rows of today",
        "oppsync/domain/reading/past_deals.py",
        "judged = judge(inputs.record, ",
        'today = {"won_on": __import__("datetime").date.today()}\n'
        "    judged = judge(type(inputs.record)(**dict(inputs.record) | today), ",
        first="tests/service/test_backtest.py::test_what_began_before_the_last_deal_counts_for_those_won_since",
    ),
    Mutation(
        "a backtest passes over what begins after the last deal",
        "oppsync/domain/reading/backtest_days.py",
        "if each.first > last_won:",
        "if False:",
        first="tests/service/test_backtest.py::test_a_rate_that_rises_later_shows_which_deals_would_cost_more",
    ),
    # Routes, and owners of exceptions.
    Mutation(
        "a deal goes to the first ERP, whatever its route says",
        "adapters/connectors/routing.py",
        "return None if route.connection is None else _named(connected, routed, route.connection)",
        "return uow.connections.of_role(tenant_id, role)",
        first="tests/service/test_routes.py::test_deals_go_to_the_erp_of_their_route_and_become_active_there",
    ),
    Mutation(
        "a deal takes the route of today",
        "adapters/connectors/routing.py",
        "parent.day or self._clock.now().date()",
        "__import__('datetime').date(2026, 3, 1)",
        first="tests/service/test_routes.py::test_a_route_holds_for_deals_won_on_its_days",
    ),
    Mutation(
        "of several ERPs, any is taken for a deal without a route",
        "adapters/connectors/routing.py",
        "    if len(connected) > 1:\n",
        "    if False:\n",
        first="tests/service/test_routes.py::test_two_of_one_name_and_several_without_a_route_stop_the_deal_too",
    ),
    Mutation(
        "an owner that ended still owns the code",
        "adapters/postgres/repositories/references.py",
        "reference_rows.c.valid_to > _TODAY)",
        "reference_rows.c.valid_to.is_not(None))",
        first="tests/service/test_findings.py::test_an_owner_holds_on_its_days_and_for_what_is_about_no_deal",
    ),
    # The configuration.
    Mutation(
        "of a live firm, one person changes what moves money",
        APPLY,
        "if not needs_second_person(changes, is_live=is_live):",
        "if True:",
        first=_SECOND_PERSON,
    ),
    Mutation(
        "whoever proposed a configuration approves it",
        APPLY,
        "                if is_own:\n",
        "                if False:\n",
        first=_SECOND_PERSON,
    ),
    Mutation(
        "a configuration is approved by whoever may propose one",
        APPLY,
        "asked = Action.PROPOSE_CONFIGURATION if by_proposer else Action.APPROVE_CONFIGURATION",
        "asked = Action.PROPOSE_CONFIGURATION",
        first=_SECOND_PERSON,
    ),
    Mutation(
        "a proposal is decided twice",
        APPLY,
        "if proposal.status is not ProposalStatus.OPEN:",
        "if False:",
        first=_SECOND_PERSON,
    ),
    Mutation(
        "a proposal that others overtook is applied",
        APPLY,
        "                _refuse_outdated(before, proposal.against)\n",
        "",
        first=_CONFIGURATION + "test_a_proposal_that_others_overtook_is_refused_and_then_taken_back",
    ),
    Mutation(
        "what was compared with other rows is applied",
        APPLY,
        "if against not in (None, before.fingerprint):",
        "if False:",
        first=_CONFIGURATION + "test_what_was_compared_with_other_rows_is_refused",
    ),
    Mutation(
        "a configuration is not locked while it is changed",
        APPLY,
        "    uow.configurations.lock(tenant_id)\n",
        "",
        first=_CONFIGURATION + "test_of_two_that_compared_with_the_same_rows_one_is_applied",
    ),
    Mutation(
        "rows written past the versions are lost with the next one",
        APPLY,
        "if (latest.fingerprint if latest else fingerprint(())) != found:",
        "if False:",
        first=_CONFIGURATION + "test_rows_written_past_the_versions_are_noticed_and_kept_as_one",
    ),
    # People.
    Mutation(
        "a one-time link works for ever",
        CREDENTIALS,
        "invitations.c.secret_hash == secret_hash, invitations.c.expires_at > clock())",
        "invitations.c.secret_hash == secret_hash,)",
        first=_LINK,
    ),
    Mutation(
        "two who use a one-time link at once both set a password",
        CREDENTIALS,
        "return found if self._session.execute(used).rowcount else None",
        "self._session.execute(used)\n        return found",
        first=_PEOPLE + "test_of_two_who_use_a_link_at_once_one_sets_a_password",
    ),
    Mutation(
        "a one-time link stays good when a password was set",
        "oppsync/services/admin/passwords.py",
        "    uow.credentials.end_invitation(tenant_id, person.id)\n",
        "",
        first=_PEOPLE + "test_a_password_set_meanwhile_ends_the_link",
    ),
    Mutation(
        "a reset leaves the old password",
        WAY_IN,
        "    uow.people.set_password(tenant_id, person.id, NO_PASSWORD, former)\n",
        "",
        first=_PEOPLE + "test_a_reset_ends_password_and_sessions_and_the_old_password_is_not_taken_again",
    ),
    Mutation(
        "a reset leaves the sessions",
        WAY_IN,
        "ended = uow.credentials.end_sessions(tenant_id, person.id)",
        "ended = 0",
        first=_PEOPLE + "test_a_reset_ends_password_and_sessions_and_the_old_password_is_not_taken_again",
    ),
    Mutation(
        "new roles leave the sessions of the old ones",
        ACCESS,
        '"sessions_ended": uow.credentials.end_sessions(command.tenant_id, person.id)',
        '"sessions_ended": 0',
        first=_PEOPLE + "test_new_roles_end_the_sessions_that_were_opened_with_the_old_ones",
    ),
    Mutation(
        "tokens of somebody deactivated are not revoked",
        ACCESS,
        "revoked = uow.credentials.revoke_tokens(command.tenant_id, person.id)",
        "revoked: tuple[str, ...] = ()",
        first=_PEOPLE
        + "test_who_is_deactivated_is_out_at_once_and_comes_back_by_an_invitation_without_their_tokens",
    ),
    Mutation(
        "an account that was deactivated still opens",
        CREDENTIALS,
        ".where(or_(of_now, of_before), *token_in_use(), people.c.is_active)",
        ".where(or_(of_now, of_before), *token_in_use())",
        first=_OLD_TOKEN,
    ),
    Mutation(
        "who comes back has the tokens of before",
        WAY_IN,
        "tuple(uow.credentials.revoke_tokens(tenant_id, person.id))",
        "()",
        first=_OLD_TOKEN,
    ),
    Mutation(
        "who agrees to an approver of a live firm holds the link",
        LINK_MAIL,
        "        if not to_person_alone:\n",
        "        if True:\n",
        first=_WAY_IN + "test_what_was_agreed_to_and_not_done_shows_no_link_to_who_does_it_then",
    ),
    Mutation(
        "an approver's role is given to whoever knew the password",
        "oppsync/services/admin/guarded.py",
        "    if not needs_two(after.roles - before.roles):\n",
        "    if True:\n",
        first=_WAY_IN + "test_who_was_reset_before_comes_in_by_nothing_that_the_administrator_kept",
    ),
    Mutation(
        "a token gets the roles that its person gets later",
        ACCESS,
        "        if is_more(person.granted, granted):\n",
        "        if False:\n",
        first=_WAY_IN + "test_a_token_never_does_what_its_person_could_not_do_when_it_was_made",
    ),
    Mutation(
        "a request under way makes a token that outlives the password",
        "oppsync/services/admin/tokens.py",
        "            if not isinstance(command.actor, Program):\n",
        "            if False:\n",
        first=_WAY_IN + "test_a_request_that_is_under_way_while_the_password_ends_makes_no_token",
    ),
    Mutation(
        "a password that another sets leaves the tokens",
        "oppsync/services/admin/passwords.py",
        "                ends_tokens=True,\n",
        "",
        first=_WAY_IN + "test_a_reset_ends_the_tokens_of_the_account_and_of_no_other[a password]",
    ),
    Mutation(
        "a sign-in under way outlives the password",
        "oppsync/services/admin/sessions.py",
        "            if uow.people.hold_password(command.tenant_id, found[0].id) != found[1]:\n",
        "            if False:\n",
        first=_WAY_IN + "test_a_sign_in_that_is_under_way_while_the_password_ends_begins_no_session",
    ),
    Mutation(
        "an administrator gives roles to themselves",
        ACCESS,
        "    if not isinstance(asker, Program) and person_behind(asker) == person.id:\n",
        "    if False:\n",
        first=_PEOPLE + "test_an_administrator_changes_everybody_but_themselves",
    ),
    Mutation(
        "a revoked token still opens",
        CREDENTIALS,
        "        or_(api_tokens.c.revoked_at.is_(None), api_tokens.c.revoked_at > clock()),\n",
        "",
        first="tests/integration/test_cli.py"
        "::test_roles_password_sessions_and_tokens_are_changed_and_the_security_log_says_by_whom",
    ),
    # Connections.
    Mutation(
        "a webhook secret is accepted after its end",
        "adapters/bootstrap.py",
        "signing = accepted(keys, connection.secret_ends, now)",
        "signing = keys",
        first=_CONNECTIONS + "test_a_webhook_secret_rotates_with_both_accepted_until_the_earlier_one_ends",
    ),
    Mutation(
        "a connection that deals go by is removed",
        CONNECTION_LIFE,
        "            if deals.number:\n",
        "            if False:\n",
        first=_CONNECTIONS
        + "test_a_removed_connection_s_webhook_is_nobody_s_and_one_with_deals_is_not_removed",
    ),
    # What connections map.
    Mutation(
        "an adapter is made past what the configuration maps",
        "adapters/connectors/routing.py",
        "return mapped(connection, uow.references.book(connection.tenant_id), self._clock.now().date())",
        "return connection if uow else connection",
        first=_MAPS + "test_to_unmap_special_terms_takes_a_second_person_and_then_deals_are_read_so",
    ),
    Mutation(
        "who connects systems maps past the configuration",
        MAPS,
        "if field.is_map and field.name in given and _differs(",
        "if False and _differs(",
        first=_MAPS + "test_the_integration_admin_cannot_say_it_alone",
    ),
    Mutation(
        "a connection is renamed away from its map",
        MAPS,
        "        if found.before is not None:\n",
        "        if False:\n",
        first=_MAPS + "test_the_integration_admin_cannot_say_it_alone",
    ),
    Mutation(
        "one person renames a connection to the name of another row",
        MAPS,
        "    if found.otherwise:\n",
        "    if False:\n",
        first=_MAPS + "test_nor_by_the_name_of_another_row_that_maps_otherwise",
    ),
    Mutation(
        "the same system is connected once more and mapped by one person",
        MAPS,
        "    if found.needs_row:\n",
        "    if False:\n",
        first=_MAPS + "test_nor_by_connecting_the_same_org_once_more",
    ),
    Mutation(
        "whoever changed what the deal's systems map decides its plan",
        "oppsync/pipeline/destination.py",
        "(*routes, *maps)",
        "tuple(routes)",
        first=_BARRED + "test_whoever_changed_what_the_deal_s_systems_map_does_not_decide_it",
    ),
    Mutation(
        "a new name of the connection frees whoever changed its map",
        "oppsync/services/configuration/connection_names.py",
        "uow.configurations.carry_changes(",
        "(lambda *_: None)(",
        first=_BARRED + "test_nor_once_the_connection_has_another_name",
    ),
    Mutation(
        "a connection is tested past its map",
        "oppsync/services/admin/inspect_connection.py",
        "self.inspector.inspect(mapped, secrets)",
        "self.inspector.inspect(found, secrets)",
        first=_MAPS + "test_a_test_looks_through_the_map_and_a_new_map_has_to_be_tested_anew",
    ),
    Mutation(
        "a system loses its row untold",
        "oppsync/services/configuration/map_check.py",
        "        if lost is not None:\n",
        "        if False:\n",
        first=_MAPS + "test_it_is_told_which_systems_go_by_their_own_settings_once_rows_go",
    ),
    Mutation(
        "a map of another vendor's connection is applied",
        "oppsync/services/configuration/map_check.py",
        "if vendors and row.value",
        "if not vendors and row.value",
        first=_MAPS + "test_a_row_of_another_vendor_is_refused_and_one_of_what_is_not_connected_is_told",
    ),
    Mutation(
        "a map is not judged by its connector",
        APPLY,
        "*wrong_maps(placed, catalog.wrong_map), ",
        "",
        first=_MAPS + "test_a_map_that_the_connector_cannot_read_is_refused_wherever_it_comes_from",
    ),
    # Whatever it is.
    Mutation(
        "nobody's right is asked for",
        "oppsync/services/admin/who_asks.py",
        "    check(who, action, scopes_of(asker))\n",
        "    str(action)\n",
        first="tests/web/test_who_asks.py::test_a_person_without_a_role_is_refused_whatever_they_ask",
    ),
)
