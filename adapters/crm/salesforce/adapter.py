"""Salesforce as the CRM: reads its notifications and records, and writes oppsync's own fields on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pydantic import ValidationError

from adapters.connectors.http.client import Gate
from adapters.crm.salesforce import translate, wire
from adapters.crm.salesforce.client import VENDOR, SalesforceClient
from adapters.crm.salesforce.ids import full_id
from adapters.crm.salesforce.inspection import inspected
from adapters.crm.salesforce.labels import field_at
from adapters.crm.salesforce.settings import SalesforceSecrets, SalesforceSettings, capabilities
from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.opportunity import Opportunity, OpportunityRef
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.orders import WriteBack
from oppsync.domain.work.backfill import WonDeal
from oppsync.domain.work.observations import Observation
from oppsync.domain.work.polling import Change, ChangePage, Deletion, Deletions
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import RecordGone, UnreadableDelivery
from oppsync.ports.clock import Clock

DELETED_APART, DELETED_REMEMBERED = timedelta(minutes=2), timedelta(days=14)
_NO_RECORD = full_id("006000000000000")
WITH_CURRENCY = ("Opportunity", "OpportunityLineItem")


class SalesforceCrm:
    """Implements `oppsync.ports.crm.Crm`. One instance per connection and process; thread-safe."""

    def __init__(
        self, settings: SalesforceSettings, secrets: SalesforceSecrets, clock: Clock, gate: Gate
    ) -> None:
        """Raises Misconfigured for an unusable address."""
        self.capabilities = capabilities(settings)
        self.quarantine = timedelta(seconds=settings.timeout + settings.late_commit)
        self.poll_every = timedelta(seconds=settings.poll_every)
        self.poll_overlap = timedelta(seconds=settings.poll_overlap)
        self._poll_page = settings.poll_page
        self._clock = clock
        self._owner_history = settings.owner_history
        self._currency = settings.currency
        without = {f"{sobject}.CurrencyIsoCode" for sobject in WITH_CURRENCY} if settings.currency else set()
        without |= wire.NAMED_ONLY
        self._left_out = {name: fields - settings.fields.keys() for name, fields in _left_out(settings).items()}
        without = without.union(*self._left_out.values())
        self._names = wire.FieldNames(overrides=dict.fromkeys(without) | settings.fields)
        self._client = SalesforceClient(
            settings.base_url,
            settings.api_version,
            secrets.client_id.get_secret_value(),
            secrets.client_secret.get_secret_value(),
            timeout=settings.timeout,
            gate=gate,
        )

    def ping(self) -> None:
        """Sign in and ask for a record that does not exist: whether opportunities may be read at all."""
        self._client.query({"alive": _select(wire.ChangeRecord, self._names, f"Id = '{_NO_RECORD}'")})

    def inspect(self) -> Sequence[Observation]:
        return inspected(self._client, self._names, self._left_out, owner_history=self._owner_history)

    def read_notification(self, body: bytes) -> Sequence[OpportunityRef]:
        """One reference for each opportunity in the notification, the latest when it occurs twice."""
        try:
            notified = wire.Notification.model_validate(canonical_json.loads(body)).opportunities
        except canonical_json.UnreadableJson as error:
            raise UnreadableDelivery(f"the body is not JSON: {error}", where=f"offset {error.offset}") from None
        except ValidationError as error:
            raise translate.unreadable("the notification", error.errors()) from None
        latest = {one.id: one for one in sorted(notified, key=lambda one: one.system_modstamp)}
        return [
            OpportunityRef(id=one.id, version=one.system_modstamp.isoformat(), modified_at=one.system_modstamp)
            for one in latest.values()
        ]

    def record_id(self, written: str) -> str:
        """Salesforce's pages show 15 characters of an id, its API 18."""
        try:
            return full_id(written.strip())
        except ValueError:
            return written

    def field_at(self, place: str) -> FieldOfCrm:
        if place.endswith("/id"):  # people know the owner, not the field with the owner's id
            return field_words(place)
        return field_at(tuple(place.lstrip("/").split("/")), self._names)

    def read_opportunity(self, source_id: str) -> Opportunity:
        record_id = _known_id(source_id)
        asked = self._client.query(self._queries(record_id))
        found = asked.records
        if not found["opportunity"]:
            raise RecordGone(f"{VENDOR}: the opportunity {record_id} does not exist")
        read = translate.record
        deal = read(wire.OpportunityRecord, found["opportunity"][0], self._names)
        changes = [read(wire.OwnerChangeRecord, one, self._names) for one in found.get("owners", ())]
        translated = translate.opportunity(
            deal,
            [read(wire.LineRecord, one, self._names) for one in found["lines"]],
            [read(wire.MilestoneRecord, one, self._names) for one in found["milestones"]],
            asked.org_url,
            currency=self._currency,
            names=self._names,
        )
        return translate.with_past_owners(translated, self._past_owners(deal, changes))

    def _past_owners(
        self, deal: wire.OpportunityRecord, changes: Sequence[wire.OwnerChangeRecord]
    ) -> Sequence[wire.OwnerRecord]:
        """Owners from the org's field history. An owner whose name the record carries already needs no call."""
        ids = dict.fromkeys(user_id for change in changes for user_id in change.user_ids())
        unknown = [user_id for user_id in ids if deal.owner is None or user_id != deal.owner.id]
        if not unknown:
            return []
        listed = ", ".join(f"'{user_id}'" for user_id in unknown)
        asked = self._client.query({"users": _select(wire.OwnerRecord, self._names, f"Id IN ({listed})")})
        users = [translate.record(wire.OwnerRecord, one, self._names) for one in asked.records["users"]]
        hidden = set(unknown).difference(user.id for user in users)
        return [*users, *(wire.OwnerRecord(Id=each, Name=each, Email=None) for each in sorted(hidden))]

    def changed_opportunities(self, since: datetime, after_id: str | None) -> ChangePage:
        where = _changed_after(since, after_id) + f" ORDER BY SystemModstamp, Id LIMIT {self._poll_page}"
        asked = self._client.query({"changes": _select(wire.ChangeRecord, self._names, where)})
        records = [translate.record(wire.ChangeRecord, one, self._names) for one in asked.records["changes"]]
        changes = [
            Change(
                id=one.id, version=one.modified_at.isoformat(), modified_at=one.modified_at, is_won=one.is_won
            )
            for one in records
        ]
        return ChangePage(
            changes=tuple(changes),
            more=len(changes) == self._poll_page,
            as_of=asked.at or self._clock.now(),
        )

    def deleted_opportunities(self, since: datetime, until: datetime) -> Deletions:
        """Salesforce takes whole minutes only, at least two apart, and keeps deletions for 15 days.
        Those it no longer keeps are not returned."""
        end = until.astimezone(UTC).replace(second=0, microsecond=0)
        latest = end - DELETED_APART
        start = min(max(since, end - DELETED_REMEMBERED), latest)
        sobject = wire.ChangeRecord.sobject
        reply = self._client.deleted(sobject, start, end) or self._client.deleted(sobject, latest, end)
        if reply is None:
            return Deletions(deleted=(), covered_until=end)
        deleted = tuple(Deletion(id=one.id, deleted_at=one.deleted_at) for one in reply.records)
        return Deletions(deleted=deleted, covered_until=min(reply.covered_until, end))

    def won_opportunities(self, since: date, until: date | None) -> Sequence[WonDeal]:
        before = f" AND CloseDate < {until.isoformat()}" if until else ""
        where = f"IsWon = TRUE AND CloseDate >= {since.isoformat()}{before} ORDER BY CloseDate, Id"
        asked = self._client.query({"won": _select(wire.WonRecord, self._names, where)})
        records = (translate.record(wire.WonRecord, one, self._names) for one in asked.records["won"])
        return [translate.won_deal(record, self._currency) for record in records]

    def find_write_back(self, source_id: str, wanted: WriteBack) -> ExternalRecord | None:
        record_id = _known_id(source_id)
        columns = wire.WriteBackRecord.columns(self._names)
        fields = self._client.fields(wire.WriteBackRecord.sobject, record_id, columns)
        found = self._texts(translate.record(wire.WriteBackRecord, fields, self._names))
        if not any(found.values()):
            return None
        expected = self._texts(_record_of(wanted))
        differences = {name: (text, found[name]) for name, text in expected.items() if text != found[name]}
        return _landed(record_id, wanted, differences)

    def write_back(self, source_id: str, wanted: WriteBack) -> ExternalRecord:
        record_id = _known_id(source_id)
        values = _record_of(wanted).values(self._names)
        self._client.set_fields(wire.WriteBackRecord.sobject, record_id, values)
        return _landed(record_id, wanted, {})

    def _texts(self, record: wire.WriteBackRecord) -> dict[str, str]:
        """The fields that this org has, as text to compare."""
        values = record.values(self._names)
        return {name: (value or "").replace("\r\n", "\n").strip() for name, value in values.items()}

    def _queries(self, record_id: str) -> dict[str, str]:
        names = self._names
        history = {}
        if self._owner_history:
            fields = ", ".join(f"'{name}'" for name in wire.OWNER_FIELDS)
            of_owner = f"OpportunityId = '{record_id}' AND Field IN ({fields}) ORDER BY CreatedDate, Id"
            history = {"owners": _select(wire.OwnerChangeRecord, names, of_owner)}
        return history | {
            "opportunity": _select(wire.OpportunityRecord, names, f"Id = '{record_id}'"),
            "lines": _select(
                wire.LineRecord, names, f"OpportunityId = '{record_id}' ORDER BY SortOrder NULLS LAST, Id"
            ),
            "milestones": _select(
                wire.MilestoneRecord, names, f"Opportunity__c = '{record_id}' ORDER BY Planned_Date__c, Id"
            ),
        }


def _left_out(settings: SalesforceSettings) -> dict[str, frozenset[str]]:
    """The fields that each setting, being off, leaves unread."""
    of_settings = {"billing_terms": wire.BILLING_TERMS, "contract_terms": wire.CONTRACT_TERMS}
    return {name: fields for name, fields in of_settings.items() if not getattr(settings, name)}


def _select(record: type[wire.Record], names: wire.FieldNames, where: str) -> str:
    columns = ", ".join(record.columns(names))
    return f"SELECT {columns} FROM {record.sobject} WHERE {where}"  # noqa: S608 (ids and names were checked)


def _changed_after(since: datetime, after_id: str | None) -> str:
    """Compare by `SystemModstamp`: it is indexed, and every save moves it, also an import's or a roll-up's."""
    moment = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if after_id is None:
        return f"SystemModstamp >= {moment}"
    return f"(SystemModstamp > {moment} OR (SystemModstamp = {moment} AND Id > '{full_id(after_id)}'))"


def _known_id(source_id: str) -> str:
    """The full id, safe in a query or a path. Raises RecordGone for anything but an id."""
    try:
        return full_id(source_id.strip())
    except ValueError as error:
        raise RecordGone(f"{VENDOR}: {source_id!r} {error}") from None


def _record_of(wanted: WriteBack) -> wire.WriteBackRecord:
    """Salesforce keeps whole seconds only."""
    at = wanted.activated_at
    return wire.WriteBackRecord.model_validate(
        {
            "oppsync_Status__c": wire.STATUSES[wanted.status],
            "oppsync_Project_Number__c": wanted.project_number,
            "oppsync_Project_Link__c": wanted.project_url,
            "oppsync_Activated_At__c": at and at.astimezone(UTC).replace(microsecond=0).isoformat(),
            "oppsync_Message__c": wanted.message,
        }
    )


def _landed(record_id: str, wanted: WriteBack, differences: dict[str, tuple[str, str]]) -> ExternalRecord:
    return ExternalRecord(
        outside_id=record_id,
        number=wanted.project_number or None,
        url=wanted.project_url or None,
        differences=differences,
    )
