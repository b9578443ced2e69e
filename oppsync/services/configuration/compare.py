"""Compare rows with the configuration of now. Reads Postgres, writes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from oppsync.domain.approval.who_may import Action
from oppsync.domain.configuration.bundle import fingerprint, fingerprint_of
from oppsync.domain.configuration.differences import differences, needs_second_person
from oppsync.domain.configuration.versions import ConfigurationUse
from oppsync.domain.reading.open_deals import OpenDealEffects
from oppsync.domain.reading.untried import maps_among
from oppsync.ports.clock import Clock
from oppsync.ports.connectors import ConnectorCatalog
from oppsync.ports.storage.unit_of_work import UnitOfWorkFactory
from oppsync.ports.systems import Systems
from oppsync.services.admin.who_asks import admit
from oppsync.services.configuration.commands import CompareConfiguration, Comparison
from oppsync.services.configuration.erp_check import erp_check_in_words
from oppsync.services.configuration.map_check import map_notes
from oppsync.services.configuration.open_deals import OpenDeals
from oppsync.services.configuration.present import firm_here


@dataclass(frozen=True)
class CompareConfigurationHandler:
    uow: UnitOfWorkFactory
    systems: Systems
    clock: Clock
    catalog: ConnectorCatalog

    def __call__(self, command: CompareConfiguration) -> Comparison:
        tenant_id = command.tenant_id
        with self.uow.reading() as uow:
            admit(uow, tenant_id, command.actor, Action.VISIT_CONFIGURATION)
            book, firm = uow.references.book(tenant_id), uow.configurations.firm(tenant_id)
            here, found = firm_here(uow, tenant_id), fingerprint_of(book)
            before = ConfigurationUse(fingerprint=found, number=uow.configurations.number_of(tenant_id, found))
            erp_check = erp_check_in_words(uow, tenant_id, self.clock.now(), self.catalog)
            today = self.clock.now().date()
            notes = map_notes(uow, tenant_id, book.rows, command.rows, today)
            is_live = uow.configurations.live_since(tenant_id) is not None
            after = fingerprint(command.rows)
            backtest = uow.configurations.backtest_of(tenant_id, after)
        changes = differences(book.rows, command.rows)
        open_deals = OpenDeals(self.uow, self.systems, self.clock)
        maps = maps_among((each.kind, each.key) for each in changes)
        effects = open_deals.effects_of(tenant_id, command.rows, maps) if changes else OpenDealEffects()
        return Comparison(
            before=before,
            firm_before=firm,
            after=after,
            firm_after=command.firm,
            firm_here=here,
            differences=changes,
            needs_second_person=needs_second_person(changes, is_live=is_live),
            open_deals=effects,
            erp_check=erp_check,
            backtest=backtest,
            notes=notes,
        )
