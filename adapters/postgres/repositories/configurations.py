"""The configuration's versions and proposals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, and_, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH, insert
from uuid_utils.compat import uuid7

from adapters.postgres.clock import clock
from adapters.postgres.rows import document, pick
from adapters.postgres.session import Session
from adapters.postgres.tables import (
    backtests,
    configuration_proposals,
    configuration_versions,
    reference_rows,
    tenants,
)
from oppsync.domain.configuration.bundle import content
from oppsync.domain.configuration.files import UNGOVERNED
from oppsync.domain.configuration.versions import ConfigurationVersion, Proposal, ProposalStatus
from oppsync.domain.reading.backtest import Backtest
from oppsync.domain.reference.book import ReferenceKind, ReferenceRow
from oppsync.kernel import canonical_json
from oppsync.kernel.errors import NotFound
from oppsync.ports.storage.configuration import NewProposal, NewVersion, RowChange

_LARGEST_NUMBER = 2**31 - 1  # that the column can hold: a larger one cannot even be looked for


# All of them at once, whose counters the rows of now have.
_KEEP_CHANGES = text("""
insert into configuration_changes (tenant_id, number, kind, key, valid_from, version, fields)
select r.tenant_id, :of_number, r.kind, r.key, r.valid_from, r.version, c.fields
from reference_rows r
join jsonb_to_recordset(cast(:changed as jsonb)) as c(kind text, key text, valid_from date, fields text[])
    using (kind, key, valid_from)
where r.tenant_id = :of_tenant
""")
# A row that is there under both keys has not moved.
_CARRY_CHANGES = text("""
insert into configuration_changes (tenant_id, number, kind, key, valid_from, version, fields)
select c.tenant_id, c.number, c.kind, r.key, c.valid_from, r.version, c.fields
from configuration_changes c
join reference_rows r
    on (r.tenant_id, r.kind, r.key, r.valid_from) = (c.tenant_id, c.kind, :new_key, c.valid_from)
where c.tenant_id = :of_tenant and c.kind = :of_kind and c.key = :of_key and not exists (
    select from reference_rows o
    where (o.tenant_id, o.kind, o.key, o.valid_from) = (c.tenant_id, c.kind, c.key, c.valid_from)
)
on conflict do nothing
""")


def _but_rows(table: Table) -> Any:
    """Without the rows, which may be many."""
    return select(*(column for column in table.c if column.name != "rows"))


def _is_version(tenant_id: str, number: int) -> Any:
    """Raises NotFound for a number that no version could have."""
    if not 0 < number <= _LARGEST_NUMBER:
        raise NotFound(_unknown(number))
    return and_(configuration_versions.c.tenant_id == tenant_id, configuration_versions.c.number == number)


def _unknown(number: int) -> str:
    return f"There is no version {number} of the configuration."


class PostgresConfigurations:
    def __init__(self, session: Session) -> None:
        self._session = session

    def lock(self, tenant_id: str) -> None:
        # A lock that leaves alone those who only refer to the tenant.
        head = select(tenants.c.id).where(tenants.c.id == tenant_id).with_for_update(key_share=True)
        self._session.execute(head)

    def rows(self, tenant_id: str) -> Sequence[ReferenceRow]:
        query = select(reference_rows).where(
            reference_rows.c.tenant_id == tenant_id, reference_rows.c.kind.not_in(UNGOVERNED)
        )
        found = self._session.execute(query).mappings()
        return [document(ReferenceRow, pick(row, ReferenceRow)) for row in found]

    def firm(self, tenant_id: str, number: int | None = None) -> str:
        if number is not None:
            query = select(configuration_versions.c.firm).where(_is_version(tenant_id, number))
            found = self._session.execute(query).scalar_one_or_none()
            if found is None:
                raise NotFound(_unknown(number))
            return str(found)
        latest = self.latest(tenant_id)
        if latest is not None:
            return latest.firm
        name = select(tenants.c.name).where(tenants.c.id == tenant_id)
        return str(self._session.execute(name).scalar_one())

    def live_since(self, tenant_id: str) -> datetime | None:
        query = select(tenants.c.went_live_at).where(tenants.c.id == tenant_id)
        since: datetime | None = self._session.execute(query).scalar_one()
        return since

    def versions(self, tenant_id: str) -> Sequence[ConfigurationVersion]:
        query = _but_rows(configuration_versions).where(configuration_versions.c.tenant_id == tenant_id)
        found = self._session.execute(query.order_by(configuration_versions.c.number.desc())).mappings()
        return [ConfigurationVersion.model_validate(pick(row, ConfigurationVersion)) for row in found]

    def latest(self, tenant_id: str) -> ConfigurationVersion | None:
        query = _but_rows(configuration_versions).where(configuration_versions.c.tenant_id == tenant_id)
        newest = query.order_by(configuration_versions.c.number.desc()).limit(1)
        row = self._session.execute(newest).mappings().one_or_none()
        return ConfigurationVersion.model_validate(pick(row, ConfigurationVersion)) if row else None

    def number_of(self, tenant_id: str, fingerprint: str) -> int | None:
        query = select(func.max(configuration_versions.c.number)).where(
            configuration_versions.c.tenant_id == tenant_id,
            configuration_versions.c.fingerprint == fingerprint,
        )
        number: int | None = self._session.execute(query).scalar_one()
        return number

    def rows_of(self, tenant_id: str, number: int) -> Sequence[ReferenceRow]:
        query = select(configuration_versions.c.rows).where(_is_version(tenant_id, number))
        return self._rows(query, _unknown(number))

    def _rows(self, query: Any, unknown: str) -> Sequence[ReferenceRow]:
        found = self._session.execute(query).scalar_one_or_none()
        if found is None:
            raise NotFound(unknown)
        return [document(ReferenceRow, row) for row in found]

    def of_key(
        self, tenant_id: str, kind: ReferenceKind, key: str
    ) -> Sequence[tuple[ConfigurationVersion, Sequence[ReferenceRow]]]:
        path = cast("$[*] ? (@.kind == $kind && @.key == $key)", JSONPATH)
        named = cast({"kind": kind.value, "key": key}, JSONB)
        rows = func.jsonb_path_query_array(configuration_versions.c.rows, path, named).label("of_key")
        query = _but_rows(configuration_versions).add_columns(rows)
        query = query.where(configuration_versions.c.tenant_id == tenant_id)
        found = self._session.execute(query.order_by(configuration_versions.c.number)).mappings()
        return [
            (
                ConfigurationVersion.model_validate(pick(row, ConfigurationVersion)),
                [document(ReferenceRow, each) for each in row["of_key"]],
            )
            for row in found
        ]

    def add(self, tenant_id: str, version: NewVersion) -> int:
        newest = select(func.coalesce(func.max(configuration_versions.c.number), 0) + 1).where(
            configuration_versions.c.tenant_id == tenant_id
        )
        values = {**version._asdict(), "rows": [content(row) for row in version.rows]}
        statement = insert(configuration_versions).values(
            tenant_id=tenant_id, number=newest.scalar_subquery(), made_at=clock(), **values
        )
        number: int = self._session.execute(statement.returning(configuration_versions.c.number)).scalar_one()
        return number

    def keep_changes(self, tenant_id: str, number: int, rows: Iterable[RowChange]) -> None:
        at = [{**each._asdict(), "valid_from": each.valid_from.isoformat()} for each in rows]
        if at:
            which = {"of_tenant": tenant_id, "of_number": number, "changed": canonical_json.dumps(at)}
            self._session.execute(_KEEP_CHANGES, which)

    def carry_changes(self, tenant_id: str, kind: ReferenceKind, key: str, new_key: str) -> None:
        which = {"of_tenant": tenant_id, "of_kind": kind, "of_key": key, "new_key": new_key}
        self._session.execute(_CARRY_CHANGES, which)

    def propose(self, tenant_id: str, proposal: NewProposal) -> UUID:
        proposal_id = uuid7()
        values = {**proposal._asdict(), "rows": [content(row) for row in proposal.rows]}
        statement = insert(configuration_proposals).values(
            tenant_id=tenant_id, id=proposal_id, proposed_at=clock(), **values
        )
        self._session.execute(statement)
        return proposal_id

    def proposal(self, tenant_id: str, proposal_id: UUID) -> Proposal:
        query = _but_rows(configuration_proposals).where(*_is(tenant_id, proposal_id))
        row = self._session.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such proposal.")
        return Proposal.model_validate(pick(row, Proposal))

    def proposed_rows(self, tenant_id: str, proposal_id: UUID) -> Sequence[ReferenceRow]:
        query = select(configuration_proposals.c.rows).where(*_is(tenant_id, proposal_id))
        return self._rows(query, "There is no such proposal.")

    def open_proposals(self, tenant_id: str) -> Sequence[Proposal]:
        query = (
            _but_rows(configuration_proposals)
            .where(
                configuration_proposals.c.tenant_id == tenant_id,
                configuration_proposals.c.status == ProposalStatus.OPEN,
            )
            .order_by(configuration_proposals.c.proposed_at, configuration_proposals.c.id)
        )
        found = self._session.execute(query).mappings()
        return [Proposal.model_validate(pick(row, Proposal)) for row in found]

    def keep_backtest(self, tenant_id: str, backtest: Backtest) -> None:
        values = {
            "tenant_id": tenant_id,
            "fingerprint": backtest.after,
            "made_at": backtest.made_at,
            "content": backtest.model_dump(mode="json"),
        }
        statement = insert(backtests).values(values)
        latest = {name: statement.excluded[name] for name in ("made_at", "content")}
        self._session.execute(
            statement.on_conflict_do_update(index_elements=["tenant_id", "fingerprint"], set_=latest)
        )

    def backtest_of(self, tenant_id: str, fingerprint: str) -> Backtest | None:
        query = select(backtests.c.content).where(
            backtests.c.tenant_id == tenant_id, backtests.c.fingerprint == fingerprint
        )
        found = self._session.execute(query).scalar_one_or_none()
        return document(Backtest, found) if found else None

    def decide(
        self, tenant_id: str, proposal_id: UUID, status: ProposalStatus, decided_by: UUID, comment: str
    ) -> None:
        self._session.execute(
            update(configuration_proposals)
            .where(*_is(tenant_id, proposal_id))
            .values(status=status, decided_by=decided_by, decided_at=clock(), comment=comment)
        )


def _is(tenant_id: str, proposal_id: UUID) -> tuple[Any, ...]:
    return (configuration_proposals.c.tenant_id == tenant_id, configuration_proposals.c.id == proposal_id)
