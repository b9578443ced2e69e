"""The office of the tests: people with roles, and deals put where a story begins, through the real store."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

from adapters.bootstrap import Application
from adapters.identity.local import Argon2Passwords
from oppsync.domain.approval.tasks import ApprovalTask, Decision, Person, RuleUse
from oppsync.domain.deal.opportunity import Opportunity, OpportunityRef
from oppsync.domain.deal.parties import parties_of
from oppsync.domain.deal.since_approval import changes_since
from oppsync.domain.effects.effects import Effect, ExternalRecord
from oppsync.domain.plan.approvals import DEFAULT_APPROVALS, RequiredApproval, Seat, seat_of
from oppsync.domain.plan.overrides import NewOverride, OverrideField
from oppsync.domain.plan.plan import Plan
from oppsync.domain.plan.systems import PlanSystems
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.findings.codes import finding
from oppsync.domain.values.findings.finding import Finding
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import ApprovalRole, PersonRole, Role
from oppsync.domain.values.scopes import EVERY_SCOPE
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.events import StateChanged
from oppsync.domain.work.exceptions import NewException
from oppsync.domain.work.intake import Delivery
from oppsync.domain.work.states import State
from oppsync.domain.work.webhook_secrets import WEBHOOK_SECRETS
from oppsync.pipeline.destination import Destination
from oppsync.pipeline.stage import Advance
from oppsync.pipeline.table import stage_for
from oppsync.ports.storage.opportunities import ON_ACTION
from oppsync.services.admin.commands import CreateToken, ResetPerson
from oppsync.services.approvals.commands import DecideApproval, EnterAbsence
from oppsync.services.intake.commands import AcceptDelivery
from tests.harness import builders
from tests.harness.builders import TENANT

CONNECTION = "sf-demo"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a secret of the tests, long enough").decode()
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Waiting:
    """A deal whose plan waits for finance and delivery."""

    opportunity_id: UUID
    plan: Plan
    finance: ApprovalTask
    delivery: ApprovalTask


class Office:
    """Ana approves for finance, Tom for delivery, Kim for both; Olga works exceptions; Ed and Uma only read."""

    people = {
        "ana": frozenset({PersonRole.FINANCE_APPROVER}),
        "tom": frozenset({PersonRole.DELIVERY_APPROVER}),
        "kim": frozenset({PersonRole.FINANCE_APPROVER, PersonRole.DELIVERY_APPROVER}),
        "olga": frozenset({PersonRole.OPERATIONS}),
        "ed": frozenset({PersonRole.EXECUTIVE}),
        "uma": frozenset({PersonRole.AUDITOR}),
    }

    def __init__(self, application: Application) -> None:
        self.application = application
        self.uow = application.uow
        self.ids: dict[str, UUID] = {}

    def open(self) -> None:
        crm = Connection(
            tenant_id=TENANT,
            id=CONNECTION,
            role=ConnectionRole.CRM,
            vendor="salesforce",
            name="Salesforce",
            settings={"base_url": "http://127.0.0.1:9"},
            signature_scheme="standard_webhooks",
        )
        with self.uow() as uow:
            secrets = {"client_id": "id", "client_secret": "secret", WEBHOOK_SECRETS: [WEBHOOK_SECRET]}
            uow.connections.put(crm, secrets)
            uow.commit()
        for name, roles in self.people.items():
            self.hire(name, *roles)

    def token(self, name: str) -> str:
        return self.application.dispatch(
            CreateToken(TENANT, COMMAND_LINE, f"{name}-{uuid.uuid4()}", email(name), EVERY_SCOPE)
        )

    def deal(self, record: Opportunity | None = None) -> UUID:
        """A deal just received; its record is read when given."""
        ref = OpportunityRef(id=record.id if record else f"006{uuid.uuid4().hex[:12]}")
        with self.uow() as uow:
            opportunity_id, _new = uow.opportunities.receive(TENANT, CONNECTION, ref, new_traceparent())
            before = uow.opportunities.lock(TENANT, opportunity_id)
            if record is not None:
                digest = record.content_digest()
                after = changed(before, record=record, record_digest=digest)
                uow.opportunities.change(before, after, ON_ACTION)
            uow.commit()
        return opportunity_id

    def active_and_changed(self, record: Opportunity, **changes: object) -> UUID:
        """A deal that the CRM changed after its projects were made."""
        opportunity_id, now = self.deal(record), changed(record, **changes)
        with self.uow() as uow:
            before = uow.opportunities.lock(TENANT, opportunity_id)
            differing = {"approved_record": record, "changes_since_approval": changes_since(record, now)}
            after = changed(before, state=State.ACTIVE, record=now, **differing)
            uow.opportunities.change(before, after, ON_ACTION)
            uow.commit()
        return opportunity_id

    def keep_reading(self, opportunity_id: UUID, record: Opportunity) -> None:
        """The deal was once read like this: whoever had a part in it then has one for ever."""
        with self.uow() as uow:
            uow.parties.keep(uow.opportunities.get(TENANT, opportunity_id), parties_of(record))
            uow.commit()

    def warn(self, opportunity_id: UUID, *warnings: Finding) -> None:
        with self.uow() as uow:
            before = uow.opportunities.lock(TENANT, opportunity_id)
            uow.opportunities.change(before, changed(before, warnings=warnings), ON_ACTION)
            uow.commit()

    def waiting(self, record: Opportunity | None = None, *, changed: dict[str, str] | None = None) -> Waiting:
        """A deal with its plan before both approvers. `changed`: Olga's overrides of its line 00kL2."""
        record = record or sold_by("sam.seller")
        opportunity_id = self.deal(record)
        for field, value in (changed or {}).items():
            self.override(opportunity_id, field, value, by=self.ids["olga"])
        finance, delivery, plan = self.propose(opportunity_id, record)
        return Waiting(opportunity_id, plan, finance, delivery)

    def waiting_for(self, *steps: RequiredApproval, **asked: str) -> Mapping[str, ApprovalTask]:
        """A deal whose plan needs these steps. `asked`: the first seats of steps, and the name of who is
        asked."""
        record = sold_by("sam.seller")
        waiting = self.waiting(record)
        plan = changed(waiting.plan, content=changed(waiting.plan.content, approvals=steps))
        with self.uow() as uow:
            before = uow.opportunities.lock(TENANT, waiting.opportunity_id)
            uow.opportunities.change(before, changed(before, plan_hash=plan.hash), ON_ACTION)
            uow.plans.add(TENANT, before.id, plan)
            uow.approvals.void(TENANT, before.id, plan.hash)
            tasks = {
                code: uow.approvals.open(
                    TENANT, before.id, plan.hash, seat_of(code, steps), [self.person(name).id]
                )
                for code, name in asked.items()
            }
            uow.commit()
        return tasks

    def propose(self, opportunity_id: UUID, record: Opportunity) -> tuple[ApprovalTask, ApprovalTask, Plan]:
        """A plan of this record, before both approvers; tasks of other plans become void."""
        plan = self._plan(opportunity_id, record)
        approvers = {
            ApprovalRole.FINANCE: (self.ids["ana"], self.ids["kim"]),
            ApprovalRole.DELIVERY: (self.ids["tom"], self.ids["kim"]),
        }
        with self.uow() as uow:
            before = uow.opportunities.lock(TENANT, opportunity_id)
            after = changed(
                before,
                state=State.AWAITING_APPROVAL,
                record=record,
                enrichment=changed(builders.enrichment(record), replaces=before.replaces),
                plan_hash=plan.hash,
            )
            uow.opportunities.change(before, after, ON_ACTION)
            uow.plans.add(TENANT, opportunity_id, plan)
            uow.approvals.void(TENANT, opportunity_id, plan.hash)
            tasks = {
                role: uow.approvals.open(
                    TENANT, opportunity_id, plan.hash, seat_of(role, plan.content.required), candidates
                )
                for role, candidates in approvers.items()
            }
            event = StateChanged(
                opportunity_id=opportunity_id,
                actor="stage:approve",
                before={"state": before.state},
                after={"state": after.state},
                summary="Waits for finance and delivery",
            )
            uow.audit.append(TENANT, event, before.traceparent)
            uow.commit()
        return tasks[ApprovalRole.FINANCE], tasks[ApprovalRole.DELIVERY], plan

    def _plan(self, opportunity_id: UUID, record: Opportunity) -> Plan:
        with self.uow() as uow:
            stored = uow.overrides.of(TENANT, opportunity_id)
        enrichment, customer = builders.enrichment(record), builders.GLOBEX
        enriched = builders.tracked(record, state=State.ENRICHED, enrichment=enrichment, customer=customer)
        systems = PlanSystems(erp="tryton-demo", psa="kantata-demo")
        to = Destination(systems, builders.erp())
        outcome = builders.planned(enriched, builders.book(), stored, to)
        assert isinstance(outcome, Advance)
        assert outcome.plan is not None
        return outcome.plan

    def override(self, opportunity_id: UUID, field: str, value: str, *, by: UUID) -> None:
        """Override the deal's line 00kL2; its plan stays as it is."""
        new = NewOverride(
            workstream="00kL2", field=OverrideField(field), value=value, reason="Agreed with the customer"
        )
        with self.uow() as uow:
            uow.overrides.add(TENANT, opportunity_id, uow.people.get(TENANT, by), new)
            uow.commit()

    def hire(self, name: str, *roles: Role) -> UUID:
        person = Person(id=uuid.uuid4(), email=email(name), name=name.capitalize(), roles=frozenset(roles))
        with self.uow() as uow:
            uow.people.add(TENANT, person, hashed_password())
            uow.commit()
        self.ids[name] = person.id
        return person.id

    def person(self, name: str) -> Person:
        with self.uow() as uow:
            return uow.people.get(TENANT, self.ids[name])

    def unreadable_delivery(self) -> UUID:
        """The exception of an unreadable delivery, which belongs to no deal."""
        delivery = Delivery(
            tenant_id=TENANT,
            connection_id=CONNECTION,
            delivery_id=f"evt-{uuid.uuid4()}",
            headers={},
            body=b"?",
            traceparent=new_traceparent(),
        )
        self.application.dispatch(AcceptDelivery(delivery))
        return self.application.queries.exceptions(TENANT, code="UNREADABLE_DELIVERY").rows[0].id

    def absence(self, name: str = "ana", delegate: str | None = None) -> UUID:
        """Out of office from today for a week."""
        today = datetime.now(UTC).date()
        last, to = today + timedelta(days=7), email(delegate) if delegate else None
        return self.application.dispatch(EnterAbsence(TENANT, self.ids[name], today, last, to))

    def approve(self, waiting: Waiting, who: str) -> None:
        """A person approves for finance."""
        command = DecideApproval(TENANT, waiting.finance.id, waiting.plan.hash, self.ids[who], Decision.APPROVE)
        self.application.dispatch(command)

    def approve_by_rule(self, waiting: Waiting, rule: RuleUse) -> None:
        """A rule gives finance's approval."""
        with self.uow() as uow:
            rules = {Seat(DEFAULT_APPROVALS[0]): rule}
            uow.approvals.approve_by_rules(TENANT, waiting.opportunity_id, waiting.plan.hash, rules)
            uow.commit()

    def active(self, url: str) -> UUID:
        """A deal whose project exists in the ERP as PRJ-7 at `url`."""
        opportunity_id = self.deal()
        effect = Effect(
            key=f"oppsync:{opportunity_id}:parent",
            kind=EffectKind.PARENT,
            path="project",
            opportunity_id=opportunity_id,
            connection_id=CONNECTION,
            request={},
            quarantine=timedelta(0),
        )
        with self.uow() as uow:
            taken = uow.opportunities.take_lease(opportunity_id, "test")
            assert taken is not None
            before, lease = taken
            uow.ledger.mark_sent(TENANT, effect, "digest", lease, before.traceparent)
            external = ExternalRecord(outside_id="7", number="PRJ-7", url=url)
            uow.ledger.confirm(TENANT, effect.key, external, lease)
            uow.opportunities.change(before, changed(before, state=State.ACTIVE), ON_ACTION)
            uow.commit()
        return opportunity_id

    def parked(
        self,
        stands_at: State = State.VALIDATED,
        found: Finding | None = None,
        record: Opportunity | None = None,
    ) -> tuple[UUID, UUID]:
        """A deal that is parked, because a cost centre is missing unless something else is `found`: its id and
        its exception's."""
        found = found or finding(
            "COST_CENTRE_MISSING",
            "ACME-DE has no cost centre for Advisory",
            path="/lines/0/service_line",
            value="Advisory",
        )
        opportunity_id = self.deal(record or sold_by("sam.seller"))
        return opportunity_id, self.stop(opportunity_id, stands_at, found)

    def stop(self, opportunity_id: UUID, stands_at: State, found: Finding) -> UUID:
        """A deal is parked with this finding: its exception's id."""
        message = "No cost centre for ACME-DE and Advisory on 4 May 2026"
        with self.uow() as uow:
            before = uow.opportunities.lock(TENANT, opportunity_id)
            after = changed(before, state=State.PARKED, resume_state=stands_at)
            uow.opportunities.change(before, after, ON_ACTION)
            item_id = uow.exceptions.raise_item(
                NewException(
                    tenant_id=TENANT,
                    opportunity_id=opportunity_id,
                    stage=stage_for(stands_at).name,
                    code=found.code,
                    message=message if found.code == "COST_CENTRE_MISSING" else found.message,
                    owner=found.owner,
                    findings=(found,),
                    payload_reference=f"record:{opportunity_id}",
                )
            )
            uow.commit()
        return item_id

    def parked_after_approval(self, record: Opportunity | None = None) -> tuple[Waiting, UUID]:
        """A deal with its plan, approved, of which the ERP refused to create anything."""
        waiting = self.waiting(record)
        return waiting, self._refused(waiting.opportunity_id)

    def parked_in_the_middle(self, url: str) -> tuple[UUID, UUID]:
        """An approved deal whose project exists as PRJ-7 at `url`, and whose next create was refused."""
        opportunity_id = self.active(url)
        return opportunity_id, self._refused(opportunity_id)

    def _refused(self, opportunity_id: UUID) -> UUID:
        with self.uow() as uow:
            before = uow.opportunities.lock(TENANT, opportunity_id)
            after = changed(before, state=State.PARKED, resume_state=State.APPROVED)
            uow.opportunities.change(before, after, ON_ACTION)
            refused = finding("VENDOR_REJECTED", "Tryton: 400: The fiscal year is closed.")
            item_id = uow.exceptions.raise_item(
                NewException(
                    tenant_id=TENANT,
                    opportunity_id=opportunity_id,
                    stage="create_projects",
                    code=refused.code,
                    message=refused.message,
                    owner=refused.owner,
                    findings=(refused,),
                    payload_reference=f"record:{opportunity_id}",
                )
            )
            uow.commit()
        return item_id


@cache
def hashed_password() -> str:
    return Argon2Passwords().hash(PASSWORD)


def email(name: str) -> str:
    return f"{name}@acme.example"


def sold_by(seller: str, /, **changes: object) -> Opportunity:
    """A sound deal of that seller, with an id of its own."""
    owner = builders.owner(name=seller.replace(".", " ").title(), email=email(seller))
    return builders.opportunity(id=f"006{uuid.uuid4().hex[:12]}", owner=owner, **changes)


def link_of(application: Application, name: str) -> str:
    """The secret of a one-time link, as the command line resets a password."""
    secret = application.dispatch(ResetPerson(TENANT, COMMAND_LINE, email(name)))
    assert secret is not None
    return secret
