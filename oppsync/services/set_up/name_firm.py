"""Name the firm of this installation, and say where it is."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import available_timezones

from oppsync.domain.approval.who_may import Action
from oppsync.domain.values.identifiers import invisible_in_name
from oppsync.domain.values.trace import new_traceparent
from oppsync.domain.work.events import FirmNamed
from oppsync.domain.work.tenants import LONGEST_FIRM_NAME, Tenant
from oppsync.kernel.errors import InvalidInput
from oppsync.ports.storage.unit_of_work import Publish, UnitOfWorkFactory
from oppsync.services.admin.people import refuse_invisible
from oppsync.services.admin.who_asks import admit
from oppsync.services.set_up.commands import NameFirm


@dataclass(frozen=True)
class NameFirmHandler:
    uow: UnitOfWorkFactory
    publish: Publish

    def __call__(self, command: NameFirm) -> None:
        with self.uow() as uow:
            actor = admit(uow, command.tenant_id, command.actor, Action.NAME_FIRM)
            name, zone = command.name.strip(), command.time_zone.strip()
            if not name:
                raise InvalidInput("Give the firm its name.", field="name")
            if len(name) > LONGEST_FIRM_NAME:
                raise InvalidInput(f"A name has at most {LONGEST_FIRM_NAME} characters.", field="name")
            refuse_invisible("name", invisible_in_name(name))
            if zone not in available_timezones():
                raise InvalidInput(
                    f"{zone!r} is no time zone: use a name of the IANA list, such as Europe/Berlin.",
                    field="time_zone",
                )
            before = uow.tenants.lock(command.tenant_id)
            if (before.name, before.time_zone) == (name, zone):
                return
            uow.tenants.rename(command.tenant_id, name, zone)
            event = FirmNamed(
                opportunity_id=None,
                actor=actor,
                before=_named(before),
                after={"name": name, "time_zone": zone},
                summary=f"The firm is {name}, in {zone}",
            )
            self.publish(uow, command.tenant_id, new_traceparent(), event)
            uow.commit()


def _named(tenant: Tenant) -> dict[str, object]:
    return {"name": tenant.name, "time_zone": tenant.time_zone}
