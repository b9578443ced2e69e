"""`perform_all`: the only way anything outside is written.

A write is recorded as sent, under our idempotency key, and committed before it leaves; its answer is committed
with the marks of what is sent next, or with what the stage decided. Effects that wait for no answer of one
another are a wave: they go out side by side, or many of them in one call where the vendor takes that
(`calls.py`). An effect whose outcome nobody knows waits out its quarantine and
is looked up by its key (`find`); it is sent again only if it is absent. A record found with other content is a
conflict for a person, never overwritten; only what an earlier plan of the same deal ordered there is changed
into what the plan in its place orders (`revise`), under the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from oppsync.domain.effects.effects import Effect, EffectState, ExternalRecord, LedgerRow
from oppsync.domain.values.keys import EffectKind
from oppsync.domain.values.model import changed
from oppsync.kernel import canonical_json
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import (
    AmbiguousAnswer,
    BusinessError,
    ContentConflict,
    LeaseLost,
    NeverLands,
    OppsyncError,
    StillUnknown,
    TransientError,
    VendorUnavailable,
)
from oppsync.kernel.send_deadline import send_deadline
from oppsync.kernel.side_by_side import SideBySide
from oppsync.pipeline.absence import Absent
from oppsync.pipeline.calls import (
    Call,
    ExistingKeys,
    Find,
    LookUp,
    Outgoing,
    Send,
    Wanted,
    calls_of,
    came_of,
    each_alone,
    shares,
)
from oppsync.pipeline.effect_answers import Answers
from oppsync.pipeline.outside_keys import closing_path
from oppsync.pipeline.urgency import urgency
from oppsync.ports.clock import Clock
from oppsync.ports.erp import CameOfIt
from oppsync.ports.storage.ledger import AsRead

# After so many sends with an unclear answer, each absent afterwards, it is a bug and no longer an outage.
MAX_UNCLEAR_SENDS = 3
# A worker frozen for longer between mark and send does not send: others count the quarantine from the mark.
LONGEST_PAUSE = timedelta(seconds=2)


class ReadAgainError(Exception):
    """The deal changed since it was read: nothing was sent, and it is read again before anything is."""


class HandedOnError(Exception):
    """A worker that has to stop leaves the rest of a deal to another one."""


@dataclass
class StageEffects:
    """The ledger as one stage run sees it: every write is fenced by the run's lease.

    `side_by_side` makes calls at once; `at_once` says how many a connection stands. `hands_on`: whether the
    deal is to be left to another worker before more is sent. `absent`: what the run knows not to exist.
    """

    answers: Answers
    clock: Clock
    side_by_side: SideBySide
    at_once: Callable[[str], int]
    hands_on: Callable[[], bool]
    absent: Absent
    _rows: dict[str, LedgerRow] | None = None
    _as_read: AsRead | None = None
    _has_sent: bool = False
    _carried: dict[str, ExternalRecord] = field(default_factory=dict)

    def only_as_read(self, as_read: AsRead) -> None:
        """Send nothing when the deal changed since it was read: the commit of the first marks raises
        ReadAgainError then."""
        self._as_read = as_read

    def prefetch_missing(self, *look_ups: LookUp) -> None:
        """Look up, side by side, which of these keys exist outside, of those that the ledger does not know and
        this run did not look up a moment ago. What no vendor knows either need not be looked up for
        `ABSENT_FOR`. Raises what a look-up raises."""
        now, ledger = self.clock.now(), self._ledger()
        new = [
            LookUp(keys, existing_keys)
            for wanted, existing_keys in look_ups
            if (keys := [key for key in wanted if key not in ledger and not self.is_absent(key)])
        ]
        calls = [partial(self.absent.look_up, keys, existing_keys, now) for keys, existing_keys in new]
        for batch in self.side_by_side(calls) if calls else ():
            for _, answer in batch:
                if isinstance(answer, Exception):
                    raise answer

    def perform(
        self, effect: Effect, find: Find, send: Send, revise: Callable[[str], ExternalRecord] | None = None
    ) -> ExternalRecord:
        """As `perform_all`, of one."""
        return self.perform_all([Wanted(effect, find, send, revise)])[0]

    def perform_all(
        self, wave: Sequence[Wanted], existing_keys: ExistingKeys | None = None
    ) -> list[ExternalRecord]:
        """Carry out each effect, once; none of them waits for the answer of another. Returns the external
        records, in their order. The answers are committed with what follows. `existing_keys`: looks many of the
        wave up in one call.

        Raises, once all is on record that came of the others, what stands in the way of the most: StillUnknown
        while a quarantine runs, AmbiguousAnswer after a send with an unclear outcome, what `find` and `send`
        raise, ContentConflict when something else exists under a key.
        """
        outgoing = [self._outgoing(wanted) for wanted in wave]
        done = {each.effect.key: _recorded(row) for each in outgoing if (row := each.row) and _is_done(each)}
        done |= {key: self._carried[key] for each in outgoing if (key := each.effect.key) in self._carried}
        open_ones = [each for each in outgoing if each.effect.key not in done]
        to_send, failures = [], list[Exception]()
        for each, found in zip(open_ones, self._look_up_all(open_ones, existing_keys), strict=True):
            crash_point("lookup.answered", each.effect.kind)
            try:
                judged = self._judge(each, found)
            except Exception as error:
                failures.append(error)
                continue
            if isinstance(judged, ExternalRecord):
                done[each.effect.key] = judged
            else:
                to_send.append(judged)
        self._stop_for(failures)
        for calls in shares(calls_of(to_send), self.at_once):
            self._stop_for(self._carry_out(calls, done))
        return [done[each.effect.key] for each in wave]

    def _outgoing(self, wanted: Wanted) -> Outgoing:
        digest = canonical_json.digest(wanted.effect.request)
        return Outgoing(wanted, digest, self._ledger().get(wanted.effect.key), wanted.send)

    def _look_up_all(
        self, outgoing: Sequence[Outgoing], existing_keys: ExistingKeys | None
    ) -> Sequence[ExternalRecord | Exception | None]:
        """What exists of each, or what the look-up raised."""
        found: list[ExternalRecord | Exception | None] = [self._known_without_asking(each) for each in outgoing]
        asked = [
            index
            for index, (each, known) in enumerate(zip(outgoing, found, strict=True))
            if known is None and self._must_ask(each)
        ]
        if existing_keys is not None and len(asked) > 1:
            keys = [outgoing[index].effect.key for index in asked]
            try:
                self.absent.look_up(keys, existing_keys, self.clock.now())
            except OppsyncError as error:
                return [error if index in asked else known for index, known in enumerate(found)]
            asked = [index for index in asked if not self.is_absent(outgoing[index].effect.key)]
        at_once = min((self.at_once(outgoing[index].effect.connection_id) for index in asked), default=1)
        for first in range(0, len(asked), at_once):
            some = asked[first : first + at_once]
            calls = [outgoing[index].wanted.find for index in some]
            for batch in self.side_by_side(calls):
                for place, answer in batch:
                    found[some[place]] = answer
        return found

    def _known_without_asking(self, each: Outgoing) -> Exception | None:
        try:
            self._check_quarantine(each.effect.key, each.row, each.effect.quarantine)
        except StillUnknown as error:
            return error
        return None

    def _must_ask(self, each: Outgoing) -> bool:
        """Setting fields needs no look-up where it never happened."""
        if each.effect.repeatable and each.row is None:
            return False
        return not self.is_absent(each.effect.key)

    def _judge(self, each: Outgoing, found: ExternalRecord | Exception | None) -> ExternalRecord | Outgoing:
        """The external record when it is as ordered, else what is to be sent."""
        effect, row = each.effect, each.row
        if isinstance(found, Exception):
            raise found
        if found is None and row is not None and row.was_made and not effect.repeatable:
            self._check_can_be_found(effect, row)
        if found is not None and not found.differences:
            return self._adopt(effect, each.digest, found)
        if found is not None and not effect.repeatable:
            revise = each.wanted.revise
            self._check_revisable(effect, each.digest, row, found, can_revise=revise is not None)
            return replace(each, existing=row, send=partial(revise or _never, found.outside_id))
        if found is None and row is not None and _never_lands(row):
            self.answers.failed(effect, EffectState.REJECTED, row.error or "")
            raise NeverLands(
                f"{effect.kind} {effect.path} was sent {row.attempts} times and never took effect: {row.error}"
            )
        return each

    def _carry_out(self, calls: Sequence[Call], done: dict[str, ExternalRecord]) -> list[Exception]:
        """Send these at once. The members of a call of many that was refused are sent again, each alone: so the
        one at fault is named, and the others exist. Returns what failed."""
        failures, refused = self._send_all(calls, done)
        for alone in shares(each_alone(refused), self.at_once):
            if failures and (self.hands_on() or not all(isinstance(each, BusinessError) for each in failures)):
                break
            failures += self._send_all(alone, done)[0]
        return failures

    def _send_all(
        self, calls: Sequence[Call], done: dict[str, ExternalRecord]
    ) -> tuple[list[Exception], list[Outgoing]]:
        """Mark, send and take the answers. An answer waits for those of slower neighbours a moment only.
        Returns what failed, and the members of calls that were refused as a whole."""
        if self._has_sent and self.hands_on():
            self.answers.flush()
            raise HandedOnError
        marking = self.clock.now()
        with send_deadline(LONGEST_PAUSE):
            self._mark_all([each for call in calls for each in call.members])
            failures, refused, waiting = list[Exception](), list[Outgoing](), len(calls)
            for batch in self.side_by_side([partial(self._send, call, marking) for call in calls]):
                for place, answer in batch:
                    call = calls[place]
                    if call.is_of_many and isinstance(answer, BusinessError):
                        self._none_exists(call, answer)
                        refused += call.members
                    else:
                        failures += self._take(call, answer, done)
                waiting -= len(batch)
                if waiting:
                    self.answers.flush()
        return failures, refused

    def _take(
        self, call: Call, answer: Mapping[str, CameOfIt] | Exception, done: dict[str, ExternalRecord]
    ) -> Iterator[Exception]:
        for each in call.members:
            crash_point("send.answered", each.effect.kind)
            came = came_of(each, answer)
            if isinstance(came, Exception):
                self._note_failure(each, came)
                yield came
            else:
                self.answers.confirmed(each.effect, came)
                done[each.effect.key] = came
                self._take_carried(each, came)

    def _take_carried(self, each: Outgoing, made: ExternalRecord) -> None:
        """What was changed, and not made, carries nothing."""
        carried = each.wanted.carries
        if carried is not None and each.existing is None:
            self._carried[carried.key] = self._adopt(carried, canonical_json.digest(carried.request), made)

    def _none_exists(self, call: Call, refusal: BusinessError) -> None:
        """The refusal of a whole call says nothing of any one of its members."""
        for each in call.members:
            crash_point("send.answered", each.effect.kind)
            words = f"refused with {len(call.members) - 1} others in one call: {refusal.message}"
            self.answers.failed(each.effect, EffectState.INTENDED, words)

    def _mark_all(self, outgoing: Sequence[Outgoing]) -> None:
        """Record what is sent now, and what came of that before, in one commit."""
        try:
            with self.answers.uow() as uow:
                self.answers.write(uow)
                for each in outgoing:
                    uow.ledger.mark_sent(
                        self.answers.tenant_id,
                        each.effect,
                        each.digest,
                        self.answers.lease,
                        self.answers.traceparent,
                        as_read=self._as_read,
                    )
                    crash_point("mark.uncommitted", each.effect.kind)
                uow.commit()
        except LeaseLost:
            if self._as_read is None:
                raise
            raise ReadAgainError from None
        self.answers.committed()
        self._has_sent = True
        if any(each.effect.makes_something for each in outgoing):
            self._as_read = None
        for each in outgoing:
            self.absent.forget(each.effect.key)
            crash_point("mark.committed", each.effect.kind)

    def _send(self, call: Call, marking: datetime) -> Mapping[str, CameOfIt]:
        """Raises VendorUnavailable when the worker was paused since the mark: others may have looked by now."""
        if self.clock.now() - marking > LONGEST_PAUSE:
            effect = call.members[0].effect
            what = f"{effect.kind} {effect.path}"
            raise VendorUnavailable(f"{what}: the worker was paused before sending; nothing was sent")
        return call()

    def _note_failure(self, each: Outgoing, error: Exception) -> None:
        match error:
            case AmbiguousAnswer():
                self.answers.failed(each.effect, EffectState.UNKNOWN, error.message)
            case TransientError():
                self._not_carried_out(each, EffectState.INTENDED, error.message)
            case BusinessError():
                self._not_carried_out(each, EffectState.REJECTED, error.message)
            case _:  # a bug: nobody knows whether it was sent, and its mark says so
                pass

    def _stop_for(self, failures: Sequence[Exception]) -> None:
        """Raise the one that decides what happens to the deal, when all others are on record. What is not known
        yet is waited for before a refusal parks the deal."""
        if failures:
            self.answers.flush()
            raise min(failures, key=urgency)

    def closed_by_us(self, key: str, closing_key: str) -> bool:
        """Whether what exists under `key` was closed by the effect `closing_key`, and not confirmed as open
        since."""
        row, closing = self._ledger().get(key), self._ledger().get(closing_key)
        if row is None or closing is None or closing.state is not EffectState.CONFIRMED:
            return False
        if row.confirmed_at is None or closing.confirmed_at is None:
            return row.state is EffectState.CANCELLED
        return closing.confirmed_at >= row.confirmed_at

    def state_of(self, effect: Effect) -> EffectState | None:
        """Where this very effect stands; None when nothing is on record, or another request under its key."""
        row = self._ledger().get(effect.key)
        same = row is not None and row.request_digest == canonical_json.digest(effect.request)
        return row.state if row is not None and same else None

    def existing_id(self, row: LedgerRow, quarantine: timedelta, find: Find) -> str | None:
        """The outside id of what an earlier run created under this row; None when nothing was created. An
        effect that was never carried out is recorded as rejected. Raises StillUnknown while its quarantine
        runs."""
        if row.state is EffectState.CONFIRMED:
            return row.outside_id
        if not row.outcome_unknown:
            return None
        self._check_quarantine(row.key, row, quarantine)
        found = None if self.is_absent(row.key) else find()
        if found is not None:
            return found.outside_id
        self.answers.never_took_effect(row)
        self.answers.flush()
        return None

    def _check_quarantine(self, key: str, row: LedgerRow | None, quarantine: timedelta) -> None:
        """An effect of unknown outcome may still come to be, so it is looked up only after its quarantine.
        Until then this raises StillUnknown. `row`: its ledger entry."""
        if row is None or not row.outcome_unknown:
            return
        with self.answers.uow.reading() as uow:
            until = uow.ledger.waits_until(self.answers.tenant_id, key, quarantine + LONGEST_PAUSE)
        if until is not None:
            raise StillUnknown(f"{row.kind} {row.path}: not yet known", not_before=until)

    def _ledger(self) -> Mapping[str, LedgerRow]:
        """The deal's ledger entries as they were when the run began: all are read at once, and nobody else
        writes them."""
        if self._rows is None:
            with self.answers.uow.reading() as uow:
                rows = uow.ledger.of(self.answers.tenant_id, self.answers.lease.opportunity_id)
            self._rows = {row.key: row for row in rows}
        return self._rows

    def is_absent(self, key: str) -> bool:
        """Whether this run found nothing under this key, a moment ago."""
        return self.absent.has(key, self.clock.now())

    def _adopt(self, effect: Effect, digest: str, found: ExternalRecord) -> ExternalRecord:
        self.answers.confirmed(effect, found, found_for=digest)
        return found

    def _check_can_be_found(self, effect: Effect, row: LedgerRow) -> None:
        """Check that the vendor's search can know it by now: what was created or closed a moment ago is not
        created again. Raises StillUnknown."""
        path = closing_path(row.kind, row.path)
        rows = self._ledger().values()
        closing = [each for each in rows if each.kind is EffectKind.CANCELLATION and each.path == path]
        times = [each.confirmed_at for each in (row, *closing) if each.confirmed_at is not None]
        if times and self.clock.now() < max(times) + effect.quarantine:
            not_before = max(times) + effect.quarantine
            raise StillUnknown(f"{row.kind} {row.path}: not to be found yet", not_before=not_before)

    def _check_revisable(
        self, effect: Effect, digest: str, row: LedgerRow | None, found: ExternalRecord, *, can_revise: bool
    ) -> None:
        """Raises ContentConflict, with each difference that a person has to settle."""
        stuck = {
            name: pair
            for name, pair in found.differences.items()
            if name not in found.revisable or row is None or not can_revise
        }
        if not stuck:
            return
        fields = ", ".join(
            f"{field}: planned {wanted!r}, found {there!r}" for field, (wanted, there) in stuck.items()
        )
        conflict = ContentConflict(f"{effect.kind} {effect.path} ({found.outside_id}): {fields}")
        if row is not None and row.was_made:  # it is not forgotten when the deal is given up
            self.answers.put_back(effect, row, EffectState.REJECTED, conflict.message)
        else:
            self.answers.failed(effect, EffectState.REJECTED, conflict.message, found_for=digest)
        raise conflict

    def _not_carried_out(self, each: Outgoing, state: EffectState, error: str) -> None:
        existing = each.existing
        if existing is None:
            self.answers.failed(each.effect, state, error)
            return
        if existing.state is EffectState.CANCELLED:  # opening it may be the half that was carried out
            existing = changed(existing, state=EffectState.UNKNOWN)
        self.answers.put_back(each.effect, existing, state, error)


def _is_done(each: Outgoing) -> bool:
    row = each.row
    return row is not None and row.state is EffectState.CONFIRMED and row.request_digest == each.digest


def _never(outside_id: str) -> ExternalRecord:
    raise ValueError(f"{outside_id} cannot be revised")


def _never_lands(row: LedgerRow) -> bool:
    """A system that answers look-ups but fails on this write each time does not recover by itself."""
    return row.outcome_unknown and row.attempts % MAX_UNCLEAR_SENDS == 0


def _recorded(row: LedgerRow) -> ExternalRecord:
    return ExternalRecord(outside_id=row.outside_id or "", number=row.number, url=row.url)
