"""The files of a configuration bundle: one for each governed kind of reference data, with the names of the
parts of its keys.

People write `entity` and `service_line`; the store's key of both, `ACME-DE|ADV`, is made here and nowhere else.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from oppsync.domain.reference.book import ReferenceKind, reference_key

# Names the format and the firm.
MANIFEST = "oppsync.yaml"
FORMAT = 1
VALID_FROM, VALID_TO = "valid_from", "valid_to"


class Form(StrEnum):
    YAML = "yaml"
    CSV = "csv"


class BundleFile(NamedTuple):
    """`parts` are those of the key. The `optional` part may be left out: the row then holds for every value of
    it. `key_is_code`: the only part may be left out where it is the same as the row's code. `may_be_any`: the
    parts in which `*` stands for every other value."""

    name: str
    parts: tuple[str, ...]
    optional: str | None = None
    key_is_code: bool = False
    may_be_any: tuple[str, ...] = ()

    @property
    def form(self) -> Form:
        return Form(self.name.rpartition(".")[2])

    def parts_of(self, key: str) -> dict[str, str] | None:
        """The parts of a stored key by name; None for a key that no look-up would make."""
        values = key.split("|") if len(self.parts) > 1 else [key]
        names = self.parts
        if len(values) == len(names) - 1:
            names = tuple(name for name in names if name != self.optional)
        if len(values) != len(names) or not all(value.strip() for value in values):
            return None
        return {name: value.strip() for name, value in zip(names, values, strict=True)}

    def key_of(self, parts: dict[str, str]) -> str:
        return reference_key(*(parts[name] for name in self.parts if name in parts))


_ENTITY = ("entity",)
_FILES: dict[ReferenceKind, BundleFile] = {
    ReferenceKind.LEGAL_ENTITY: BundleFile("legal_entities.yaml", ("crm_name",), key_is_code=True),
    ReferenceKind.SERVICE_LINE: BundleFile("service_lines.csv", ("crm_name",), key_is_code=True),
    ReferenceKind.COST_CENTRE: BundleFile("cost_centres.csv", ("entity", "service_line")),
    ReferenceKind.PROJECT_TEMPLATE: BundleFile(
        "project_templates.yaml", ("service_line", "region", "billing_model")
    ),
    ReferenceKind.RATE_CARD: BundleFile("rates.csv", ("customer", "region", "role", "currency"), "customer"),
    ReferenceKind.TAX_TREATMENT: BundleFile("tax_treatments.csv", ("entity", "customer_country")),
    ReferenceKind.DELIVERY_MODEL: BundleFile("delivery_models.csv", ("crm_name",), key_is_code=True),
    ReferenceKind.REGION: BundleFile("regions.yaml", ("crm_name",), key_is_code=True),
    ReferenceKind.SPLIT_RULE: BundleFile("split_rules.yaml", ("rule",), key_is_code=True),
    ReferenceKind.TRANSFER_PRICE: BundleFile("transfer_prices.csv", ("selling_entity", "delivering_entity")),
    ReferenceKind.COST_RATE: BundleFile("cost_rates.csv", ("region", "role", "currency"), may_be_any=("role",)),
    ReferenceKind.MARGIN_POLICY: BundleFile(
        "margin_floors.csv", ("entity", "service_line"), "service_line", may_be_any=("entity",)
    ),
    ReferenceKind.APPROVAL_RULE: BundleFile("approval_rules.yaml", ("name",)),
    ReferenceKind.APPROVAL_ROLE: BundleFile("approval_roles.yaml", ("code",)),
    ReferenceKind.APPROVAL_STEP: BundleFile("approvals.yaml", ("code",)),
    ReferenceKind.TAX_REGIME: BundleFile("tax_regimes.csv", _ENTITY),
    ReferenceKind.TAX_NEXUS: BundleFile("tax_nexus.yaml", ("entity", "state")),
    ReferenceKind.TAX_EXEMPTION: BundleFile("tax_exemptions.csv", ("entity", "customer")),
    ReferenceKind.WITHHOLDING: BundleFile("withholding.csv", ("entity_country", "customer_country")),
    ReferenceKind.EXCHANGE_RATE: BundleFile("exchange_rates.csv", ("from_currency", "to_currency")),
    ReferenceKind.EXCEPTION_OWNER: BundleFile(
        "exception_owners.csv", ("code", "entity", "region"), may_be_any=("entity", "region")
    ),
    ReferenceKind.SLA_TARGET: BundleFile(
        "sla_targets.csv", ("measure", "region", "service_line"), may_be_any=("region", "service_line")
    ),
    ReferenceKind.RULE: BundleFile("rules.yaml", ("name", "overlay"), "overlay"),
    ReferenceKind.CALENDAR: BundleFile("calendars.yaml", ("calendar",), key_is_code=True),
    ReferenceKind.ROUTE: BundleFile(
        "routes.csv",
        ("role", "entity", "region", "service_line"),
        may_be_any=("entity", "region", "service_line"),
    ),
    ReferenceKind.CONNECTION_MAP: BundleFile("connection_maps.yaml", ("connection",)),
}
# Links of accounts to customers belong to the installation: they are made while deals are worked.
UNGOVERNED = frozenset({ReferenceKind.CUSTOMER_LINK})
FILES = {kind: _FILES[kind] for kind in ReferenceKind if kind not in UNGOVERNED}
KIND_OF_FILE = {file.name: kind for kind, file in FILES.items()}


def key_in_words(kind: ReferenceKind, key: str) -> str:
    """Such as `entity ACME-DE, service line ADV`."""
    parts = FILES[kind].parts_of(key)
    if parts is None:
        return key
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in parts.items())
