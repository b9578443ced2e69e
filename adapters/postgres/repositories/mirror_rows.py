"""The mirrored rows: read for look-ups, written by a reading and by what look-ups found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Row, and_, bindparam, case, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.clock import clock
from adapters.postgres.session import Session, rows_of
from adapters.postgres.tables import mirrored_rows as table
from oppsync.domain.master_data.rows import SHAPES, Customer, MasterKey, MasterKind, MasterRow, key_of
from oppsync.domain.values.identifiers import customer_code_key, national_number
from oppsync.domain.work.mirror import GoneRow, KindCount, MirrorChange, MirrorDifference, Stored
from oppsync.kernel import canonical_json
from oppsync.ports.master_data import Known

_WHOSE = (table.c.tenant_id, table.c.connection_id)
_KEY = (table.c.kind, table.c.company, table.c.code)
_IS_THERE = (table.c.gone_at.is_(None), table.c.missed_at.is_(None))
# What people search in, and a `like` would take for wild cards.
_WILD = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


class Whose(NamedTuple):
    tenant_id: str
    connection_id: str

    def where(self) -> Sequence[Any]:
        return table.c.tenant_id == self.tenant_id, table.c.connection_id == self.connection_id


def _of_keys(*columns: Any) -> Any:
    """These columns of the rows of the keys `wanted`, in one statement."""
    wanted = rows_of("wanted", _KEY)
    same = and_(*(column == wanted.c[column.name] for column in _KEY))
    return (
        select(*columns)
        .select_from(table.join(wanted, same))
        .where(table.c.tenant_id == bindparam("whose"), table.c.connection_id == bindparam("of"))
    )


def _keeping() -> Any:
    given = rows_of("given", [*_WHOSE, *_KEY, table.c.value, table.c.digest])
    statement = insert(table).from_select([each.name for each in given.c], select(*given.c))
    new = statement.excluded
    differs = or_(table.c.digest != new.digest, table.c.gone_at.is_not(None))
    return statement.on_conflict_do_update(
        index_elements=[each.name for each in (*_WHOSE, *_KEY)],
        set_={
            "value": new.value,
            "digest": new.digest,
            "seen_at": clock(),
            "changed_at": case((differs, clock()), else_=table.c.changed_at),
            "missed_at": null(),
            "gone_at": null(),
        },
    )


_FIND = _of_keys(table.c.kind, table.c.value, (clock() - table.c.seen_at).label("age")).where(*_IS_THERE)
_DIGESTS = _of_keys(*_KEY, table.c.digest, table.c.gone_at)
_KEEP = _keeping()


def to_row(kind: str, value: Any) -> MasterRow | None:
    """None for a row that another release wrote in a form that this one does not know: it is asked for."""
    try:
        return SHAPES[MasterKind(kind)].model_validate(value)
    except (ValueError, ValidationError):
        return None


class MirrorRows:
    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, whose: Whose, keys: Collection[MasterKey]) -> Mapping[MasterKey, Known]:
        if not keys:
            return {}
        found = self._session.execute(_FIND, _asked(whose, keys))
        return {key_of(known.row): known for known in _known(found)}

    def of_company(self, whose: Whose, kind: MasterKind, company: str) -> Sequence[Known]:
        query = select(table.c.kind, table.c.value, (clock() - table.c.seen_at).label("age")).where(
            *whose.where(), table.c.kind == kind, table.c.company == company, *_IS_THERE
        )
        return list(_known(self._session.execute(query)))

    def customers_like(
        self, whose: Whose, code: str | None, name: str | None, tax_id: str | None
    ) -> Sequence[Customer]:
        alike = []
        if code is not None:
            key = customer_code_key(code).translate(_WILD)
            alike += [table.c.code == code, table.c.code.ilike(f"%{key}%")]
        if name is not None:
            alike.append(func.lower(table.c.value["name"].astext) == name.lower())
        if number := national_number(tax_id or "").lstrip("0"):
            plain = func.regexp_replace(table.c.value["tax_ids"].astext, "[^0-9A-Za-z]", "", "g")
            alike.append(plain.ilike(f"%{number.translate(_WILD)}%"))
        query = select(table.c.kind, table.c.value).where(
            *whose.where(), table.c.kind == MasterKind.CUSTOMER, or_(*alike), *_IS_THERE
        )
        found = self._session.execute(query.order_by(table.c.code))
        rows = (to_row(row.kind, row.value) for row in found)
        return [row for row in rows if isinstance(row, Customer)]

    def keep(self, whose: Whose, rows: Collection[MasterRow]) -> None:
        """The first of each key, in the order of the keys: two that keep the same rows wait for each other."""
        first = _first_of_each(rows)
        given = [
            {**whose._asdict(), **key._asdict(), "value": _value(row), "digest": _digest(_value(row))}
            for key, row in sorted(first.items(), key=lambda each: each[0])
        ]
        if given:
            self._session.execute(_KEEP, {"given": given})

    def miss(self, whose: Whose, keys: Collection[MasterKey]) -> None:
        for key in keys:
            same = (table.c.kind == key.kind, table.c.company == key.company, table.c.code == key.code)
            missed = update(table).where(*whose.where(), *same, table.c.missed_at.is_(None))
            self._session.execute(missed.values(missed_at=clock()))

    def store(self, whose: Whose, rows: Collection[MasterRow], kind: MasterKind) -> Stored:
        """Keep a page of a reading, and say what differs from before."""
        given = _first_of_each(rows)
        before = {
            MasterKey(MasterKind(row.kind), row.company, row.code): row
            for row in self._session.execute(_DIGESTS, _asked(whose, given))
        }
        differences = []
        for key, row in given.items():
            known = before.get(key)
            if known is None or known.gone_at is not None:
                differences.append(_difference(key, row, MirrorChange.ADDED))
            elif known.digest != _digest(_value(row)):
                differences.append(_difference(key, row, MirrorChange.CHANGED))
        self.keep(whose, rows)
        added = sum(each.change is MirrorChange.ADDED for each in differences)
        count = KindCount(read=len(rows), added=added, changed=len(differences) - added)
        return Stored(count, differences)

    def end_unseen(self, whose: Whose, kind: MasterKind, since: Any) -> Stored:
        """The rows of this kind that were not seen `since` are gone."""
        unseen = update(table).where(
            *whose.where(), table.c.kind == kind, table.c.gone_at.is_(None), table.c.seen_at < since
        )
        ended = self._session.execute(unseen.values(gone_at=clock()).returning(*_KEY, table.c.value)).all()
        differences = [
            MirrorDifference(
                kind=kind,
                company=row.company,
                code=row.code,
                name=str(row.value.get("name") or ""),
                change=MirrorChange.ENDED,
            )
            for row in ended
        ]
        return Stored(KindCount(ended=len(ended)), differences)

    def gone(self, whose: Whose) -> Sequence[GoneRow]:
        query = select(table.c.kind, table.c.value, table.c.gone_at).where(
            *whose.where(), table.c.gone_at.is_not(None)
        )
        found = ((to_row(row.kind, row.value), row.gone_at) for row in self._session.execute(query))
        return [GoneRow(key_of(row), row, gone_at) for row, gone_at in found if row is not None]

    def list(self, whose: Whose, kind: MasterKind, search: str, limit: int) -> Sequence[MasterRow]:
        query = select(table.c.kind, table.c.value).where(
            *whose.where(), table.c.kind == kind, table.c.gone_at.is_(None)
        )
        if search:
            like = f"%{search.translate(_WILD)}%"
            query = query.where(or_(table.c.code.ilike(like), table.c.value["name"].astext.ilike(like)))
        ordered = query.order_by(table.c.company, table.c.code).limit(limit)
        rows = (to_row(row.kind, row.value) for row in self._session.execute(ordered))
        return [row for row in rows if row is not None]

    def codes(self, whose: Whose, kind: MasterKind) -> Collection[tuple[str, str]]:
        query = select(table.c.company, table.c.code).where(*whose.where(), table.c.kind == kind, *_IS_THERE)
        return {(row.company, row.code) for row in self._session.execute(query)}


def _first_of_each(rows: Iterable[MasterRow]) -> dict[MasterKey, MasterRow]:
    """Where two have one code, the first counts."""
    found: dict[MasterKey, MasterRow] = {}
    for row in rows:
        found.setdefault(key_of(row), row)
    return found


def _asked(whose: Whose, keys: Iterable[MasterKey]) -> dict[str, Any]:
    wanted = [key._asdict() for key in keys]
    return {"wanted": wanted, "whose": whose.tenant_id, "of": whose.connection_id}


def _known(found: Iterable[Row[Any]]) -> Iterable[Known]:
    for row in found:
        known = to_row(row.kind, row.value)
        if known is not None:
            yield Known(known, max(row.age, timedelta(0)))


def _value(row: MasterRow) -> dict[str, Any]:
    return row.model_dump(mode="json")


def _digest(value: dict[str, Any]) -> str:
    return canonical_json.digest(value)


def _difference(key: MasterKey, row: MasterRow, change: MirrorChange) -> MirrorDifference:
    return MirrorDifference(kind=key.kind, company=key.company, code=key.code, name=row.name, change=change)
