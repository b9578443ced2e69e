"""Set-up: the steps from an empty installation to a live one. One table, which command, page and API show.

A step is done when the facts say so: nobody ticks anything off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pydantic import AwareDatetime

from oppsync.domain.approval.involved import is_same
from oppsync.domain.approval.tasks import Person
from oppsync.domain.configuration.files import FILES
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import actor_name
from oppsync.domain.values.limits import limit_in_words
from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.values.roles import ApprovalRole, PersonRole, held_as
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.tenants import Tenant, TriedDeal

# Kinds of rows without which no deal becomes a plan.
NEEDED_ROWS = (
    ReferenceKind.LEGAL_ENTITY,
    ReferenceKind.SERVICE_LINE,
    ReferenceKind.COST_CENTRE,
    ReferenceKind.PROJECT_TEMPLATE,
    ReferenceKind.RATE_CARD,
)


class SetUpFacts(NamedTuple):
    """`people`: the active ones who can sign in; `invited`: those who have not set a password yet. `heard`: the
    connections whose webhook brought a change. `rows`: how many rows of each kind there are."""

    tenant: Tenant
    people: Sequence[Person] = ()
    invited: Sequence[Person] = ()
    connections: Sequence[Connection] = ()
    heard: frozenset[str] = frozenset()
    rows: Mapping[ReferenceKind, int] = {}

    @property
    def admins(self) -> Sequence[Person]:
        return [each for each in self.people if PersonRole.ADMIN in each.roles]


class Found(NamedTuple):
    """What the facts say of a step. `page` and `command`: where to go on, where it is not the step's own."""

    is_done: bool
    says: str
    page: str | None = None
    command: str | None = None


class Step(NamedTuple):
    """`guide`: a file of the documentation. `page`, `command`: where it is done, in a browser or in a shell."""

    key: str
    title: str
    why: str
    guide: str
    look: Callable[[SetUpFacts], Found]
    page: str | None
    command: str
    is_optional: bool = False


class StepShown(Frozen):
    """A step, and what was found of it. `guide`: a file of the documentation, which this installation shows as
    the page `guide_page`."""

    key: Code
    title: Text
    why: Text
    guide: Text
    guide_page: Text
    page: Text | None
    command: Text
    is_optional: bool
    is_done: bool
    found: Text


class SetUp(Frozen):
    """How far the installation is set up. `time_zone` is None until the firm was named; `went_live_by` and
    `second_admin` name the two who took it live."""

    name: Text
    time_zone: Code | None
    went_live_at: AwareDatetime | None
    went_live_by: Code | None
    second_admin: Code | None
    tried_deal: TriedDeal | None
    steps: tuple[StepShown, ...]

    @property
    def missing(self) -> Sequence[StepShown]:
        """What is left to do, in order."""
        return [step for step in self.steps if not step.is_done and not step.is_optional]


def set_up(facts: SetUpFacts) -> SetUp:
    tenant = facts.tenant
    return SetUp(
        name=tenant.name,
        time_zone=tenant.time_zone,
        went_live_at=tenant.went_live_at,
        went_live_by=tenant.went_live_by and actor_name(tenant.went_live_by),
        second_admin=tenant.second_admin and actor_name(tenant.second_admin),
        tried_deal=tenant.tried_deal,
        steps=tuple(_shown(step, step.look(facts)) for step in STEPS),
    )


def may_be_second(facts: SetUpFacts, first: Person) -> Sequence[Person]:
    """Who can take the firm live together with `first`: other administrators who can sign in."""
    return [each for each in facts.admins if not is_same(each, first)]


def _shown(step: Step, found: Found) -> StepShown:
    return StepShown(
        key=step.key,
        title=step.title,
        why=step.why,
        guide=step.guide,
        guide_page=f"/guides/{step.guide.removeprefix('docs/').removesuffix('.md')}",
        page=found.page or step.page,
        command=found.command or step.command,
        is_optional=step.is_optional,
        is_done=found.is_done,
        found=found.says,
    )


def _admin(facts: SetUpFacts) -> Found:
    if facts.admins:
        return Found(True, f"Administrators who can sign in: {_names(facts.admins)}.")
    waiting = [each for each in facts.invited if PersonRole.ADMIN in each.roles]
    if waiting:
        return Found(False, f"Invited, without a password yet: {_names(waiting)}. The one-time link sets it.")
    return Found(False, "Nobody administers this installation yet.")


def _firm(facts: SetUpFacts) -> Found:
    tenant = facts.tenant
    if tenant.time_zone is None:
        return Found(False, "The firm has no name and time zone yet.")
    return Found(True, f"{tenant.name}, {tenant.time_zone}.")


def _crm(facts: SetUpFacts) -> Found:
    return _connected(facts, ConnectionRole.CRM, "No CRM is connected.")


def _webhook(facts: SetUpFacts) -> Found:
    senders = [each for each in _of(facts, ConnectionRole.CRM) if each.signature_scheme is not None]
    if not _of(facts, ConnectionRole.CRM):
        return Found(False, "No CRM is connected.")
    silent = [each for each in senders if each.id not in facts.heard]
    if silent:
        first = silent[0]
        says = (
            f"{first.name} reported no change yet: once it has the address and the secret, win a small deal"
            " there, or save one that is won."
        )
        return Found(
            False, says, f"/connections/{first.id}#webhook", f"oppsync connection rotate-secret {first.id}"
        )
    if not senders:
        return Found(True, "The CRM sends no webhooks: it is asked for changes.")
    return Found(True, f"Changes arrived from {', '.join(each.name for each in senders)}.")


def _erp(facts: SetUpFacts) -> Found:
    return _connected(facts, ConnectionRole.ERP, "No ERP is connected.")


def _psa(facts: SetUpFacts) -> Found:
    return _connected(facts, ConnectionRole.PSA, "No PSA is connected: nobody is requested for projects.")


def _rules(facts: SetUpFacts) -> Found:
    lacking = [FILES[kind].name for kind in NEEDED_ROWS if not facts.rows.get(kind)]
    if lacking:
        return Found(False, f"No rows yet: {', '.join(lacking)}.")
    entities = facts.rows[ReferenceKind.LEGAL_ENTITY]
    counted = "1 legal entity" if entities == 1 else f"{entities} legal entities"
    return Found(True, f"{counted} with cost centres, templates and rates.")


def _approvers(facts: SetUpFacts) -> Found:
    able = {role: [each for each in facts.people if held_as(role) in each.roles] for role in ApprovalRole}
    lacking = [role for role, people in able.items() if not people]
    if lacking:
        return Found(False, f"Nobody who can sign in may approve for {' or for '.join(lacking)}.")
    finance, delivery = able[ApprovalRole.FINANCE], able[ApprovalRole.DELIVERY]
    if not any(not is_same(one, other) for one in finance for other in delivery):
        return Found(False, f"{_names(finance)} alone may approve for both: each plan needs two people.")
    by_role = (f"{role.capitalize()}: {_with_limits(people, held_as(role))}." for role, people in able.items())
    return Found(True, " ".join(by_role))


def _test_deal(facts: SetUpFacts) -> Found:
    tried = facts.tenant.tried_deal
    if tried is None:
        return Found(False, "No deal was tried yet.")
    if tried.would_become_a_plan:
        return Found(True, f"{tried.name} ({tried.record_id}) would become a plan.")
    return Found(False, f"{tried.name} ({tried.record_id}) would stop: {', '.join(tried.stopped_by)}.")


def _live(facts: SetUpFacts) -> Found:
    tenant = facts.tenant
    if tenant.is_live:
        people = f"{actor_name(tenant.went_live_by or '')} and {actor_name(tenant.second_admin or '')}"
        return Found(True, f"Live, by {people}.")
    if len(facts.admins) < 2:  # noqa: PLR2004
        return Found(False, "A second administrator who can sign in is needed: invite one.", "/people")
    return Found(False, "Until then one administrator may set up alone; what they do is recorded as such.")


def _connected(facts: SetUpFacts, role: ConnectionRole, nothing: str) -> Found:
    found = _of(facts, role)
    if not found:
        return Found(False, nothing)
    unwell = [each for each in found if not each.is_well_tested]
    if not unwell:
        return Found(True, f"{', '.join(each.name for each in found)}: tested, nothing is missing.")
    first = unwell[0]
    says = (
        f"{first.name} was not tested since it was set."
        if first.tested_at is None
        else f"The last test of {first.name} found something missing ({first.test_faults})."
    )
    return Found(False, says, f"/connections/{first.id}#test", f"oppsync connection test {first.id}")


def _of(facts: SetUpFacts, role: ConnectionRole) -> Sequence[Connection]:
    return [each for each in facts.connections if each.role is role]


def _with_limits(people: Sequence[Person], role: str) -> str:
    """Such as "Ana (ACME-DE only), Ben": who is limited approves no plan of elsewhere."""
    limits = ((each.name, each.granted.limit_of(role)) for each in people)
    return ", ".join(f"{name} ({limit_in_words(limit)} only)" if limit else name for name, limit in limits)


def _names(people: Sequence[Person]) -> str:
    return ", ".join(each.name for each in people)


STEPS = (
    Step(
        "administrator",
        "An administrator",
        "Somebody has to invite the others. The password is set by a one-time link: nobody else ever knows it.",
        "docs/deploying.md",
        _admin,
        "/people",
        "oppsync init",
    ),
    Step(
        "firm",
        "Name and time zone",
        "Pages name the firm, and show times in its zone.",
        "docs/deploying.md",
        _firm,
        "/set-up#firm",
        "oppsync init --name NAME --zone ZONE",
    ),
    Step(
        "crm",
        "Connect the CRM",
        "Won deals are read there, and their projects are written back.",
        "docs/connectors/salesforce.md",
        _crm,
        "/connections/new",
        "oppsync connection add --role crm",
    ),
    Step(
        "webhook",
        "Let the CRM report changes",
        "A signed webhook brings a won deal here within seconds; without it, it is found by asking, later.",
        "docs/connectors/salesforce.md",
        _webhook,
        "/connections",
        "oppsync connection add --role crm",
    ),
    Step(
        "erp",
        "Connect the ERP",
        "Projects and their billing are created there.",
        "docs/connectors/tryton.md",
        _erp,
        "/connections/new",
        "oppsync connection add --role erp",
    ),
    Step(
        "psa",
        "Connect the PSA",
        "It is asked for the people that a project needs. A firm without one leaves this out.",
        "docs/connectors/kantata.md",
        _psa,
        "/connections/new",
        "oppsync connection add --role psa",
        is_optional=True,
    ),
    Step(
        "rules",
        "The firm's rules",
        "Legal entities, cost centres, templates, rates and taxes say what a deal becomes.",
        "docs/configuration.md",
        _rules,
        "/configuration/upload",
        "oppsync config apply DIR",
    ),
    Step(
        "approvers",
        "Who approves",
        "A plan is created only after one person for finance and another for delivery approved it.",
        "docs/roles.md",
        _approvers,
        "/people",
        "oppsync user invite --role finance_approver --role delivery_approver",
    ),
    Step(
        "test_deal",
        "Try a deal",
        "A deal of yours is read from the CRM and planned; nothing is written anywhere.",
        "docs/plans.md",
        _test_deal,
        "/set-up#test-deal",
        "oppsync try-deal CRM-ID",
    ),
    Step(
        "live",
        "Go live",
        "From then on two people have to agree to what moves money, changes who approves or who administers.",
        "docs/deploying.md",
        _live,
        "/set-up#live",
        "oppsync go-live --second EMAIL",
    ),
)
