"""The connector of a made-up CRM: written after its API (`server.py`), as small as one that can do all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, SecretStr, ValidationError

from adapters.connectors.connector import Connector
from adapters.connectors.http.client import Answer, Gate, HttpClient, Judgement
from oppsync.domain.deal.field_words import field_words
from oppsync.domain.deal.opportunity import Account, Opportunity, OpportunityLine, OpportunityRef, Owner, Unit
from oppsync.domain.deal.reading import FieldOfCrm
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.capabilities import CrmCapabilities
from oppsync.domain.plan.orders import WriteBack
from oppsync.domain.values.model import Code, Frozen
from oppsync.domain.work.backfill import WonDeal
from oppsync.domain.work.connections import ConnectionRole
from oppsync.domain.work.observations import Observation, fine
from oppsync.domain.work.polling import Change, ChangePage, Deletion, Deletions
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import RecordGone, UnreadableDelivery
from oppsync.ports.clock import Clock
from oppsync.ports.crm import Crm

TITLE = "Made-up CRM"
DEAL_ID = re.compile(r"[1-9][0-9]{0,17}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATE_COMMIT = timedelta(seconds=5)

Shape = TypeVar("Shape", bound=BaseModel)


class Settings(Frozen):
    """`timeout`: seconds of a whole call. `poll_page`: the most deals asked for at once."""

    base_url: Code
    timeout: Annotated[float, Field(gt=0, le=60)] = 10.0
    poll_page: Annotated[int, Field(ge=1)] = 500


class Secrets(Frozen):
    key: SecretStr


def capabilities(settings: Settings) -> CrmCapabilities:
    return CrmCapabilities(polls=True, owner_history=True)


class User(BaseModel):
    user: int
    name: str
    mail: str


class Company(BaseModel):
    id: int
    name: str
    number: str
    country: str
    vat: str


class Item(BaseModel):
    item: int
    what: str
    hours: int
    each: int
    sum: int


class Listed(BaseModel):
    id: int
    title: str
    status: str
    day: date
    currency: str
    total: int
    company: Company
    changed: int


class Deal(Listed):
    opened_by: User
    owners: list[User]
    items: list[Item]
    notes: dict[str, str]


class DealList(BaseModel):
    clock: int
    deals: list[Listed]


class DeletedDeal(BaseModel):
    id: int
    at: int


class DeletedList(BaseModel):
    deals: list[DeletedDeal]


class NotifiedDeal(BaseModel):
    id: int
    changed: int


class Notification(BaseModel):
    deals: list[NotifiedDeal]


class MadeUpCrm:
    """Implements `oppsync.ports.crm.Crm`."""

    poll_every = timedelta(minutes=5)
    poll_overlap = timedelta(minutes=1)

    def __init__(self, settings: Settings, secrets: Secrets, clock: Clock, gate: Gate) -> None:
        self.capabilities = capabilities(settings)
        self.quarantine = timedelta(seconds=settings.timeout) + LATE_COMMIT
        self._poll_page = settings.poll_page
        self._http = HttpClient(
            TITLE,
            settings.base_url,
            headers={"x-api-key": secrets.key.get_secret_value()},
            timeout=settings.timeout,
            total=settings.timeout,
            judge=judge,
            gate=gate,
        )

    def read_notification(self, body: bytes) -> Sequence[OpportunityRef]:
        try:
            document = canonical_json.loads(body)
        except canonical_json.UnreadableJson as error:
            raise UnreadableDelivery(f"the body is not JSON: {error}", where=f"offset {error.offset}") from None
        notified = {deal.id: deal.changed for deal in _read(Notification, document).deals}
        return [_ref(deal_id, moment) for deal_id, moment in notified.items()]

    def record_id(self, written: str) -> str:
        return written

    def field_at(self, place: str) -> FieldOfCrm:
        return field_words(place)

    def read_opportunity(self, source_id: str) -> Opportunity:
        deal = self._deal(source_id)
        *before, owner = [_owner(user) for user in deal.owners]
        return Opportunity(
            system="madeup",
            id=str(deal.id),
            version=str(deal.changed),
            modified_at=_moment(deal.changed),
            url=f"{self._http.base_url}/deals/{deal.id}",
            name=deal.title,
            stage=deal.status,
            is_won=deal.status == "won",
            won_on=deal.day if deal.status == "won" else None,
            amount=_amount(deal.total),
            currency=deal.currency,
            account=Account(
                id=str(deal.company.id),
                name=deal.company.name,
                code=deal.company.number,
                country=deal.company.country,
                tax_id=deal.company.vat,
            ),
            owner=owner,
            created_by=_owner(deal.opened_by),
            past_owners=tuple(dict.fromkeys(each for each in before if each != owner)),
            lines=tuple(_line(item) for item in deal.items),
        )

    def changed_opportunities(self, since: datetime, after_id: str | None) -> ChangePage:
        wanted = {"changed_from": str(_milliseconds(since)), "top": str(self._poll_page)}
        page = self._list(wanted | ({"after_id": after_id} if after_id else {}))
        changes = [
            Change(
                id=str(deal.id),
                version=str(deal.changed),
                modified_at=_moment(deal.changed),
                is_won=deal.status == "won",
            )
            for deal in page.deals
        ]
        return ChangePage(
            changes=tuple(changes), more=len(changes) == self._poll_page, as_of=_moment(page.clock)
        )

    def ping(self) -> None:
        self._get(DeletedList, "/deleted", {"from": "0", "to": "1"})

    def inspect(self) -> Sequence[Observation]:
        self.ping()
        return [fine("It answers.")]

    def deleted_opportunities(self, since: datetime, until: datetime) -> Deletions:
        end = _milliseconds(until)
        found = self._get(DeletedList, "/deleted", {"from": str(_milliseconds(since)), "to": str(end)})
        deleted = tuple(Deletion(id=str(deal.id), deleted_at=_moment(deal.at)) for deal in found.deals)
        return Deletions(deleted=deleted, covered_until=_moment(end))

    def won_opportunities(self, since: date, until: date | None) -> Sequence[WonDeal]:
        wanted = {"won_from": since.isoformat()} | ({"won_before": until.isoformat()} if until else {})
        return [
            WonDeal(
                id=str(deal.id),
                version=str(deal.changed),
                modified_at=_moment(deal.changed),
                name=deal.title,
                account=deal.company.name,
                amount=_amount(deal.total),
                currency=deal.currency,
                won_on=deal.day,
            )
            for deal in self._list(wanted).deals
        ]

    def find_write_back(self, source_id: str, wanted: WriteBack) -> ExternalRecord | None:
        found = self._deal(source_id).notes
        if not found:
            return None
        pairs = {name: (text, found.get(name, "")) for name, text in _notes(wanted).items()}
        return _landed(source_id, wanted, {name: pair for name, pair in pairs.items() if pair[0] != pair[1]})

    def write_back(self, source_id: str, wanted: WriteBack) -> ExternalRecord:
        self._http.request("PUT", f"{_path(source_id)}/notes", write=True, json=_notes(wanted))
        return _landed(source_id, wanted, {})

    def _deal(self, source_id: str) -> Deal:
        return self._get(Deal, _path(source_id), {})

    def _list(self, wanted: Mapping[str, str]) -> DealList:
        return self._get(DealList, "/deals", wanted)

    def _get(self, shape: type[Shape], path: str, params: Mapping[str, str]) -> Shape:
        return _read(shape, self._http.request("GET", path, write=False, params=params).json())


def judge(answer: Answer) -> Judgement | None:
    """A deal that does not exist is no wrong address."""
    return (RecordGone, answer.text) if answer.status == 404 and b'"no_deal"' in answer.body else None


def _path(source_id: str) -> str:
    """Raises RecordGone for anything but an id."""
    if DEAL_ID.fullmatch(source_id) is None:
        raise RecordGone(f"{TITLE}: {source_id!r} is not the number of a deal")
    return f"/deals/{source_id}"


def _read(shape: type[Shape], document: Any) -> Shape:
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "body"
        raise UnreadableDelivery(f"{TITLE}: {where}: {fault['msg']}", where=where) from None


def _ref(deal_id: int, changed: int) -> OpportunityRef:
    return OpportunityRef(id=str(deal_id), version=str(changed), modified_at=_moment(changed))


def _owner(user: User) -> Owner:
    return Owner(id=str(user.user), name=user.name, email=user.mail)


def _line(item: Item) -> OpportunityLine:
    return OpportunityLine(
        id=str(item.item),
        description=item.what,
        quantity=Decimal(item.hours),
        unit=Unit.HOUR,
        unit_price=_amount(item.each),
        net=_amount(item.sum),
    )


def _notes(wanted: WriteBack) -> dict[str, str]:
    at = wanted.activated_at
    return {
        "project status": wanted.status.capitalize(),
        "project": wanted.project_number,
        "project link": wanted.project_url,
        "project since": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else "",
        "project message": wanted.message,
    }


def _landed(deal_id: str, wanted: WriteBack, differences: dict[str, tuple[str, str]]) -> ExternalRecord:
    number, url = wanted.project_number or None, wanted.project_url or None
    return ExternalRecord(outside_id=deal_id, number=number, url=url, differences=differences)


def _amount(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _moment(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


CONNECTOR: Connector[Settings, Secrets, CrmCapabilities, Crm] = Connector(
    role=ConnectionRole.CRM,
    vendor="madeup",
    title=TITLE,
    settings=Settings,
    secrets=Secrets,
    capabilities=capabilities,
    build=MadeUpCrm,
)
