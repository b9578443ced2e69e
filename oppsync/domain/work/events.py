"""Audit events, named in the past tense. Each is one entry of the audit trail; its content never changes
afterwards."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BeforeValidator

from oppsync.domain.values.model import Code, Frozen, Text

# The timeline shows only the beginning of many findings or a vendor's long text; the whole is stored elsewhere.
_LONGEST = 2_000
Summary = Annotated[Text, BeforeValidator(lambda text: text[:_LONGEST])]


class Event(Frozen):
    """`actor` is a string of `oppsync.domain.values.actor`.

    `before` and `after` are the changed values, JSON-ready; `detail` is what else a reader of the timeline
    needs.
    """

    type: ClassVar[str]

    opportunity_id: UUID | None
    actor: Code
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    detail: dict[str, Any] = {}
    summary: Summary = ""


class DeliveryReceived(Event):
    type = "delivery.received.v1"


class DeliveryUnreadable(Event):
    type = "delivery.unreadable.v1"


class DeliveryIdReused(Event):
    """A sender used the id of an earlier delivery for another content."""

    type = "delivery.id.reused.v1"


class PollRefused(Event):
    type = "poll.refused.v1"


class MirrorAsked(Event):
    """A person had master data of an ERP read."""

    type = "mirror.asked.v1"


class MasterDataEnded(Event):
    """Something ended in an ERP while open deals or the configuration still name it."""

    type = "master.data.ended.v1"


class RecordRead(Event):
    """The CRM's record was read and differs from what was known (or is the first reading)."""

    type = "record.read.v1"


class RecordUnchanged(Event):
    type = "record.unchanged.v1"


class RecordMissing(Event):
    """The CRM no longer has the record."""

    type = "record.missing.v1"


class RecordSuperseded(Event):
    type = "record.superseded.v1"


class StateChanged(Event):
    type = "state.changed.v1"


class StageDeferred(Event):
    """A transient failure: the stage comes back by itself."""

    type = "stage.deferred.v1"


class MomentAwaited(Event):
    """The deal waits for a moment that comes by itself, such as the beginning of its close date."""

    type = "moment.awaited.v1"


class WarningsFound(Event):
    """Findings that do not stop the deal; whoever approves its plan is shown them."""

    type = "warnings.found.v1"


class CustomerLinked(Event):
    """An account of the CRM was linked to a customer of the ERP, by a match or by a person."""

    type = "customer.linked.v1"


class FindingConfirmed(Event):
    """A person confirmed what looked wrong, with a reason: it no longer stops the deal."""

    type = "finding.confirmed.v1"


# Who caused one of these for a deal has a part in its plan, as whoever overrode something of it.
SHAPES_THE_PLAN = (CustomerLinked.type, FindingConfirmed.type)


class PlanMade(Event):
    type = "plan.made.v1"


class PlanOverridden(Event):
    """A person overrode a field of a workstream, or took an override back."""

    type = "plan.overridden.v1"


class PlannedAnew(Event):
    """A person asked for a new plan in place of an approved one, with today's data."""

    type = "planned.anew.v1"


class ApprovalOpened(Event):
    type = "approval.opened.v1"


class ApprovalVoided(Event):
    type = "approval.voided.v1"


class PlanApproved(Event):
    """One plan's hash was approved for one role: by a person, or by the rule that `detail` names."""

    type = "plan.approved.v1"


class ChangesRequested(Event):
    """An approver sent a plan back with what is to change: the deal waits for sales."""

    type = "changes.requested.v1"


class ApprovalCommented(Event):
    type = "approval.commented.v1"


class ApprovalWithdrawn(Event):
    """Who approved took it back before anything was created: it is asked anew."""

    type = "approval.withdrawn.v1"


class ApprovalEscalated(Event):
    """Nobody decided in time: others who may are asked too."""

    type = "approval.escalated.v1"


class ApprovalReassigned(Event):
    """An open task was put to named colleagues."""

    type = "approval.reassigned.v1"


class AbsenceEntered(Event):
    """Somebody is out of office for a time; `detail` has who stands in for them."""

    type = "absence.entered.v1"


class DelegateTold(Event):
    """Whoever stands in was told by mail, or could not be."""

    type = "delegate.told.v1"


class AbsenceEnded(Event):
    """An absence was ended before its time."""

    type = "absence.ended.v1"


class CalendarChosen(Event):
    """By which calendar a person works."""

    type = "calendar.chosen.v1"


class TamperingFound(Event):
    """A plan or a decision was changed in the database: what is stored is not what was signed."""

    type = "tampering.found.v1"


class ApprovalRuleSet(Event):
    """A person set a rule that approves plans from a day on, or until one."""

    type = "approval.rule.set.v1"


class ConfigurationApplied(Event):
    """The configuration has a new version: by a person, and by a second one where it needs two."""

    type = "configuration.applied.v1"


class ConfigurationProposed(Event):
    type = "configuration.proposed.v1"


class ConfigurationBacktested(Event):
    """The last won deals were tried by other rows; the report is kept."""

    type = "configuration.backtested.v1"


class ProposalRejected(Event):
    type = "proposal.rejected.v1"


class DecisionRefused(Event):
    """Somebody tried to decide a task and may not, or decided on a plan that was replaced."""

    type = "decision.refused.v1"


class PersonIdentified(Event):
    """By which other addresses and users of the CRM a person is known."""

    type = "person.identified.v1"


class ApproverFreed(Event):
    """What barred somebody from a plan was a mistake, which was corrected. The database frees nobody of whom
    the same transaction does not say this: `detail` has the person, the plan and the reasons."""

    type = "approver.freed.v1"


class PersonAdded(Event):
    type = "person.added.v1"


class PersonChanged(Event):
    """Other roles, or an account that was closed or opened again."""

    type = "person.changed.v1"


class AccessProposed(Event):
    """Roles that two administrators have to agree to."""

    type = "access.proposed.v1"


class AccessAgreed(Event):
    type = "access.agreed.v1"


class AccessGivenAlone(Event):
    """One person alone made somebody approver or administrator: before going live, or on the command line while
    fewer than two administrators could sign in."""

    type = "access.given.alone.v1"


class PasswordLinkMade(Event):
    """A one-time link to set a new password; the old one opens nothing any more."""

    type = "password.link.made.v1"


class PasswordLinkMailed(Event):
    """Or not, which `detail` and the summary say."""

    type = "password.link.mailed.v1"


class AccountResetTold(Event):
    """The password or second factor of an approver or administrator of a live firm was reset by somebody else;
    `detail` has who was told by mail, and who was not."""

    type = "account.reset.told.v1"


class PasswordSet(Event):
    """By the person, or for them."""

    type = "password.set.v1"


class SecondFactorSet(Event):
    type = "second.factor.set.v1"


class SecondFactorRemoved(Event):
    """By its person, or for them."""

    type = "second.factor.removed.v1"


class RecoveryCodeUsed(Event):
    """Instead of a code of the person's phone: to sign in, or to take the second factor away."""

    type = "recovery.code.used.v1"


class SessionsEnded(Event):
    """A person was signed out everywhere."""

    type = "sessions.ended.v1"


class TokenMade(Event):
    type = "token.made.v1"


class TokenRevoked(Event):
    type = "token.revoked.v1"


class FirmNamed(Event):
    """The firm's name or its time zone."""

    type = "firm.named.v1"


class DealTried(Event):
    """A person previewed a deal during set-up; `after` says what it would become."""

    type = "deal.tried.v1"


class WentLive(Event):
    """From now on two people have to agree; `detail` names the second administrator."""

    type = "went.live.v1"


class ConnectionSet(Event):
    """A connection's settings or secrets. Of secrets only the names are kept, and which were replaced."""

    type = "connection.set.v1"


class ConnectionPaused(Event):
    type = "connection.paused.v1"


class ConnectionResumed(Event):
    type = "connection.resumed.v1"


class ConnectionRemoved(Event):
    type = "connection.removed.v1"


class WebhookSecretRotated(Event):
    """A connection has a new webhook secret; `detail` says until when the earlier ones are accepted."""

    type = "webhook.secret.rotated.v1"


class SecretsReencrypted(Event):
    """The secrets of all connections were encrypted by the installation's first key."""

    type = "secrets.reencrypted.v1"


class PlanRejected(Event):
    type = "plan.rejected.v1"


class EffectRecorded(Event):
    """An outside effect reached a state that matters to people: confirmed, rejected, unknown."""

    type = "effect.recorded.v1"


class ExceptionRaised(Event):
    type = "exception.raised.v1"


class ExceptionSettled(Event):
    """The cause of an open item is gone, so the item closed by itself."""

    type = "exception.settled.v1"


class ExceptionDismissed(Event):
    type = "exception.dismissed.v1"


class CompensationBegun(Event):
    """A person gave a deal up: what was created of it is to be closed."""

    type = "compensation.begun.v1"


class Replayed(Event):
    type = "replayed.v1"
