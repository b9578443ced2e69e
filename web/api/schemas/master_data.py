"""Master data of the ERP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.values.model import Frozen, Text
from oppsync.domain.work.mirror import MirrorRun


class MasterKindState(Frozen):
    """`seen_at`: since when all rows of the kind are as old at most."""

    kind: MasterKind
    rows: int
    ended: int
    seen_at: AwareDatetime | None = None


class NamingDealView(Frozen):
    id: UUID
    name: str


class EndedInUseView(Frozen):
    """Something that the ERP does not have, with the open deals and the rows of the configuration that name it.
    `gone_at`: null for what no reading found there."""

    kind: MasterKind
    company: str
    code: str
    name: str
    gone_at: AwareDatetime | None = None
    deals: tuple[NamingDealView, ...]
    rows: tuple[str, ...]


class MasterDataView(Frozen):
    """`error`: why the last try to read failed. `runs`: newest first; each keeps the first 50 differences of a
    kind."""

    kinds: tuple[MasterKindState, ...]
    is_running: bool
    due_at: AwareDatetime | None = None
    error: str | None = None
    runs: tuple[MirrorRun, ...]
    ended_in_use: tuple[EndedInUseView, ...]


class MasterRowView(Frozen):
    """`record`: the ERP's own id."""

    company: str
    code: str
    name: str
    record: str


class MasterRows(Frozen):
    rows: tuple[MasterRowView, ...]


class MasterRowsQuery(Frozen):
    """`search`: only rows whose code or name contains it."""

    search: Text = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class MasterDataRequest(Frozen):
    """No kinds: all."""

    kinds: tuple[MasterKind, ...] = ()


class MasterDataAsked(Frozen):
    """`begins`: false where a reading is under way, after which it is read again."""

    begins: bool
