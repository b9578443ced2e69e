"""The one table of who may do what: complete, obeyed, and listed in the docs."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from oppsync.domain.approval.deciding import may_decide
from oppsync.domain.approval.involved import Involved
from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import (
    EVERY_ROLE,
    RIGHTS,
    Action,
    Right,
    check,
    in_words,
    may,
    name_of,
    roles_of,
)
from oppsync.domain.deal.parties import Part, Party
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.scopes import Scope
from oppsync.kernel.errors import Forbidden

DOC = Path(__file__).parents[2] / "docs" / "roles.md"


def person(*roles: PersonRole, is_active: bool = True, email: str = "ann@example.com") -> Person:
    return Person(id=UUID(int=1), email=email, name="Ann", roles=frozenset(roles), is_active=is_active)


def row_of(right: Right) -> str:
    roles = (
        "every role" if right.roles == EVERY_ROLE else in_words(roles_of(right)).replace(" or ", ", ") or "none"
    )
    never = ", ".join(f"`{each}`" for each in right.unless)
    by_command = "yes" if right.command_line else "no"
    return f"| {right.what} | {roles} | {by_command} | {never} | `{right.code}` |"


def test_every_action_has_a_right() -> None:
    assert set(RIGHTS) == set(Action)


def test_the_docs_list_the_table_as_it_is() -> None:
    listed = [line for line in DOC.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]

    assert listed[1:] == [row_of(right) for right in RIGHTS.values()]


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", PersonRole)
def test_a_person_may_what_a_role_of_theirs_gives_while_they_are_here(action: Action, role: PersonRole) -> None:
    assert may(person(role), action) is (role in RIGHTS[action].roles)
    assert not may(person(role, is_active=False), action)


def test_who_may_not_is_refused_with_the_table_s_code_and_told_what_would_do() -> None:
    with pytest.raises(Forbidden, match="needs the role integration admin or operations") as refused:
        check(person(PersonRole.AUDITOR), Action.DISMISS)
    assert refused.value.code == "FORBIDDEN"
    with pytest.raises(Forbidden, match="This can only be done on the installation's command line"):
        check(person(*PersonRole), Action.SET_APPROVAL_RULE)
    with pytest.raises(Forbidden) as refused:
        check(person(PersonRole.AUDITOR), Action.OVERRIDE_PLAN)
    assert refused.value.code == "MAY_NOT_OVERRIDE"


def test_the_command_line_works_exceptions_but_decides_nothing() -> None:
    check(COMMAND_LINE, Action.DISMISS)
    with pytest.raises(Forbidden):
        check(COMMAND_LINE, Action.DECIDE_APPROVAL)
    assert name_of(COMMAND_LINE) == "command-line"


def test_a_token_does_what_its_scopes_and_its_persons_roles_both_give() -> None:
    everything = person(*PersonRole)
    for action, right in RIGHTS.items():
        if right.roles:
            assert may(everything, action, frozenset({right.scope}))
            with pytest.raises(Forbidden, match=f"lacks the scope {right.scope}") as refused:
                check(everything, action, frozenset(Scope) - {right.scope})
            assert refused.value.code == "SCOPE_MISSING"
    with pytest.raises(Forbidden, match="needs the role"):
        check(person(PersonRole.AUDITOR), Action.DISMISS, frozenset(Scope))


def test_reading_working_and_approving_are_scopes_and_all_else_is_for_administering() -> None:
    def having(scope: Scope) -> set[Action]:
        return {action for action, right in RIGHTS.items() if right.scope is scope}

    assert having(Scope.READ) == {action for action in Action if action.startswith(("read", "visit", "see"))}
    assert having(Scope.APPROVE) == {
        Action.DECIDE_APPROVAL,
        Action.WITHDRAW_APPROVAL,
        Action.OWN_ABSENCE,
        Action.APPROVE_CONFIGURATION,
    }
    assert not having(Scope.WORK) & {Action.CHANGE_PERSON, Action.OWN_TOKENS, Action.SET_CONNECTION}
    assert having(Scope.ADMIN) >= {Action.CREATE_TOKEN, Action.PROPOSE_CONFIGURATION, Action.SET_APPROVAL_RULE}


def test_api_and_command_line_ask_as_the_token_does_never_as_the_person_alone() -> None:
    """The person's id in the place of `SignedIn.asker` would lose the token's scopes."""
    root = Path(__file__).parents[2]
    paths = [*(root / "web" / "api").glob("*.py"), *(root / "adapters" / "cli").glob("*.py")]
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    read_only = ("queries.tokens(", "queries.sessions(")
    assert not [line for line in lines if "person.id" in line and not any(each in line for each in read_only)]


@pytest.mark.parametrize(
    "owner",
    [
        " ann@example.com ",
        "ANN@EXAMPLE.COM",
        "ann+sales@example.com",
        "ann@example.com.invalid",
        "\uff41nn@example.com",
    ],
)
def test_an_owner_is_known_however_the_crm_spells_the_address(owner: str) -> None:
    seller = Party(part=Part.OWNER, user_id="005U1", name="Ann", email=owner)
    refusal = may_decide(person(PersonRole.FINANCE_APPROVER), DEFAULT_APPROVALS[0], Involved(parties=(seller,)))

    assert refusal is Refusal.OWN_OPPORTUNITY
