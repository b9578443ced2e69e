"""The name of a connection, by which rows of the configuration find it."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.configuration.connection_names import Called, leads_to, renamed
from oppsync.domain.configuration.erp_names import still_holds
from oppsync.domain.configuration.files import FILES, key_in_words
from oppsync.domain.configuration.installation import unrouted
from oppsync.domain.policy.route import RoutedRole
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.work.connections import Connection
from oppsync.kernel.errors import Conflict
from oppsync.ports.clock import Clock
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWork
from oppsync.services.configuration.apply import Wanted, begin, write
from oppsync.services.configuration.here import ROLES, connected

_MOST_NAMED = 3


@dataclass(frozen=True)
class ConnectionNames:
    """Implements `oppsync.services.admin.connections.RowsThatName`."""

    publish: Publish
    clock: Clock

    def follow(self, uow: UnitOfWork, actor: str, before: Connection, new: Connection) -> None:
        """As a version of its own: the rows mean the same system as before, so that no second person is needed.
        Those of past days follow too, since deals won then may still be planned."""
        others = (each for each in uow.connections.of_tenant(new.tenant_id) if each.id != new.id)
        if any((each.role, each.name) == (before.role, before.name) for each in others):
            return  # an earlier release let two have one name: the rows mean the other one from now on
        found = begin(uow, new.tenant_id)
        rows = renamed(found.rows, _called(before), new.name)
        if rows != list(found.rows):
            note = f"{before.name} is connected as {new.name}"
            wanted = Wanted(found.firm, rows, actor, note=note, only_names=True)
            write(uow, self.publish, new.tenant_id, found, wanted)
            # Who changed what it maps is barred from its deals under the new name too.
            uow.configurations.carry_changes(new.tenant_id, ReferenceKind.CONNECTION_MAP, before.name, new.name)

    def refuse_to_stop(self, uow: UnitOfWork, new: Connection) -> None:
        if uow.configurations.live_since(new.tenant_id) is None:
            return
        role, here = _routed(new), connected(uow, new.tenant_id, self.clock.now().date())
        if role is None or len(here.names[role]) != 1:
            return  # the first, or one more of those that stop new deals already
        if role in unrouted(here.with_one_more(role, new.name)):
            (only,) = here.names[role]
            raise Conflict(
                f"{only} would not be the only {role.upper()} any more, and no row of routes.csv says which of "
                f"the two a deal goes to: every new deal would stop. First have a row such as {role},*,*,* "
                f"lead to {only}, which two people agree to; or confirm it, and new deals stop until then.",
                code="WOULD_STOP_DEALS",
            )

    def refuse_removal(self, uow: UnitOfWork, connection: Connection) -> None:
        today = self.clock.now().date()
        found = begin(uow, connection.tenant_id).rows
        rows = [row for row in found if leads_to(row, _called(connection)) and still_holds(row, today)]
        if not rows:
            return
        some = [f"{FILES[row.kind].name}: {key_in_words(row.kind, row.key)}" for row in rows[:_MOST_NAMED]]
        more = f"; and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
        raise Conflict(
            f"Rows of the configuration lead deals to {connection.name}: {'; '.join(some)}{more}. Change or "
            "end them first; until then it can be paused.",
            code="CONNECTION_IN_USE",
        )


def _called(connection: Connection) -> Called:
    return Called(_routed(connection), connection.vendor, connection.name)


def _routed(connection: Connection) -> RoutedRole | None:
    return next((role for role, of in ROLES.items() if of is connection.role), None)
