"""Who may do what: the one table.

Services refuse by it, pages and API offer by it, and `docs/roles.md` lists it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from oppsync.domain.approval.refusals import BARRED, Refusal
from oppsync.domain.approval.tasks import Person
from oppsync.domain.values.actor import Program, person_actor
from oppsync.domain.values.limits import Place, place_in_words, role_in_words
from oppsync.domain.values.roles import ROLE_FOR, PersonRole, is_further, role_name
from oppsync.domain.values.scopes import Scope, Scopes
from oppsync.kernel.errors import Forbidden

Roles = frozenset[PersonRole]
# What the table calls the approvers' roles that a firm's configuration names.
FURTHER_APPROVER = "further approver"


class Action(StrEnum):
    READ = "read"
    VISIT_DASHBOARD = "visit_dashboard"
    VISIT_APPROVALS = "visit_approvals"
    VISIT_APPROVAL = "visit_approval"
    SEE_ALL_APPROVALS = "see_all_approvals"
    VISIT_EXCEPTIONS = "visit_exceptions"
    DECIDE_APPROVAL = "decide_approval"
    COMMENT_APPROVAL = "comment_approval"
    WITHDRAW_APPROVAL = "withdraw_approval"
    REASSIGN_APPROVAL = "reassign_approval"
    OWN_ABSENCE = "own_absence"
    OTHERS_ABSENCE = "others_absence"
    OVERRIDE_PLAN = "override_plan"
    PLAN_ANEW = "plan_anew"
    REPLAY = "replay"
    LINK_CUSTOMER = "link_customer"
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    COMPENSATE = "compensate"
    SET_APPROVAL_RULE = "set_approval_rule"
    VISIT_CONFIGURATION = "visit_configuration"
    PROPOSE_CONFIGURATION = "propose_configuration"
    APPROVE_CONFIGURATION = "approve_configuration"
    BACKTEST_CONFIGURATION = "backtest_configuration"
    BACKFILL = "backfill"
    RECONCILE_RESTORE = "reconcile_restore"
    READ_PEOPLE = "read_people"
    CREATE_PERSON = "create_person"
    IDENTIFY_PERSON = "identify_person"
    CHANGE_PERSON = "change_person"
    AGREE_ACCESS = "agree_access"
    OWN_SESSIONS = "own_sessions"
    OWN_TOKENS = "own_tokens"
    CREATE_TOKEN = "create_token"  # noqa: S105
    REVOKE_TOKEN = "revoke_token"  # noqa: S105
    SET_CONNECTION = "set_connection"
    INSPECT_CONNECTION = "inspect_connection"
    VISIT_CONNECTIONS = "visit_connections"
    MIRROR = "mirror"
    READ_SECURITY_LOG = "read_security_log"
    VISIT_SET_UP = "visit_set_up"
    NAME_FIRM = "name_firm"
    TRY_DEAL = "try_deal"
    GO_LIVE = "go_live"


class Right(NamedTuple):
    """`what` is the action in words. Any one of `roles` is enough, `unless` a condition bars the person; by an
    API token, its `scope` is needed besides. `whole_firm`: it is about no single deal, so a role that is
    limited to entities and regions is not enough.

    `further`: an approver's role that the firm's configuration names is enough too. `code` is the error code
    for somebody without any of the roles.
    """

    what: str
    roles: Roles
    scope: Scope = Scope.ADMIN
    command_line: bool = False
    unless: tuple[Refusal, ...] = ()
    code: str = Forbidden.code
    whole_firm: bool = False
    further: bool = False

    def held_by(self, roles: Iterable[str]) -> bool:
        return any(role in self.roles or (self.further and is_further(role)) for role in roles)


EVERY_ROLE: Roles = frozenset(PersonRole)
NO_ROLE: Roles = frozenset()
ADMINS: Roles = frozenset({PersonRole.ADMIN})
APPROVERS: Roles = frozenset(ROLE_FOR.values())
_OF_APPROVALS: Roles = APPROVERS | ADMINS | {PersonRole.AUDITOR, PersonRole.OPERATIONS}
WORKERS: Roles = frozenset({PersonRole.OPERATIONS, PersonRole.INTEGRATION_ADMIN})
RIGHTS: dict[Action, Right] = {
    Action.READ: Right(
        "Read deals and their plans in the API, open the opportunity pages, preview a plan",
        EVERY_ROLE,
        Scope.READ,
        command_line=True,
        further=True,
    ),
    Action.VISIT_DASHBOARD: Right(
        "Open the dashboard, read its figures in the API",
        ADMINS | {PersonRole.EXECUTIVE, PersonRole.AUDITOR},
        Scope.READ,
    ),
    Action.VISIT_APPROVALS: Right(
        "Open the inbox of approvals", APPROVERS | {PersonRole.AUDITOR}, Scope.READ, further=True
    ),
    Action.VISIT_APPROVAL: Right("Open one approval", _OF_APPROVALS, Scope.READ, further=True),
    Action.SEE_ALL_APPROVALS: Right(
        "See everybody's approvals in the inbox", frozenset({PersonRole.AUDITOR}), Scope.READ
    ),
    Action.VISIT_EXCEPTIONS: Right("Open the exception pages", WORKERS | {PersonRole.AUDITOR}, Scope.READ),
    Action.DECIDE_APPROVAL: Right(
        "Approve or reject a plan that asks for a role of theirs, or for them by name",
        APPROVERS,
        Scope.APPROVE,
        unless=BARRED,
        code=Refusal.NOT_AN_APPROVER,
        further=True,
    ),
    Action.COMMENT_APPROVAL: Right("Comment on an approval", _OF_APPROVALS, Scope.WORK, further=True),
    Action.WITHDRAW_APPROVAL: Right(
        "Withdraw one's own approval, until creation begins", APPROVERS, Scope.APPROVE, further=True
    ),
    Action.REASSIGN_APPROVAL: Right(
        "Put an open approval to colleagues who may decide it (approvers: of their own role)",
        APPROVERS | ADMINS | {PersonRole.OPERATIONS},
        Scope.WORK,
        unless=(Refusal.OWN_OPPORTUNITY,),
        further=True,
    ),
    Action.OWN_ABSENCE: Right(
        "Be out of office, with somebody who decides meanwhile, and choose one's calendar",
        EVERY_ROLE,
        Scope.APPROVE,
        further=True,
    ),
    Action.OTHERS_ABSENCE: Right(
        "Enter or end another's absence, and choose their calendar", ADMINS, Scope.ADMIN, command_line=True
    ),
    Action.OVERRIDE_PLAN: Right(
        "Override a field of a plan, before it is approved",
        APPROVERS | {PersonRole.OPERATIONS},
        Scope.WORK,
        unless=(Refusal.OWN_OPPORTUNITY,),
        code="MAY_NOT_OVERRIDE",
    ),
    Action.PLAN_ANEW: Right(
        "Plan a deal anew after its approval, before it is active", WORKERS, Scope.WORK, command_line=True
    ),
    Action.REPLAY: Right(
        "Preview and run replays, of one item or of a selection", WORKERS, Scope.WORK, command_line=True
    ),
    Action.LINK_CUSTOMER: Right(
        "Link a deal's account to a customer of the ERP",
        WORKERS,
        Scope.WORK,
        command_line=True,
        unless=(Refusal.OWN_OPPORTUNITY,),
    ),
    Action.CONFIRM: Right(
        "Confirm what looks wrong and is right, such as an early start",
        WORKERS,
        Scope.WORK,
        command_line=True,
        unless=(Refusal.OWN_OPPORTUNITY,),
    ),
    Action.DISMISS: Right("Dismiss an exception", WORKERS, Scope.WORK, command_line=True),
    Action.COMPENSATE: Right("Give a deal up after its approval", WORKERS, Scope.WORK, command_line=True),
    Action.SET_APPROVAL_RULE: Right(
        "Set or end a rule that approves plans without a person", NO_ROLE, Scope.ADMIN, command_line=True
    ),
    Action.VISIT_CONFIGURATION: Right(
        "Open the configuration pages, read and compare the configuration in the API",
        ADMINS | WORKERS | {PersonRole.FINANCE_APPROVER, PersonRole.AUDITOR},
        Scope.READ,
        command_line=True,
    ),
    Action.PROPOSE_CONFIGURATION: Right(
        "Apply a configuration, or propose one that needs a second person",
        frozenset({PersonRole.INTEGRATION_ADMIN, PersonRole.FINANCE_APPROVER}),
        Scope.ADMIN,
        command_line=True,
        whole_firm=True,
    ),
    Action.APPROVE_CONFIGURATION: Right(
        "Approve or reject a proposed configuration, which moves money or changes who approves",
        frozenset({PersonRole.FINANCE_APPROVER}),
        Scope.APPROVE,
        whole_firm=True,
    ),
    Action.BACKTEST_CONFIGURATION: Right(
        "Try the last won deals by a changed configuration, and keep what comes of it",
        frozenset({PersonRole.INTEGRATION_ADMIN, PersonRole.FINANCE_APPROVER}),
        Scope.WORK,
        command_line=True,
        whole_firm=True,
    ),
    Action.BACKFILL: Right("Take in deals that were won earlier", NO_ROLE, Scope.WORK, command_line=True),
    Action.RECONCILE_RESTORE: Right(
        "Look for lost deals after a restored backup", NO_ROLE, Scope.WORK, command_line=True
    ),
    Action.READ_PEOPLE: Right(
        "List people with their roles, and API tokens",
        ADMINS | {PersonRole.AUDITOR},
        Scope.READ,
        command_line=True,
    ),
    Action.CREATE_PERSON: Right("Invite or add a person with roles", ADMINS, Scope.ADMIN, command_line=True),
    Action.IDENTIFY_PERSON: Right(
        "Say by which other addresses and users of the CRM a person is known",
        NO_ROLE,
        Scope.ADMIN,
        command_line=True,
    ),
    Action.CHANGE_PERSON: Right(
        "Change a person's roles or password, deactivate them, sign them out everywhere",
        ADMINS,
        Scope.ADMIN,
        command_line=True,
    ),
    Action.AGREE_ACCESS: Right(
        "Propose an approver's or administrator's role of a live firm, agree to another's proposal",
        ADMINS,
        Scope.ADMIN,
    ),
    Action.OWN_SESSIONS: Right("List and end one's own sessions", EVERY_ROLE, Scope.ADMIN, further=True),
    Action.OWN_TOKENS: Right("Make and revoke API tokens of one's own", EVERY_ROLE, Scope.ADMIN, further=True),
    Action.CREATE_TOKEN: Right(
        "Make an API token that acts as a person", NO_ROLE, Scope.ADMIN, command_line=True
    ),
    Action.REVOKE_TOKEN: Right("Revoke an API token", ADMINS, Scope.ADMIN, command_line=True),
    Action.SET_CONNECTION: Right(
        "Add, edit, pause, resume and remove a connection, and change its secrets",
        frozenset({PersonRole.INTEGRATION_ADMIN}),
        Scope.ADMIN,
        command_line=True,
        whole_firm=True,
    ),
    Action.INSPECT_CONNECTION: Right(
        "Test a connection, and send a test event to its webhook",
        WORKERS,
        Scope.WORK,
        command_line=True,
        whole_firm=True,
    ),
    Action.VISIT_CONNECTIONS: Right(
        "Open the connection pages, read connections and master data in the API",
        WORKERS | {PersonRole.AUDITOR},
        Scope.READ,
    ),
    Action.MIRROR: Right(
        "Have the master data of an ERP read at once",
        WORKERS,
        Scope.WORK,
        command_line=True,
        whole_firm=True,
    ),
    Action.READ_SECURITY_LOG: Right(
        "Read who changed what about people, tokens, connections and rules, and who tried to come in",
        ADMINS | {PersonRole.AUDITOR},
        Scope.READ,
        command_line=True,
    ),
    Action.VISIT_SET_UP: Right("Open the set-up page", ADMINS | {PersonRole.INTEGRATION_ADMIN}, Scope.READ),
    Action.NAME_FIRM: Right("Set the firm's name and time zone", ADMINS, Scope.ADMIN, command_line=True),
    Action.TRY_DEAL: Right(
        "Try a deal in the set-up", ADMINS | {PersonRole.INTEGRATION_ADMIN}, Scope.WORK, command_line=True
    ),
    Action.GO_LIVE: Right("Take the firm live, with a second administrator", ADMINS, Scope.ADMIN),
}


def may(who: Person | Program, action: Action, scopes: Scopes | None = None) -> bool:
    """`scopes`: those of the API token by which a person asks; None: by no token, or one from before scopes."""
    right = RIGHTS[action]
    if isinstance(who, Program):
        return right.command_line
    roles: Iterable[str] = who.granted.without_limit() if right.whole_firm else who.roles
    if not who.is_active or not right.held_by(roles):
        return False
    return scopes is None or right.scope in scopes


def check(who: Person | Program, action: Action, scopes: Scopes | None = None) -> None:
    """Raises Forbidden, with a message that names the roles that may, or the scope that is missing."""
    if not may(who, action):
        limited = isinstance(who, Person) and who.is_active and RIGHTS[action].held_by(who.roles)
        more = " Yours is limited to entities or regions, and this is about the whole firm." if limited else ""
        raise Forbidden(needed_for(action) + more, code=RIGHTS[action].code)
    if not may(who, action, scopes):
        raise Forbidden(
            f"This token lacks the scope {RIGHTS[action].scope}. Make one that has it.", code="SCOPE_MISSING"
        )


def needed_for(action: Action) -> str:
    """The message for somebody who may not."""
    right = RIGHTS[action]
    if not right.roles:
        return "This can only be done on the installation's command line."
    return f"This needs the role {in_words(roles_of(right))}. An administrator gives it."


def roles_of(right: Right) -> Iterable[str]:
    return [*right.roles, *([FURTHER_APPROVER] if right.further else [])]


def in_words(roles: Iterable[str]) -> str:
    return " or ".join(sorted(role_name(role) for role in roles))


def who_can(names: Iterable[str]) -> str:
    """Say, after a refusal, who may decide."""
    joined = " or ".join(names)
    return f"{joined} can." if joined else "Nobody else has the right: contact operations."


def name_of(who: Person | Program) -> str:
    """The actor that events on the timeline name."""
    return who.value if isinstance(who, Program) else person_actor(who.email)


def is_within(person: Person, action: Action, place: Place | None) -> bool:
    """Whether a role of the person that gives the right counts for a deal made there."""
    return person.granted.covers(RIGHTS[action].roles, place)


def outside_in_words(person: Person, roles: Iterable[str], place: Place | None) -> str:
    """Which limits of these roles of the person the deal is outside of."""
    return f"You are {limits_in_words(person, roles)}; {place_in_words(place)}."


def limits_in_words(person: Person, roles: Iterable[str]) -> str:
    """Those of these roles of the person."""
    wanted = set(roles)
    return " and ".join(role_in_words(each) for each in person.limits if each.role in wanted)
