"""The composition root: the only module that picks adapters. It opens no connection, so it is safe before a
fork."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import redis
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine

from adapters.connectors.catalog import RegistryCatalog
from adapters.connectors.inspection import AdapterInspector
from adapters.connectors.routing import ConnectedSystems, connection_limits
from adapters.connectors.signatures.raw_request import RawRequest
from adapters.connectors.signatures.registry import SIGNATURE_SCHEMES
from adapters.connectors.traffic.book import Book
from adapters.connectors.traffic.traffic import VendorTraffic
from adapters.connectors.trial_events import HttpTrialEvents
from adapters.identity.brake import SharedBrake
from adapters.identity.common_passwords import CommonPasswords
from adapters.identity.local import Argon2Passwords
from adapters.identity.seals import HmacSeals
from adapters.identity.totp import TotpCodes
from adapters.notify.files import FileNotifier
from adapters.notify.smtp import SmtpNotifier
from adapters.postgres.engine import make_engine, store_errors
from adapters.postgres.queries import PostgresQueries
from adapters.postgres.repositories.vendor_calls import PostgresCallLog
from adapters.postgres.unit_of_work import PostgresUnits
from adapters.runtime.connection_budget import TRAFFIC_POOL, WEB_POOL
from adapters.runtime.logs import LogReporter, configure_logs, configure_sentry
from adapters.runtime.plugins import load
from oppsync.domain.approval.tasks import Person, SignedIn
from oppsync.domain.configuration.installation import Installation
from oppsync.domain.policy.connection_map import MapInForce, map_of
from oppsync.domain.reading.traffic import Traffic
from oppsync.domain.values.roles import PersonRole, is_further
from oppsync.domain.work.connections import Connection
from oppsync.domain.work.events import Event
from oppsync.domain.work.webhook_secrets import WEBHOOK_SECRETS, accepted
from oppsync.kernel.bus import Command
from oppsync.kernel.errors import Misconfigured, NotFound, StoreUnavailable
from oppsync.kernel.settings import Settings
from oppsync.kernel.side_by_side import Threads
from oppsync.ports.brake import Brake
from oppsync.ports.clock import Clock
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.notifier import Notifier
from oppsync.ports.queries import Queries
from oppsync.ports.storage.unit_of_work import Bus, UnitOfWork, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.access import DeactivatePersonHandler, SetRolesHandler
from oppsync.services.admin.commands import (
    AcceptInvitation,
    AddConnection,
    BeginSecondFactor,
    ChangePassword,
    ConfirmSecondFactor,
    CountAttempt,
    CreatePerson,
    CreateToken,
    DeactivatePerson,
    DecideAccess,
    EditConnection,
    EndSession,
    EndSessions,
    EnterCode,
    IdentifyPerson,
    InspectConnection,
    InvitePerson,
    PauseConnection,
    ProposeAccess,
    ReencryptSecrets,
    RemoveConnection,
    RemoveSecondFactor,
    ResetPerson,
    ResetSecondFactor,
    ResumeConnection,
    RevokeToken,
    RotateWebhookSecret,
    SendTrialEvent,
    SetConnection,
    SetPassword,
    SetRoles,
    SignIn,
    SignOut,
    SignOutEverywhere,
)
from oppsync.services.admin.connection_life import (
    PauseConnectionHandler,
    ReencryptSecretsHandler,
    RemoveConnectionHandler,
    ResumeConnectionHandler,
    RotateWebhookSecretHandler,
)
from oppsync.services.admin.connections import (
    AddConnectionHandler,
    EditConnectionHandler,
    SetConnectionHandler,
)
from oppsync.services.admin.count_attempt import CountAttemptHandler
from oppsync.services.admin.inspect_connection import InspectConnectionHandler, SendTrialEventHandler
from oppsync.services.admin.invitations import (
    AcceptInvitationHandler,
    InvitePersonHandler,
    ResetPersonHandler,
)
from oppsync.services.admin.link_mail import LinkMail, password_link
from oppsync.services.admin.passwords import (
    ChangePasswordHandler,
    CurrentPassword,
    Passwords,
    SetPasswordHandler,
)
from oppsync.services.admin.people import CreatePersonHandler, IdentifyPersonHandler
from oppsync.services.admin.reset_notice import ResetNotice
from oppsync.services.admin.second_factor import (
    BeginSecondFactorHandler,
    CodeCheck,
    ConfirmSecondFactorHandler,
    RemoveSecondFactorHandler,
    ResetSecondFactorHandler,
)
from oppsync.services.admin.sessions import (
    EndSessionHandler,
    EndSessionsHandler,
    EnterCodeHandler,
    Identity,
    SignInHandler,
    SignOutEverywhereHandler,
    SignOutHandler,
)
from oppsync.services.admin.sign_in_brake import SignInBrake
from oppsync.services.admin.tokens import CreateTokenHandler, RevokeTokenHandler
from oppsync.services.admin.two_admins import DecideAccessHandler, ProposeAccessHandler
from oppsync.services.approvals.absences import (
    EndAbsenceHandler,
    EnterAbsenceHandler,
    SetCalendarHandler,
)
from oppsync.services.approvals.approval_rules import SetApprovalRuleHandler
from oppsync.services.approvals.commands import (
    CommentApproval,
    DecideApproval,
    EndAbsence,
    EnterAbsence,
    ReassignApproval,
    SetApprovalRule,
    SetCalendar,
    WithdrawApproval,
)
from oppsync.services.approvals.comment_approval import CommentApprovalHandler
from oppsync.services.approvals.decide_approval import DecideApprovalHandler
from oppsync.services.approvals.delegate_notice import DelegateNotice
from oppsync.services.approvals.reassign import ReassignApprovalHandler
from oppsync.services.approvals.withdraw import WithdrawApprovalHandler
from oppsync.services.changes.commands import OverridePlan, PlanAnew
from oppsync.services.changes.override_plan import OverridePlanHandler
from oppsync.services.changes.plan_anew import PlanAnewHandler
from oppsync.services.configuration.apply import (
    ApplyConfigurationHandler,
    DecideProposalHandler,
    RevertConfigurationHandler,
)
from oppsync.services.configuration.backtest import BacktestConfigurationHandler
from oppsync.services.configuration.commands import (
    ApplyConfiguration,
    BacktestConfiguration,
    CompareConfiguration,
    DecideProposal,
    RevertConfiguration,
)
from oppsync.services.configuration.compare import CompareConfigurationHandler
from oppsync.services.configuration.connection_names import ConnectionNames
from oppsync.services.configuration.here import asked_installation
from oppsync.services.insight.commands import FindOpportunity, PreviewPlan, RecomputePlan
from oppsync.services.insight.find_opportunity import FindOpportunityHandler
from oppsync.services.insight.preview_plan import PreviewPlanHandler
from oppsync.services.insight.recompute_plan import RecomputePlanHandler
from oppsync.services.intake.accept_delivery import AcceptDeliveryHandler
from oppsync.services.intake.backfill import PreviewBackfillHandler, RunBackfillHandler
from oppsync.services.intake.commands import AcceptDelivery, PollCrm, PreviewBackfill, RunBackfill
from oppsync.services.intake.poll_crm import PollCrmHandler
from oppsync.services.mirror.commands import AskForMirror, ReadMirror
from oppsync.services.mirror.read_mirror import AskForMirrorHandler, ReadMirrorHandler
from oppsync.services.queue.commands import (
    Compensate,
    ConfirmFindings,
    DismissException,
    KeepDeadLetters,
    LinkCustomer,
    PreviewReplay,
    ReplayException,
    RunReplay,
)
from oppsync.services.queue.compensate import CompensateHandler
from oppsync.services.queue.confirm import ConfirmFindingsHandler
from oppsync.services.queue.exception_queue import DismissExceptionHandler, ReplayExceptionHandler
from oppsync.services.queue.keep_dead_letters import KeepDeadLettersHandler
from oppsync.services.queue.link_customer import LinkCustomerHandler
from oppsync.services.queue.replay import PreviewReplayHandler, RunReplayHandler
from oppsync.services.reconcile.commands import ReconcileRestore
from oppsync.services.reconcile.reconcile_restore import ReconcileRestoreHandler
from oppsync.services.set_up.commands import GoLive, NameFirm, TryDeal
from oppsync.services.set_up.go_live import GoLiveHandler
from oppsync.services.set_up.name_firm import NameFirmHandler
from oppsync.services.set_up.try_deal import TryDealHandler
from oppsync.services.work.commands import RunStage
from oppsync.services.work.lease_keeper import LeaseKeeper
from oppsync.services.work.run_stage import RunStageHandler

Answer = TypeVar("Answer")
# The one tenant of this installation; the first migration creates it.
_TENANT = "default"
SHORTEST_KEY = 32

# Of all deals of a process.
CALLS_AT_ONCE = 32


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Webhook(NamedTuple):
    """`verify` returns the delivery's id. Raises SignatureRefused."""

    connection: Connection
    verify: Callable[[RawRequest], str]


class AsMapped(NamedTuple):
    """`row`: what the configuration maps of it; None where its own settings count."""

    connection: Connection
    row: MapInForce | None


@dataclass(frozen=True)
class Application:
    """Everything that web, actors and command line work with.

    `tenant_id` is the installation's, for callers that have no tenant from elsewhere. `stopping` is set when
    the process shuts down.
    """

    tenant_id: str
    settings: Settings
    queries: Queries
    uow: UnitOfWorkFactory
    engine: Engine
    stopping: threading.Event
    clock: Clock
    vendor_traffic: VendorTraffic
    brake: SharedBrake
    connectors: ConnectorCatalog
    _notifier: Notifier
    _systems: Systems
    _bus: Bus
    _identity: Identity

    def close(self) -> None:
        """Return the connections to the servers; a later call opens new ones."""
        self.engine.dispose()
        self.vendor_traffic.close()

    def dispatch(self, command: Command[Answer]) -> Answer:
        return self._bus.dispatch(command)

    def session(self, secret: str) -> SignedIn | None:
        return self._identity.session(secret)

    def token(self, secret: str) -> SignedIn | None:
        return self._identity.token(secret)

    def invited(self, secret: str) -> Person | None:
        return self._identity.invited(secret)

    def link(self, secret: str) -> str:
        """The address that sets a password, once."""
        return password_link(self.settings.base_url, secret)

    def second_factor_uri(self, key: str, account: str) -> str:
        """What programs for codes read."""
        return TotpCodes().uri(key, account)

    @property
    def mails(self) -> bool:
        """Whether what is sent to people reaches them."""
        return self._notifier.delivers

    def installation(self, tenant_id: str) -> Installation:
        """What rows of the configuration may name here: systems, and what the ERP has. A name that its master
        data lacks is looked up there."""
        return asked_installation(self._systems, self.uow, tenant_id, self.clock, self.connectors)

    def as_mapped(self, connection: Connection) -> AsMapped:
        """The connection as its adapter reads it today."""
        today = self.clock.now().date()
        with self.uow.reading() as uow:
            book = uow.references.book(connection.tenant_id)
        row = map_of(book, connection.name, connection.vendor, today)
        return AsMapped(self.connectors.mapped(connection, book, today), row)

    def webhook(self, connection_id: str) -> Webhook:
        """Raises NotFound for a connection that has no webhook, or does not exist."""
        with self.uow.reading() as uow:
            connection = uow.connections.get(connection_id)
            if connection.signature_scheme is None:
                raise NotFound("There is no such connection.")
            keys = uow.connections.secrets(connection_id).get(WEBHOOK_SECRETS, ())
        verify = load(SIGNATURE_SCHEMES, connection.signature_scheme)
        now = self.clock.now()
        signing = accepted(keys, connection.secret_ends, now)
        return Webhook(connection, lambda request: verify(request, signing, now))

    def webhook_url(self, connection: Connection) -> str | None:
        """Where its system reports changes; None where it sends no webhooks."""
        if connection.signature_scheme is None:
            return None
        return f"{self.settings.base_url}/webhooks/{connection.id}"

    def traffic(self, tenant_id: str) -> Sequence[Traffic]:
        """How much of each connection's limits is used, and its circuit. A connection whose settings are wrong
        is left out, because nothing is called there."""
        with self.uow.reading() as uow:
            connections = uow.connections.of_tenant(tenant_id)
        seen = []
        for connection in connections:
            with suppress(Misconfigured):
                seen.append(self.vendor_traffic.look(connection, connection_limits(connection)))
        return seen

    def circuits(self) -> Mapping[str, str]:
        """The state of each connection's circuit; `unknown` while Redis is away."""
        return {seen.connection_id: seen.circuit or "unknown" for seen in self.traffic(self.tenant_id)}

    def health(self) -> Mapping[str, str]:
        """Each dependency with `ok`, or with what is wrong with it."""
        return {"postgres": _postgres(self.engine), "redis": _redis(self.settings)}


def build(settings: Settings, *, pool_size: int = WEB_POOL, threads: int = 0) -> Application:
    """Wire everything: with at most `pool_size` Postgres connections, and `threads` that run stages."""
    configure_logs()
    if settings.sentry_dsn is not None:
        configure_sentry(settings.sentry_dsn.get_secret_value())
    engine = make_engine(settings.database_url.get_secret_value(), pool_size)
    uow = PostgresUnits(engine, _fernet(settings))
    clock = SystemClock()
    book = Book(settings.redis_address, TRAFFIC_POOL)
    traffic = VendorTraffic(book, threads, PostgresCallLog(engine))
    notifier = _notifier(settings, clock)
    systems = ConnectedSystems(uow, clock, notifier, traffic)
    stopping = threading.Event()
    brake = SharedBrake(settings.redis_address, book.pool)
    catalog = RegistryCatalog(clock)
    return Application(
        tenant_id=_TENANT,
        settings=settings,
        queries=PostgresQueries(engine),
        uow=uow,
        engine=engine,
        stopping=stopping,
        clock=clock,
        vendor_traffic=traffic,
        brake=brake,
        connectors=catalog,
        _notifier=notifier,
        _systems=systems,
        _bus=_bus(settings, uow, systems, clock, catalog, stopping=stopping, brake=brake),
        _identity=Identity(uow, _second_factor_roles(settings)),
    )


def _bus(
    settings: Settings,
    uow: UnitOfWorkFactory,
    systems: Systems,
    clock: Clock,
    catalog: ConnectorCatalog,
    *,
    stopping: threading.Event,
    brake: Brake,
) -> Bus:
    bus = Bus()
    bus.subscribe(_audit)
    seals = HmacSeals(_secrets(settings))
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    run_stage = RunStageHandler(
        uow=uow,
        publish=bus.publish,
        systems=systems,
        clock=clock,
        reporter=LogReporter(),
        keeper=LeaseKeeper(uow),
        seals=seals,
        side_by_side=Threads(CALLS_AT_ONCE),
        stopping=stopping,
        holder=holder,
        base_url=settings.base_url,
    )
    bus.register(AcceptDelivery, AcceptDeliveryHandler(uow, bus.publish, systems))
    bus.register(RunStage, run_stage)
    bus.register(PollCrm, PollCrmHandler(uow, bus.publish, systems, clock, holder))
    bus.register(ReadMirror, ReadMirrorHandler(uow, bus.publish, systems, clock, catalog, holder))
    bus.register(AskForMirror, AskForMirrorHandler(uow, bus.publish, systems))
    bus.register(PreviewBackfill, PreviewBackfillHandler(uow, systems))
    bus.register(RunBackfill, RunBackfillHandler(uow, bus.publish))
    bus.register(DecideApproval, DecideApprovalHandler(uow, bus.publish, seals))
    bus.register(CommentApproval, CommentApprovalHandler(uow, bus.publish))
    bus.register(WithdrawApproval, WithdrawApprovalHandler(uow, bus.publish))
    bus.register(ReassignApproval, ReassignApprovalHandler(uow, bus.publish))
    notice = DelegateNotice(uow, bus.publish, systems.notifier, settings.base_url)
    bus.register(EnterAbsence, EnterAbsenceHandler(uow, bus.publish, clock, notice))
    bus.register(EndAbsence, EndAbsenceHandler(uow, bus.publish))
    bus.register(SetCalendar, SetCalendarHandler(uow, bus.publish))
    bus.register(OverridePlan, OverridePlanHandler(uow, bus.publish))
    bus.register(PlanAnew, PlanAnewHandler(uow, bus.publish))
    bus.register(ReplayException, ReplayExceptionHandler(uow, bus.publish, systems))
    bus.register(PreviewReplay, PreviewReplayHandler(uow, systems))
    bus.register(FindOpportunity, FindOpportunityHandler(uow, systems))
    bus.register(PreviewPlan, PreviewPlanHandler(uow, systems, clock))
    bus.register(RecomputePlan, RecomputePlanHandler(uow))
    bus.register(RunReplay, RunReplayHandler(uow, bus.publish, systems))
    bus.register(LinkCustomer, LinkCustomerHandler(uow, bus.publish, systems))
    bus.register(DismissException, DismissExceptionHandler(uow, bus.publish))
    bus.register(ConfirmFindings, ConfirmFindingsHandler(uow, bus.publish, clock))
    bus.register(Compensate, CompensateHandler(uow, bus.publish))
    bus.register(KeepDeadLetters, KeepDeadLettersHandler(uow, bus.publish))
    bus.register(ReconcileRestore, ReconcileRestoreHandler(uow, bus.publish, systems))
    bus.register(SetApprovalRule, SetApprovalRuleHandler(uow, bus.publish))
    bus.register(BacktestConfiguration, BacktestConfigurationHandler(uow, bus.publish, systems, clock))
    bus.register(CompareConfiguration, CompareConfigurationHandler(uow, systems, clock, catalog))
    bus.register(ApplyConfiguration, ApplyConfigurationHandler(uow, bus.publish, clock, catalog))
    bus.register(RevertConfiguration, RevertConfigurationHandler(uow, bus.publish, clock, catalog))
    bus.register(DecideProposal, DecideProposalHandler(uow, bus.publish, clock, catalog))
    bus.register(NameFirm, NameFirmHandler(uow, bus.publish))
    bus.register(TryDeal, TryDealHandler(uow, bus.publish, PreviewPlanHandler(uow, systems, clock), clock))
    bus.register(GoLive, GoLiveHandler(uow, bus.publish))
    mail = LinkMail(uow, bus.publish, systems.notifier, settings.base_url)
    _register_access(bus, uow, clock, brake, mail)
    _register_connections(bus, uow, clock, catalog, settings.base_url)
    return bus


def _register_access(bus: Bus, uow: UnitOfWorkFactory, clock: Clock, brake: Brake, mail: LinkMail) -> None:
    notice = ResetNotice(uow, bus.publish, mail.notifier)
    hasher, sign_in_brake = Argon2Passwords(), SignInBrake(brake)
    passwords = Passwords(hasher, CommonPasswords())
    bus.register(CreatePerson, CreatePersonHandler(uow, bus.publish, passwords))
    bus.register(IdentifyPerson, IdentifyPersonHandler(uow, bus.publish))
    set_roles = SetRolesHandler(uow, bus.publish, mail)
    invite = InvitePersonHandler(uow, bus.publish, mail)
    bus.register(SetRoles, set_roles)
    bus.register(DeactivatePerson, DeactivatePersonHandler(uow, bus.publish))
    bus.register(InvitePerson, invite)
    bus.register(ProposeAccess, ProposeAccessHandler(uow, bus.publish))
    bus.register(DecideAccess, DecideAccessHandler(uow, bus.publish, invite, set_roles))
    bus.register(ResetPerson, ResetPersonHandler(uow, bus.publish, mail, notice))
    bus.register(AcceptInvitation, AcceptInvitationHandler(uow, bus.publish, passwords))
    bus.register(SetPassword, SetPasswordHandler(uow, bus.publish, passwords, notice))
    current = CurrentPassword(hasher, sign_in_brake)
    bus.register(ChangePassword, ChangePasswordHandler(uow, bus.publish, passwords, current))
    codes = TotpCodes()
    code_check = CodeCheck(codes, clock, sign_in_brake, bus.publish)
    bus.register(EnterCode, EnterCodeHandler(uow, code_check))
    bus.register(BeginSecondFactor, BeginSecondFactorHandler(uow, codes, current))
    bus.register(ConfirmSecondFactor, ConfirmSecondFactorHandler(uow, bus.publish, code_check))
    bus.register(RemoveSecondFactor, RemoveSecondFactorHandler(uow, bus.publish, code_check))
    bus.register(ResetSecondFactor, ResetSecondFactorHandler(uow, bus.publish, notice))
    bus.register(CreateToken, CreateTokenHandler(uow, bus.publish, clock))
    bus.register(RevokeToken, RevokeTokenHandler(uow, bus.publish))
    bus.register(SignIn, SignInHandler(uow, hasher, sign_in_brake))
    bus.register(SignOut, SignOutHandler(uow))
    bus.register(SignOutEverywhere, SignOutEverywhereHandler(uow, bus.publish))
    bus.register(EndSession, EndSessionHandler(uow, bus.publish))
    bus.register(EndSessions, EndSessionsHandler(uow, bus.publish))
    bus.register(CountAttempt, CountAttemptHandler(uow))


def _register_connections(
    bus: Bus, uow: UnitOfWorkFactory, clock: Clock, catalog: ConnectorCatalog, base_url: str
) -> None:
    rows = ConnectionNames(bus.publish, clock)
    bus.register(SetConnection, SetConnectionHandler(uow, bus.publish, rows, catalog, clock))
    bus.register(AddConnection, AddConnectionHandler(uow, bus.publish, rows, catalog, clock))
    bus.register(EditConnection, EditConnectionHandler(uow, bus.publish, rows, catalog, clock))
    bus.register(PauseConnection, PauseConnectionHandler(uow, bus.publish))
    bus.register(ResumeConnection, ResumeConnectionHandler(uow, bus.publish))
    bus.register(RemoveConnection, RemoveConnectionHandler(uow, bus.publish, rows))
    bus.register(ReencryptSecrets, ReencryptSecretsHandler(uow, bus.publish))
    bus.register(RotateWebhookSecret, RotateWebhookSecretHandler(uow, bus.publish, catalog, clock))
    bus.register(InspectConnection, InspectConnectionHandler(uow, AdapterInspector(clock), catalog, clock))
    bus.register(SendTrialEvent, SendTrialEventHandler(uow, HttpTrialEvents(base_url, clock), clock))


def _audit(uow: UnitOfWork, tenant_id: str, traceparent: str, event: Event) -> None:
    uow.audit.append(tenant_id, event, traceparent)


def _secrets(settings: Settings) -> Sequence[str]:
    """Those that keys are derived from, whatever their form: a Heroku build generates 64 hex digits."""
    given = [key.strip() for key in settings.secret_keys.get_secret_value().split(",") if key.strip()]
    if not given or any(len(key) < SHORTEST_KEY for key in given):
        raise Misconfigured(
            f"OPPSYNC_SECRET_KEYS must be random secrets of at least {SHORTEST_KEY} characters, "
            "separated by commas: the first encrypts and seals, all decrypt and check."
        )
    return given


def _fernet(settings: Settings) -> MultiFernet:
    """Derive a Fernet key from each secret."""
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key))) for key in _secrets(settings)])


def _second_factor_roles(settings: Settings) -> frozenset[str]:
    named = [role.strip() for role in settings.second_factor_roles.split(",") if role.strip()]
    unknown = sorted(role for role in named if role not in set(PersonRole) and not is_further(role))
    if unknown:
        raise Misconfigured(
            f"OPPSYNC_SECOND_FACTOR_ROLES names no role: {', '.join(unknown)}. "
            f"There are {', '.join(sorted(PersonRole))}."
        )
    return frozenset(named)


def _derived(secret: str) -> bytes:
    return HKDF(hashes.SHA256(), length=32, salt=None, info=b"oppsync connection secrets").derive(
        secret.encode()
    )


def _notifier(settings: Settings, clock: Clock) -> Notifier:
    if settings.smtp_url is None:
        return FileNotifier(settings.outbox_folder, settings.mail_from, clock)
    return SmtpNotifier(settings.smtp_url.get_secret_value(), settings.mail_from, clock)


def _postgres(engine: Engine) -> str:
    from adapters.postgres import schema

    try:
        with store_errors():
            at, wanted = schema.current(engine), schema.head()
    except StoreUnavailable as error:
        return error.message
    return "ok" if at == wanted else f"schema is at {at}, this release wants {wanted}: run the release command"


def _redis(settings: Settings) -> str:
    client = redis.Redis.from_url(
        settings.redis_address,
        socket_timeout=2,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()
    except redis.RedisError as error:
        return f"Redis cannot be reached: {type(error).__name__}"
    finally:
        client.close()
    return "ok"
