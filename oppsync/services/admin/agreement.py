"""Who may be made approver or administrator: from going live on, two administrators agree to it."""

from __future__ import annotations

from oppsync.domain.approval.who_may import name_of
from oppsync.domain.values.actor import Asker, Program, actor_name, person_behind
from oppsync.domain.values.limits import Granted, granted_detail, granted_in_words
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.access_proposals import AccessChange, AccessProposal, AccessStatus, gained
from oppsync.domain.work.events import AccessGivenAlone, Event, ProposalRejected
from oppsync.kernel.errors import Forbidden
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork

NEEDS_SECOND_PERSON = "NEEDS_SECOND_PERSON"
TWO = 2
_ENDED = "The account was deactivated"


def require_agreement(
    uow: UnitOfWork,
    publish: Publish,
    tenant_id: str,
    asker: Asker,
    email: str,
    *,
    change: AccessChange,
    before: Granted,
    after: Granted,
) -> None:
    """Before roles are given: nothing where one administrator is enough, or another one agreed. Raises
    Forbidden (code NEEDS_SECOND_PERSON).

    While fewer than two administrators can sign in, the command line gives them alone, or nobody could agree to
    anything again. That is on record, as what was given before going live.
    """
    roles = gained(before, after)
    if not roles:
        return
    given = _of(after, roles)
    words = granted_in_words(given)
    is_live = uow.tenants.lock(tenant_id).is_live
    if not is_live or (isinstance(asker, Program) and uow.people.count_admins(tenant_id) < TWO):
        when = "before going live" if not is_live else "while fewer than two administrators can sign in"
        who = asker if isinstance(asker, Program) else uow.people.get(tenant_id, person_behind(asker))
        publish(uow, tenant_id, new_traceparent(), _alone(name_of(who), email, given, when))
        return
    if isinstance(asker, Program):
        raise Forbidden(
            f"Two administrators have to agree that {email} becomes {words}: one proposes it on the page "
            "People, another agrees.",
            code="NEEDS_SECOND_PERSON",
        )
    agreed = uow.access_proposals.agreed(tenant_id, change, email, after, person_behind(asker))
    if agreed is None or agreed.decided_by is None:
        raise Forbidden(
            f"Another administrator has to agree that {email} becomes {words}: propose it.",
            code="NEEDS_SECOND_PERSON",
        )
    uow.access_proposals.decide(tenant_id, agreed.id, AccessStatus.DONE, agreed.decided_by, agreed.comment)


def end_proposals(uow: UnitOfWork, publish: Publish, tenant_id: str, asker: Asker, email: str) -> None:
    """Of an account that is deactivated: what waits for it, or was agreed to, is no way back in."""
    who = asker if isinstance(asker, Program) else uow.people.get(tenant_id, person_behind(asker))
    decided_by = None if isinstance(who, Program) else who.id
    for ended in uow.access_proposals.end(tenant_id, email, decided_by, _ENDED):
        publish(uow, tenant_id, new_traceparent(), rejected(ended, name_of(who), _ENDED))


def rejected(found: AccessProposal, actor: str, comment: str) -> Event:
    return ProposalRejected(
        opportunity_id=None,
        actor=actor,
        detail={"proposal": str(found.id), "comment": comment},
        summary=f"Rejected that {found.email} becomes {granted_in_words(found.granted)}: {comment}",
    )


def _alone(actor: str, email: str, given: Granted, when: str) -> Event:
    return AccessGivenAlone(
        opportunity_id=None,
        actor=actor,
        after={"email": email.lower(), **granted_detail(given)},
        summary=f"{actor_name(actor)} alone makes {email} {granted_in_words(given)}, {when}",
    )


def _of(granted: Granted, roles: frozenset[str]) -> Granted:
    """Only these roles of it."""
    return Granted(roles, tuple(each for each in granted.limits if each.role in roles))
