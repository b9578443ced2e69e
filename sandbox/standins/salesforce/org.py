"""The org: its records, the rules every write obeys, and the triggers of docs/connectors/salesforce.md."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.standins.books import Books
from sandbox.standins.salesforce import recycle_bin
from sandbox.standins.salesforce.errors import SalesforceError, no_such_column, not_found
from sandbox.standins.salesforce.ids import full_id, new_id
from sandbox.standins.salesforce.notifier import Notifier
from sandbox.standins.salesforce.objects import (
    ALL,
    OURS,
    SObject,
    Stored,
    added_columns,
    objects_of,
    parsed,
    shown,
    stored,
    timestamp,
)
from sandbox.standins.salesforce.recycle_bin import RecycleBin
from sandbox.standins.wire import Json, to_json

ORGANIZATION = new_id("00D", 1)
API_USER = "oppsync Integration"
# (probability, closed, won). Two stages are won, because firms rename theirs and only IsWon decides.
STAGES = {
    "Prospecting": (10, False, False),
    "Qualification": (10, False, False),
    "Proposal/Price Quote": (75, False, False),
    "Negotiation/Review": (90, False, False),
    "Contract Signed": (100, True, True),
    "Closed Won": (100, True, True),
    "Closed Lost": (0, True, False),
}
CHILDREN = {
    "Account": [("Opportunity", "AccountId")],
    "Opportunity": [("OpportunityLineItem", "OpportunityId"), ("Billing_Milestone__c", "Opportunity__c")],
}
PARENT = {"OpportunityLineItem": "OpportunityId", "Billing_Milestone__c": "Opportunity__c"}
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS counters (prefix TEXT PRIMARY KEY, last INTEGER NOT NULL)",
    """CREATE TABLE IF NOT EXISTS changes (
        number INTEGER PRIMARY KEY, at TEXT NOT NULL, by TEXT NOT NULL, sobject TEXT NOT NULL, id TEXT NOT NULL,
        kind TEXT NOT NULL, fields TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS changes_id ON changes (id)",
    "CREATE TABLE IF NOT EXISTS triggered (id TEXT PRIMARY KEY, ours INTEGER NOT NULL)",
    *recycle_bin.SCHEMA,
)
# A repaired account or owner triggers a webhook for each of its deals that is not active yet.
RELATED = {"Account": "AccountId", "User": "OwnerId"}


class Org:
    """`changes` keeps every committed write with its author: 'api' or 'user'."""

    def __init__(self, books: Books, notifier: Notifier, multi_currency: bool = True) -> None:
        self.books = books
        self.objects = objects_of(multi_currency)
        self.bin = RecycleBin(books)
        self._notifier = notifier
        with books.transaction():
            self._widen()
            found = books.row('SELECT "Id" FROM "User" WHERE "Name" = ?', (API_USER,))
            self.api_user = found["Id"] if found else self.insert("User", {"Name": API_USER}, by="user")

    def _widen(self) -> None:
        for sobject in ALL:
            known = {row["name"] for row in self.books.rows(f'PRAGMA table_info("{sobject.name}")')}
            for statement in added_columns(sobject, known):
                self.books.rows(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; its notifications are stored with it and sent after it. May be nested."""
        with self.books.transaction():
            yield
        self._notifier.wake()

    def sobject(self, name: str) -> SObject:
        found = next((s for own, s in self.objects.items() if own.lower() == name.lower()), None)
        if found is None:
            raise not_found()
        return found

    def find(self, sobject: SObject, record_id: str) -> sqlite3.Row:
        """Raises SalesforceError NOT_FOUND, or ENTITY_IS_DELETED."""
        row = self.books.row(f'SELECT * FROM "{sobject.name}" WHERE "Id" = ?', (full_id(record_id),))
        if row is None and self.bin.has(full_id(record_id)):
            raise SalesforceError(404, "ENTITY_IS_DELETED", "entity is deleted")
        if row is None:
            raise not_found(f"Provided external ID field does not exist or is not accessible: {record_id}")
        return row

    def ids_by(self, sobject: SObject, name: str, value: str) -> list[str]:
        """Ids of the records whose external id field has this value. Raises SalesforceError."""
        own = sobject.field_name(name)
        if own is None or not sobject.fields[own].external_id:
            raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
        sql = f'SELECT "Id" FROM "{sobject.name}" WHERE "{own}" = ? COLLATE NOCASE ORDER BY "Id"'
        return [row["Id"] for row in self.books.rows(sql, (value,))]

    def record(self, sobject: SObject, record_id: str) -> dict[str, Json]:
        row = self.find(sobject, record_id)
        return {name: shown(field, row[name]) for name, field in sobject.fields.items()}

    def insert(
        self, name: str, fields: Mapping[str, Json], by: str = "api", created_by: str | None = None
    ) -> str:
        """The new id. Call it inside a transaction. `created_by`: the user; the API's own unless it is given.
        Raises SalesforceError."""
        sobject = self.objects[name]
        values = self._checked(sobject, fields)
        missing = [
            field for field, spec in sobject.fields.items() if spec.required and values.get(field) is None
        ]
        if missing:
            text = f"Required fields are missing: {missing}"
            raise SalesforceError(400, "REQUIRED_FIELD_MISSING", text, missing)
        if name == "Opportunity" and values.get("OwnerId") is None:
            values["OwnerId"] = self.api_user
        if name == "Opportunity":
            values["CreatedById"] = created_by or self.api_user
        self._derive(sobject, values, {})
        self._guard_unique(sobject, values, "")
        now = timestamp(datetime.now(UTC))
        record_id = self._next_id(sobject)
        values |= {"Id": record_id, "CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
        self._add(sobject, values)
        self._journal(sobject, record_id, "insert", fields, by)
        if name == "Opportunity" and values["IsWon"]:
            self._trigger(record_id, ours=False)
        self._touch_parent(sobject, values)
        return record_id

    def update(self, name: str, record_id: str, fields: Mapping[str, Json], by: str = "api") -> None:
        """Call it inside a transaction. Raises SalesforceError."""
        sobject = self.objects[name]
        before = self.find(sobject, record_id)
        values = self._checked(sobject, fields)
        emptied = [f for f, value in values.items() if sobject.fields[f].required and value is None]
        if emptied:
            text = f"Required fields are missing: {emptied}"
            raise SalesforceError(400, "REQUIRED_FIELD_MISSING", text, emptied)
        self._derive(sobject, values, dict(before))
        self._guard_unique(sobject, values, before["Id"])
        changed = {field for field, value in values.items() if before[field] != value}
        now = _next_stamp(before["SystemModstamp"])
        values |= {"LastModifiedDate": now, "SystemModstamp": now}
        self._set(sobject, before["Id"], values)
        if name == "Opportunity" and "OwnerId" in changed:
            self._track_owner(before, str(values["OwnerId"]), now)
        self._journal(sobject, before["Id"], "update", fields, by)
        if name == "Opportunity" and changed and (before["IsWon"] or values.get("IsWon")):
            self._trigger(before["Id"], ours=all(field.startswith(OURS) for field in changed))
        if name in RELATED and changed:
            self._trigger_related(RELATED[name], before["Id"])
        self._touch_parent(sobject, dict(before) | values)

    def delete(self, name: str, record_id: str, by: str = "api", at: datetime | None = None) -> None:
        """Into the recycle bin, with its children, for which no trigger runs. `at`: when that was."""
        sobject = self.objects[name]
        before = dict(self.find(sobject, record_id))
        at = at or datetime.now(UTC)
        self._remove(sobject, before, at, before["Id"], by)
        if name == "Opportunity" and before["IsWon"]:
            self._trigger(before["Id"], ours=False)
        self._touch_parent(sobject, before)

    def _remove(self, sobject: SObject, row: Mapping[str, Stored], at: datetime, begun: str, by: str) -> None:
        for child, field in CHILDREN.get(sobject.name, ()):
            below = self.books.rows(f'SELECT * FROM "{child}" WHERE "{field}" = ?', (row["Id"],))
            for one in below:
                self._remove(self.objects[child], dict(one), at, begun, by)
        self.books.rows(f'DELETE FROM "{sobject.name}" WHERE "Id" = ?', (row["Id"],))
        self.bin.put(sobject, row, at, begun)
        self._journal(sobject, str(row["Id"]), "delete", {}, by)

    def undelete(self, record_id: str, by: str = "user") -> None:
        """Out of the recycle bin, with what was deleted with it; only the record itself runs its trigger."""
        restored = self.bin.take_back(str(full_id(record_id)))
        if not restored:
            raise not_found(f"not in the recycle bin: {record_id}")
        for name, fields in restored:
            sobject = self.objects[name]
            values = fields | {"SystemModstamp": _next_stamp(str(fields["SystemModstamp"]))}
            self._add(sobject, values)
            self._journal(sobject, str(values["Id"]), "undelete", {}, by)
        (name, fields), *_ = restored
        if name == "Opportunity" and fields["IsWon"]:
            self._trigger(str(fields["Id"]), ours=False)
        if name in RELATED:
            self._trigger_related(RELATED[name], str(fields["Id"]))

    def merge_accounts(self, master: str, loser: str, by: str = "user") -> None:
        """The loser's opportunities go to the master, without a trigger of their own; the loser is deleted, and
        the account's trigger tells of the master's."""
        winner = self.find(self.objects["Account"], master)
        lost = dict(self.find(self.objects["Account"], loser))
        for row in self.books.rows('SELECT * FROM "Opportunity" WHERE "AccountId" = ?', (lost["Id"],)):
            now = _next_stamp(row["SystemModstamp"])
            moved: dict[str, Stored] = {"AccountId": winner["Id"], "SystemModstamp": now}
            self._set(self.objects["Opportunity"], row["Id"], moved)
        self._remove(self.objects["Account"], lost, datetime.now(UTC), lost["Id"], by)
        self._trigger_related("AccountId", winner["Id"])

    def _checked(self, sobject: SObject, fields: Mapping[str, Json]) -> dict[str, Stored]:
        values: dict[str, Stored] = {}
        for asked, value in fields.items():
            if asked == "attributes":
                continue
            name = sobject.field_name(asked)
            if name is None:
                raise no_such_column(asked, sobject.name)
            if name == "Id":
                raise SalesforceError(
                    400, "INVALID_FIELD", "The Id field should not be specified in the sobject data."
                )
            field = sobject.fields[name]
            if field.read_only:
                text = (
                    f"Unable to create/update fields: {name}. Please check the security settings of this field."
                )
                raise SalesforceError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, [name])
            values[name] = stored(sobject, name, value)
            if field.kind == "reference" and value is not None:
                self._guard_reference(field.to, name, values[name])
        return values

    def _guard_reference(self, target: str, name: str, record_id: Stored) -> None:
        if self.books.row(f'SELECT 1 FROM "{target}" WHERE "Id" = ?', (record_id,)) is None:
            raise SalesforceError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [name])

    def _guard_unique(self, sobject: SObject, values: Mapping[str, Stored], own_id: str) -> None:
        for name, field in sobject.fields.items():
            if not field.unique or values.get(name) is None:
                continue
            others = [found for found in self.ids_by(sobject, name, str(values[name])) if found != own_id]
            if others:
                text = f"duplicate value found: {name} duplicates value on record with id: {others[0][:15]}"
                raise SalesforceError(400, "DUPLICATE_VALUE", text)

    def _derive(self, sobject: SObject, values: dict[str, Stored], before: Mapping[str, Stored]) -> None:
        if sobject.name == "Opportunity" and "StageName" in values:
            _derive_stage(values)
        if sobject.name == "OpportunityLineItem" and "TotalPrice" not in values:
            _derive_total(values, before)

    def _journal(
        self, sobject: SObject, record_id: str, kind: str, fields: Mapping[str, Json], by: str
    ) -> None:
        self.books.rows(
            "INSERT INTO changes (at, by, sobject, id, kind, fields) VALUES (?, ?, ?, ?, ?, ?)",
            (timestamp(datetime.now(UTC)), by, sobject.name, record_id, kind, to_json(dict(fields))),
        )

    def _touch_parent(self, sobject: SObject, values: Mapping[str, Stored]) -> None:
        """A changed line or milestone moves its opportunity's stamp too, as a roll-up does."""
        if sobject.name not in PARENT:
            return
        opportunity, opportunity_id = self.objects["Opportunity"], str(values[PARENT[sobject.name]])
        row = self.find(opportunity, opportunity_id)
        now = _next_stamp(row["SystemModstamp"])
        self._set(opportunity, opportunity_id, {"LastModifiedDate": now, "SystemModstamp": now})
        if row["IsWon"]:
            self._trigger(opportunity_id, ours=False)

    def _track_owner(self, before: sqlite3.Row, owner: str, at: str) -> None:
        """The org tracks the history of Opportunity Owner: a row with the names, a row with the ids."""
        history, users = self.objects["OpportunityFieldHistory"], self.objects["User"]
        ids = (before["OwnerId"], owner)
        names = tuple(self.find(users, user_id)["Name"] for user_id in ids)
        for kind, (old, new) in (("Text", names), ("EntityId", ids)):
            self.books.rows(
                'INSERT INTO "OpportunityFieldHistory" VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?)',
                (self._next_id(history), at, before["Id"], before["OwnerId"], "Owner", kind, old, new),
            )

    def _trigger(self, opportunity_id: str, ours: bool) -> None:
        sql = (
            "INSERT INTO triggered VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET ours = min(ours, excluded.ours)"
        )
        self.books.rows(sql, (opportunity_id, int(ours)))

    def _trigger_related(self, field: str, record_id: str) -> None:
        sql = (
            f'SELECT "Id" FROM "Opportunity" WHERE "{field}" = ? AND "IsWon" = 1'
            """ AND coalesce("oppsync_Status__c", '') <> 'Active'"""
        )
        for row in self.books.rows(sql, (record_id,)):
            self._trigger(row["Id"], ours=False)

    def _add(self, sobject: SObject, values: Mapping[str, Stored]) -> None:
        columns = ", ".join(f'"{column}"' for column in values)
        marks = ", ".join("?" * len(values))
        self.books.rows(f'INSERT INTO "{sobject.name}" ({columns}) VALUES ({marks})', list(values.values()))

    def _set(self, sobject: SObject, record_id: str, values: Mapping[str, Stored]) -> None:
        assignments = ", ".join(f'"{column}" = ?' for column in values)
        self.books.rows(
            f'UPDATE "{sobject.name}" SET {assignments} WHERE "Id" = ?', [*values.values(), record_id]
        )

    def _next_id(self, sobject: SObject) -> str:
        rows = self.books.rows(
            "INSERT INTO counters VALUES (?, 1)"
            " ON CONFLICT (prefix) DO UPDATE SET last = last + 1 RETURNING last",
            (sobject.prefix,),
        )
        return new_id(sobject.prefix, rows[0]["last"])


def _derive_stage(values: dict[str, Stored]) -> None:
    stage = values["StageName"]
    if stage not in STAGES:
        text = f"bad value for restricted picklist field: {stage}"
        raise SalesforceError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, ["StageName"])
    probability, closed, won = STAGES[str(stage)]
    values |= {"IsClosed": int(closed), "IsWon": int(won)}
    values.setdefault("Probability", str(probability))


def _derive_total(values: dict[str, Stored], before: Mapping[str, Stored]) -> None:
    """TotalPrice follows quantity, price and discount, unless it is set itself."""
    if not values.keys() & {"Quantity", "UnitPrice", "Discount"}:
        return
    now = dict(before) | values
    if now.get("Quantity") is None or now.get("UnitPrice") is None:
        return
    gross = Decimal(str(now["Quantity"])) * Decimal(str(now["UnitPrice"]))
    net = gross * (100 - Decimal(str(now.get("Discount") or 0))) / 100
    values["TotalPrice"] = str(net.quantize(Decimal("0.01"), ROUND_HALF_UP))


def _next_stamp(before: str) -> str:
    """Now, or just after the record's present stamp if that is later."""
    return timestamp(max(datetime.now(UTC), parsed(before) + timedelta(milliseconds=1)))
