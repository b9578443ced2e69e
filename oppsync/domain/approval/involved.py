"""Who has a part in a deal, in the CRM and here: they may not approve it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime

from oppsync.domain.approval.absences import NO_ABSENCES, Absences
from oppsync.domain.approval.refusals import Refusal
from oppsync.domain.approval.tasks import ApprovalTask, Person
from oppsync.domain.deal.parties import Part, Party
from oppsync.domain.plan.overrides import PlanOverride, editors
from oppsync.domain.values.actor import person_actor
from oppsync.domain.values.identifiers import crm_user_key, email_key
from oppsync.domain.values.limits import Place
from oppsync.domain.values.model import Frozen, changed

Key = tuple[str, str]


class Away(Frozen):
    """Somebody who is out of office, and who stands in for them."""

    person: Person
    delegate_id: UUID | None = None


class StandIn(Frozen):
    """Who stands in for somebody who has a part in the deal, or did. `for_good`: for a working day or longer
    while it waited for a decision, so that it outlasts the absence."""

    person: Person
    since: AwareDatetime
    for_good: bool = False


class KeptBar(Frozen):
    """Why somebody may not decide a plan, as was kept before anybody was asked."""

    person: Person
    reason: Refusal


class Involved(Frozen):
    """`parties`: who ever owned or requested the deal in the CRM. `editors`: who ever edited its plan, linked
    its customer, or confirmed a finding of it. `changers`: who made or approved a change of the configuration
    that the plan uses. `deciders`: who decided tasks of it. `place`: where it is made, which limits of roles
    are compared with; None where that is not known. `away`: who is out of office now. `stand_ins`: who
    stands in for somebody who has a part in it, and who did long enough. `kept`: who is barred from the plan
    whatever the others say; the database refuses their decision."""

    parties: tuple[Party, ...] = ()
    editors: tuple[Person, ...] = ()
    changers: tuple[Person, ...] = ()
    deciders: tuple[Person, ...] = ()
    place: Place | None = None
    away: tuple[Away, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()
    kept: tuple[KeptBar, ...] = ()

    def owns(self, person: Person) -> bool:
        """Whether the person ever owned or requested the deal."""
        known = keys_of(person)
        return any(not known.isdisjoint(keys_of_user(party.user_id, party.email)) for party in self.parties)

    def edited(self, person: Person) -> bool:
        return any(is_same(person, editor) for editor in self.editors)

    def changed_configuration(self, person: Person) -> bool:
        return any(is_same(person, changer) for changer in self.changers)

    def decided(self, person: Person, tasks: Iterable[ApprovalTask]) -> bool:
        """Whether the person decided one of `tasks`, under this account or another of theirs, or somebody did
        for them."""
        same = {person.id} | {other.id for other in self.deciders if is_same(person, other)}
        return any(task.decided_by in same or task.decided_for in same for task in tasks)

    def has_part(self, person: Person) -> bool:
        return self.owns(person) or self.edited(person) or self.changed_configuration(person)

    def stood_in(self, person: Person) -> bool:
        """Whether the person stands in for somebody who has a part in the deal, or did long enough."""
        return any(is_same(person, each.person) for each in self.stand_ins)

    def is_kept(self, person: Person, reason: Refusal) -> bool:
        return any(each.reason is reason and is_same(person, each.person) for each in self.kept)

    def when(self, moment: datetime | None) -> Involved:
        """As it was for a decision of that moment: who began to stand in afterwards did not yet, and who was
        kept as barred could not have taken it."""
        if moment is None:
            return self
        stand_ins = tuple(each for each in self.stand_ins if each.since <= moment)
        return changed(self, stand_ins=stand_ins, kept=())

    def for_good(self) -> Involved:
        """Without what ends with an absence, and without what was kept before."""
        return changed(self, stand_ins=tuple(each for each in self.stand_ins if each.for_good), kept=())

    def is_away(self, person: Person) -> bool:
        return any(each.person.id == person.id for each in self.away)


NOBODY_INVOLVED = Involved()
NOTHING_KEPT: Mapping[UUID, Collection[Refusal]] = {}


def involved(
    parties: Iterable[Party],
    overrides: Iterable[PlanOverride],
    tasks: Iterable[ApprovalTask],
    people: Iterable[Person],
    shapers: Collection[str] = (),
    *,
    changers: Collection[str] = (),
    place: Place | None = None,
    absences: Absences = NO_ABSENCES,
    kept: Mapping[UUID, Collection[Refusal]] = NOTHING_KEPT,
) -> Involved:
    """`people`: all there ever were; who left and came back under another account is the same person.
    `shapers`: the actors of what shaped the plan besides overrides; `changers`: those of the configuration's
    changes that it uses. `tasks`: all that the deal ever had. `kept`: who is kept as barred from the plan, and
    why."""
    everyone, tasks = tuple(people), tuple(tasks)
    shaped_by, changed_by = _ids(shapers, everyone), _ids(changers, everyone)
    edited_by = editors(overrides) | shaped_by
    decided_by = {person for task in tasks for person in (task.decided_by, task.decided_for)}
    part = Involved(
        parties=tuple(dict.fromkeys(parties)),
        editors=_of(edited_by, everyone),
        changers=_of(changed_by, everyone),
        deciders=_of(decided_by, everyone),
        place=place,
        kept=tuple(
            KeptBar(person=each, reason=why) for each in everyone for why in sorted(kept.get(each.id, ()))
        ),
    )
    return with_absences(part, everyone, absences, tasks)


def with_absences(
    part: Involved, people: Iterable[Person], absences: Absences, tasks: Collection[ApprovalTask] = ()
) -> Involved:
    """`part` with who is away now, and who stands in for somebody who has a part in the deal: now, or for a
    working day or longer while one of its `tasks` waited. Whoever names a colleague for a moment would
    otherwise choose, alone, who never decides their deals."""
    if not absences.rows:
        return part
    by_id = {person.id: person for person in people}
    away = [
        Away(person=by_id[each.person_id], delegate_id=each.delegate_id)
        for each in absences.current()
        if each.person_id in by_id
    ]
    stand_ins = [
        StandIn(person=by_id[each.delegate_id], since=each.counts_from, for_good=lasted)
        for each in absences.rows
        if each.delegate_id in by_id
        if (lasted := each.lasted_while_open(tasks, absences.now)) or each.covers(absences.now)
        if (absent := by_id.get(each.person_id)) and part.has_part(absent)
    ]
    return changed(part, away=tuple(away), stand_ins=tuple(stand_ins))


def is_same(one: Person, other: Person) -> bool:
    """One id, or anything that the CRM would know both by."""
    return one.id == other.id or not keys_of(one).isdisjoint(keys_of(other))


def is_own_address(person: Person, email: str, people: Iterable[Person]) -> bool:
    """Whether an account with this address is the person's: this one, another of theirs, or one to come.
    `people`: all there ever were."""
    if ("mail", email_key(email)) in keys_of(person):
        return True
    return any(other.email == email.lower() and is_same(person, other) for other in people)


def keys_of(person: Person) -> frozenset[Key]:
    mails = {("mail", email_key(address)) for address in (person.email, *person.further_emails)}
    return frozenset(mails | {("user", crm_user_key(user_id)) for user_id in person.crm_user_ids})


def keys_of_user(user_id: str, email: str | None) -> frozenset[Key]:
    """Return everything that a user of a CRM is recognised by, in normal form."""
    mail = {("mail", email_key(email))} if email else set()
    return frozenset({("user", crm_user_key(user_id))} | mail)


def unmatched_owners(parties: Iterable[Party], people: Iterable[Person]) -> tuple[Party, ...]:
    """Owners who are no person here, as far as anybody can tell: one row for each user of the CRM."""
    known: set[Key] = {key for person in people for key in keys_of(person)}
    owners = [party for party in parties if party.part is Part.OWNER]
    matched = {
        party.user_id for party in owners if not known.isdisjoint(keys_of_user(party.user_id, party.email))
    }
    return tuple({party.user_id: party for party in owners if party.user_id not in matched}.values())


def _ids(actors: Collection[str], people: Iterable[Person]) -> set[UUID]:
    return {person.id for person in people if person_actor(person.email) in actors}


def _of(ids: Collection[UUID | None], people: Iterable[Person]) -> tuple[Person, ...]:
    return tuple(person for person in people if person.id in ids)
