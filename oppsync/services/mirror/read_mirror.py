"""Read an ERP's master data into the mirror, page by page, and say what ended while something still names it.

Each step reads one page under a lease of the connection's mirror, and is committed by itself. Rows end only
when all pages of their kind were read; a reading that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from oppsync.domain.approval.who_may import Action
from oppsync.domain.master_data.rows import KINDS_IN_WORDS, MasterKind
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.events import MirrorAsked
from oppsync.domain.work.mirror import MirrorLease
from oppsync.kernel.crash_points import crash_point
from oppsync.kernel.errors import (
    BusinessError,
    Conflict,
    HeldBack,
    InvalidInput,
    StoreUnavailable,
    TransientError,
    VendorUnavailable,
)
from oppsync.pipeline.retry import backoff
from oppsync.ports.clock import Clock
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.master_data import MasterData
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.connections import of_tenant
from oppsync.services.admin.who_asks import admit
from oppsync.services.mirror.commands import AskForMirror, ReadMirror, Step
from oppsync.services.mirror.ended_in_use import tell_ended_in_use

# A connection that a person has to mend is tried again after this; one that gives none is looked at again.
AFTER_A_MISTAKE = timedelta(minutes=5)
WITHOUT_MASTER_DATA = timedelta(hours=1)
BRIEFLY = timedelta(seconds=1)


@dataclass(frozen=True)
class ReadMirrorHandler:
    """`holder` names this process. No transaction is open while the ERP is asked."""

    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems
    clock: Clock
    catalog: ConnectorCatalog
    holder: str

    def __call__(self, command: ReadMirror) -> Step:
        with self.uow() as uow:
            lease = uow.mirror.take(self.holder, command.connection_id)
            uow.commit()
        if lease is None:
            return Step.IDLE
        crash_point("mirror.taken", lease.connection_id)
        try:
            source = self.systems.master_data(lease.connection_id)
            if source is None:
                self._postpone(lease, WITHOUT_MASTER_DATA, None)
                return Step.DONE
            return self._read(source.kinds, source.data, lease)
        except StoreUnavailable:
            raise
        except HeldBack as error:  # no call was made, so nothing went wrong
            self._postpone(lease, error.retry_after or BRIEFLY, None)
        except TransientError as error:
            self._postpone(lease, backoff(lease.tries, error, random.random()), error.message)  # noqa: S311
        except BusinessError as error:
            self._postpone(lease, AFTER_A_MISTAKE, error.message)
        return Step.FAILED

    def _read(self, offered: Sequence[MasterKind], source: MasterData, lease: MirrorLease) -> Step:
        if lease.run_id is None:
            wanted = [kind for kind in MasterKind if kind in (lease.asked_kinds or offered) and kind in offered]
            with self.uow() as uow:
                begun = uow.mirror.begin(lease, wanted)
                uow.commit()
            if begun is None:
                return Step.IDLE
            lease = begun
        kinds = lease.kinds
        if kinds:
            page = source.master_page(kinds[0], lease.after)
            if page.after is not None and page.after == lease.after:
                raise VendorUnavailable("The ERP answered with a page that was read before: it would never end")
            is_last = page.after is None and len(kinds) == 1
            with self.uow() as uow:
                if uow.mirror.store(lease, page.rows, page.after) is None:
                    return Step.IDLE
                if not is_last:
                    uow.mirror.give_back(lease)
                uow.commit()
            crash_point("mirror.stored", lease.connection_id)
            if not is_last:
                return Step.MORE
        return self._finish(source, lease)

    def _finish(self, source: MasterData, lease: MirrorLease) -> Step:
        crash_point("mirror.read", lease.connection_id)
        with self.uow() as uow:
            if not uow.mirror.finish(lease, source.mirror_every):
                return Step.IDLE
            today = self.clock.now().date()
            tell_ended_in_use(
                uow, self.publish, lease.tenant_id, lease.connection_id, today, catalog=self.catalog
            )
            uow.commit()
        return Step.DONE

    def _postpone(self, lease: MirrorLease, pause: timedelta, error: str | None) -> None:
        with self.uow() as uow:
            uow.mirror.postpone(lease, pause, error)
            uow.commit()


@dataclass(frozen=True)
class AskForMirrorHandler:
    uow: UnitOfWorkFactory
    publish: Publish
    systems: Systems

    def __call__(self, command: AskForMirror) -> bool:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.MIRROR)
            found = of_tenant(uow, command.tenant_id, command.connection_id)
            self._check(found, command.kinds)
            begins = uow.mirror.ask(found.tenant_id, found.id, actor, command.kinds)
            what = ", ".join(KINDS_IN_WORDS[kind][1] for kind in command.kinds) or "all master data"
            event = MirrorAsked(
                opportunity_id=None,
                actor=actor,
                detail={"connection": found.id, "kinds": list(command.kinds)},
                summary=f"Asked for {what} of {found.name} to be read",
            )
            self.publish(uow, found.tenant_id, new_traceparent(), event)
            uow.commit()
        return begins

    def _check(self, connection: Connection, kinds: Sequence[MasterKind]) -> None:
        source = self.systems.master_data(connection.id) if connection.role is ConnectionRole.ERP else None
        if source is None:
            raise InvalidInput(f"{connection.name} gives no master data.", field="connection")
        if unknown := [kind for kind in kinds if kind not in source.kinds]:
            raise InvalidInput(f"{connection.name} does not give {', '.join(unknown)}.", field="kind")
        if connection.paused_at is not None:
            raise Conflict(f"{connection.name} is paused: nothing is called there. Resume it first.")
