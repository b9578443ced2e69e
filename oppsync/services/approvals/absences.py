"""People are out of office, with or without somebody who decides meanwhile; and by which calendar they work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from oppsync.domain.approval.absences import Absence, Absences, NewAbsence
from oppsync.domain.approval.involved import is_same
from oppsync.domain.approval.tasks import Person
from oppsync.domain.approval.who_may import Action, may
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import Asker, Program, person_behind
from oppsync.domain.values.limits import Granted
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.access_proposals import gained, needs_two
from oppsync.domain.work.events import AbsenceEnded, AbsenceEntered, CalendarChosen
from oppsync.kernel.errors import Conflict, Forbidden, InvalidInput
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork, UnitOfWorkFactory
from oppsync.services.admin.look_again import ask_others
from oppsync.services.admin.people import person_of
from oppsync.services.admin.who_asks import admit
from oppsync.services.approvals.commands import EndAbsence, EnterAbsence, SetCalendar
from oppsync.services.approvals.delegate_notice import DelegateNotice

LONGEST = timedelta(days=366)
NO_APPROVER = (
    "{name} approves nothing here: standing in makes nobody an approver. Two administrators agree to the role "
    "first, or choose an approver."
)
NOT_YET = "{name} was invited and has set no password yet, so that they can decide nothing: choose another."


@dataclass(frozen=True)
class EnterAbsenceHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    clock: Clock
    notice: DelegateNotice

    def __call__(self, command: EnterAbsence) -> UUID:
        with self.uow() as uow:
            tenant_id = command.tenant_id
            # Locked: two absences of one person take turns, and see each other.
            zone = ZoneInfo(uow.tenants.lock(tenant_id).time_zone or "UTC")
            person, actor = _of_whom(uow, tenant_id, command.actor, command.email)
            absences = uow.absences.all(tenant_id)
            begins_at, ends_at = _moments(command.first, command.last, zone, self.clock.now())
            begins_at = max(begins_at, _back_since(absences, person))
            delegate = _delegate(uow, tenant_id, person, command.delegate) if command.delegate else None
            if delegate is not None and not _is_oneself(command.actor, person):
                _refuse_new_approver(uow, tenant_id, person, delegate)
            new = NewAbsence(person.id, begins_at, ends_at, delegate.id if delegate else None)
            _check_free(absences, new, delegate)
            if delegate is not None and not command.confirmed:
                _warn(uow, tenant_id, person, delegate)
            absence = uow.absences.add(tenant_id, new, actor)
            event = _entered(command, absence, person, delegate, actor)
            self.publish(uow, tenant_id, new_traceparent(), event)
            ask_others(uow, tenant_id, person.id)
            uow.commit()
        if delegate is not None:
            self.notice.send(tenant_id, absence, person, delegate, (command.first, command.last))
        return absence.id


def _entered(
    command: EnterAbsence, absence: Absence, person: Person, delegate: Person | None, actor: str
) -> AbsenceEntered:
    meanwhile = f"; {delegate.name} decides meanwhile" if delegate else ""
    return AbsenceEntered(
        opportunity_id=None,
        actor=actor,
        after={"from": command.first.isoformat(), "until": command.last.isoformat()},
        detail={
            "absence": str(absence.id),
            "person": str(person.id),
            "delegate": str(delegate.id) if delegate else None,
        },
        summary=f"{person.name} is out of office from {command.first} until {command.last}{meanwhile}",
    )


@dataclass(frozen=True)
class EndAbsenceHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: EndAbsence) -> None:
        with self.uow() as uow:
            absence = uow.absences.get(command.tenant_id, command.absence_id)
            person = uow.people.get(command.tenant_id, absence.person_id)
            actor = _admitted(uow, command.tenant_id, command.actor, person)
            if absence.until <= uow.absences.all(command.tenant_id).now:
                raise Conflict("This absence is over.", code="ABSENCE_OVER")
            uow.absences.end(command.tenant_id, absence.id)
            event = AbsenceEnded(
                opportunity_id=None,
                actor=actor,
                detail={"absence": str(absence.id), "person": str(person.id)},
                summary=f"{person.name} is back in office, or not away after all",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            ask_others(uow, command.tenant_id, absence.delegate_id)
            uow.commit()


@dataclass(frozen=True)
class SetCalendarHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: SetCalendar) -> None:
        with self.uow() as uow:
            person, actor = _of_whom(uow, command.tenant_id, command.actor, command.email)
            rows = uow.references.of_kind(command.tenant_id, ReferenceKind.CALENDAR)
            known = sorted({row.key for row in rows})
            if command.calendar is not None and command.calendar not in known:
                there_are = f"There are {', '.join(known)}." if known else "The configuration has none."
                problem = f"The configuration has no calendar {command.calendar[:80]!r}. {there_are}"
                raise InvalidInput(problem, field="calendar")
            uow.people.set_calendar(command.tenant_id, person.id, command.calendar)
            event = CalendarChosen(
                opportunity_id=None,
                actor=actor,
                before={"calendar": person.calendar},
                after={"calendar": command.calendar},
                detail={"person": str(person.id)},
                summary=f"{person.name} works by {command.calendar or 'the calendar of the legal entity'}",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            ask_others(uow, command.tenant_id, person.id)
            uow.commit()


def _of_whom(uow: UnitOfWork, tenant_id: str, asker: Asker, email: str) -> tuple[Person, str]:
    """The person, the asker where no address is given; and the asker as the timeline names them."""
    if not email and not isinstance(asker, Program):
        person = uow.people.get(tenant_id, person_behind(asker))
        return person, _admitted(uow, tenant_id, asker, person)
    # Checked before the person is looked up, so that nobody learns who is here by asking.
    if isinstance(asker, Program) or uow.people.get(tenant_id, person_behind(asker)).email != email.lower():
        actor = admit(uow, tenant_id, asker, Action.OTHERS_ABSENCE)
        return person_of(uow, tenant_id, email), actor
    person = person_of(uow, tenant_id, email)
    return person, _admitted(uow, tenant_id, asker, person)


def _admitted(uow: UnitOfWork, tenant_id: str, asker: Asker, person: Person) -> str:
    action = Action.OWN_ABSENCE if _is_oneself(asker, person) else Action.OTHERS_ABSENCE
    return admit(uow, tenant_id, asker, action)


def _is_oneself(asker: Asker, person: Person) -> bool:
    return not isinstance(asker, Program) and person_behind(asker) == person.id


def _moments(first: date, last: date, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """From the beginning of the first day to the end of the last, where the firm is."""
    if last < first:
        raise InvalidInput(f"The last day, {last}, is before the first, {first}.", field="until")
    if first < now.astimezone(zone).date():
        raise InvalidInput(f"{first} is over: an absence begins today or later.", field="from")
    if last - first > LONGEST:
        raise InvalidInput(f"An absence has at most {LONGEST.days} days.", field="until")
    if last == date.max:
        raise InvalidInput("There is no such day.", field="until")
    begin, end = (
        datetime.combine(day, time.min, zone).astimezone(UTC) for day in (first, last + timedelta(days=1))
    )
    return begin, end


def _delegate(uow: UnitOfWork, tenant_id: str, person: Person, email: str) -> Person:
    found = uow.people.by_email(tenant_id, email)
    if found is None:
        raise InvalidInput(f"There is no active person with the e-mail {email[:80]}.", field="delegate")
    delegate = found[0]
    if not may(person, Action.DECIDE_APPROVAL):
        raise InvalidInput(f"{person.name} approves nothing, so that nobody stands in.", field="delegate")
    if is_same(person, delegate):
        raise InvalidInput("Nobody stands in for themselves, under another account either.", field="delegate")
    if not may(delegate, Action.DECIDE_APPROVAL):
        raise InvalidInput(NO_APPROVER.format(name=delegate.name), field="delegate")
    if not delegate.can_sign_in:
        raise InvalidInput(NOT_YET.format(name=delegate.name), field="delegate")
    return delegate


def _refuse_new_approver(uow: UnitOfWork, tenant_id: str, person: Person, delegate: Person) -> None:
    """Only the absent person hands on what they may: whoever enters it for them would make an approver with one
    hand. Raises Forbidden (code NEEDS_SECOND_PERSON)."""
    if uow.configurations.live_since(tenant_id) is None:
        return
    handed_on = Granted(needs_two(person.roles) - {PersonRole.ADMIN}, person.limits)
    if gained(delegate.granted, handed_on):
        raise Forbidden(
            f"{delegate.name} may not approve all that {person.name} may: {person.name} names them, or two "
            "administrators give them the role. Without somebody who stands in, the absence can be entered.",
            code="NEEDS_SECOND_PERSON",
        )


def _warn(uow: UnitOfWork, tenant_id: str, person: Person, delegate: Person) -> None:
    """Raises Conflict (code DELEGATE_BARRED) where the delegate may not decide deals that wait: those in which
    the absent person has a part, and of those that wait for the absent person, those in which the delegate
    has one."""
    asked = set(uow.approvals.asked(tenant_id, person.id))
    own = len(uow.approvals.deals_with_part(tenant_id, person))
    theirs = len(asked.intersection(uow.approvals.deals_with_part(tenant_id, delegate)))
    found = []
    if own:
        found.append(
            f"{person.name} has a part in {_waiting(own)} for approval: while {delegate.name} stands in, they "
            f"decide nothing of {_them(own)}."
        )
    if theirs:
        of = "the only deal" if len(asked) == 1 else f"{theirs} of the {len(asked)} deals"
        waits = "waits" if len(asked) == 1 else "wait"
        found.append(
            f"{delegate.name} has a part in {of} that {waits} for {person.name}, such as owning "
            f"{_them(theirs)}: they decide nothing of {_them(theirs)} for {person.name}."
        )
    if found:
        problem = f"{' '.join(found)} Confirm it, name somebody else, or nobody."
        raise Conflict(problem, code="DELEGATE_BARRED")


def _waiting(count: int) -> str:
    return "1 deal that waits" if count == 1 else f"{count} deals that wait"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _back_since(absences: Absences, person: Person) -> datetime:
    """When the person's last absence was over: what begins today begins after one that ended today."""
    over = [each.until for each in absences.rows if each.person_id == person.id and each.until <= absences.now]
    return max(over, default=datetime.min.replace(tzinfo=UTC))


def _check_free(absences: Absences, new: NewAbsence, delegate: Person | None) -> None:
    """Raises Conflict for an absence at the same time; InvalidInput for somebody to stand in who is away
    then. What is over is in nobody's way."""
    meanwhile = {each.person_id for each in absences.coming() if each.overlaps(new.begins_at, new.ends_at)}
    if new.person_id in meanwhile:
        raise Conflict("There is an absence at that time; end it first.", code="ABSENT_ALREADY")
    if delegate is not None and delegate.id in meanwhile:
        raise InvalidInput(f"{delegate.name} is out of office at that time too.", field="delegate")
