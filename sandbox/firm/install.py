"""Install the demo firm: its connections, people and configuration. Harmless to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.bootstrap import Application
from adapters.connectors.traffic.limits import SETTING
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.actor import COMMAND_LINE
from oppsync.domain.values.model import changed
from oppsync.domain.values.roles import PersonRole
from oppsync.domain.work.connections import Connection, ConnectionRole
from oppsync.domain.work.webhook_secrets import WEBHOOK_SECRETS
from oppsync.kernel.errors import Conflict
from oppsync.services.admin.commands import CreatePerson, SetConnection
from oppsync.services.configuration.commands import ApplyConfiguration
from sandbox.firm.demo_firm import CUSTOMER_LINKS, bundle

CRM_CONNECTION = "salesforce-demo"
ERP_CONNECTION = "tryton-demo"
PSA_CONNECTION = "kantata-demo"
_MAPS: Mapping[str, Mapping[str, object]] = {
    CRM_CONNECTION: {"billing_terms": True, "contract_terms": True, "owner_history": True},
    ERP_CONNECTION: {},
    PSA_CONNECTION: {"roles": {"Senior Consultant": 1, "Consultant": 2}},
}


@dataclass(frozen=True)
class DemoSystems:
    """The addresses of the demo's outside systems and their credentials; all on this machine, made for the
    demo."""

    salesforce_url: str
    salesforce_client_id: str
    salesforce_client_secret: str
    webhook_secret: str
    tryton_url: str
    tryton_database: str
    tryton_rest_key: str
    kantata_url: str
    kantata_token: str


@dataclass(frozen=True)
class DemoPerson:
    email: str
    name: str
    roles: frozenset[PersonRole]


PEOPLE = (
    DemoPerson("fiona.finance@example.com", "Fiona Finance", frozenset({PersonRole.FINANCE_APPROVER})),
    DemoPerson("dario.delivery@example.com", "Dario Delivery", frozenset({PersonRole.DELIVERY_APPROVER})),
    DemoPerson(
        "olga.operations@example.com",
        "Olga Operations",
        frozenset({PersonRole.OPERATIONS, PersonRole.INTEGRATION_ADMIN}),
    ),
    # Sells, and may approve for finance, but never a deal of his own.
    DemoPerson("sam.seller@example.com", "Sam Seller", frozenset({PersonRole.FINANCE_APPROVER})),
)


def install(application: Application, systems: DemoSystems, passwords: Mapping[str, str]) -> None:
    """`passwords`: e-mail -> password of people who do not exist yet."""
    with application.uow() as uow:
        known = uow.configurations.rows(application.tenant_id)
        for row in CUSTOMER_LINKS:
            uow.references.put(application.tenant_id, row)
        uow.commit()
    is_new = not known
    has_maps = is_new or any(row.kind is ReferenceKind.CONNECTION_MAP for row in known)
    for connection, secrets in _connections(application.tenant_id, systems):
        # A home that an earlier release began has a configuration without them.
        own = (
            connection
            if has_maps
            else changed(connection, settings=connection.settings | dict(_MAPS[connection.id]))
        )
        application.dispatch(SetConnection(application.tenant_id, COMMAND_LINE, own, secrets))
    if is_new:  # what people changed since stays
        firm, rows = bundle()
        command = ApplyConfiguration(
            application.tenant_id, COMMAND_LINE, firm, rows, note="The demo firm begins."
        )
        application.dispatch(command)
    for person in PEOPLE:
        try:
            application.dispatch(
                CreatePerson(
                    application.tenant_id,
                    COMMAND_LINE,
                    person.email,
                    person.name,
                    passwords[person.email],
                    person.roles,
                )
            )
        except Conflict:
            continue


def _connections(tenant_id: str, systems: DemoSystems) -> list[tuple[Connection, dict[str, object]]]:
    crm = Connection(
        tenant_id=tenant_id,
        id=CRM_CONNECTION,
        role=ConnectionRole.CRM,
        vendor="salesforce",
        name="Salesforce (stand-in)",
        settings={"base_url": systems.salesforce_url},
        signature_scheme="standard_webhooks",
    )
    erp = Connection(
        tenant_id=tenant_id,
        id=ERP_CONNECTION,
        role=ConnectionRole.ERP,
        vendor="tryton",
        name="Tryton",
        settings={
            "base_url": systems.tryton_url,
            "database": systems.tryton_database,
            # Its books are a SQLite file, which allows one writer.
            SETTING: {"calls_at_once": 1},
        },
    )
    psa = Connection(
        tenant_id=tenant_id,
        id=PSA_CONNECTION,
        role=ConnectionRole.PSA,
        vendor="kantata",
        name="Kantata (stand-in)",
        settings={"base_url": systems.kantata_url},
    )
    return [
        (
            crm,
            {
                "client_id": systems.salesforce_client_id,
                "client_secret": systems.salesforce_client_secret,
                WEBHOOK_SECRETS: [systems.webhook_secret],
            },
        ),
        (erp, {"rest_key": systems.tryton_rest_key}),
        (psa, {"token": systems.kantata_token}),
    ]
