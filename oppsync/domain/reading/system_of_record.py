"""Which system owns each field: the one table. What it says of deals and customers stands in
`oppsync.domain.deal.owned_fields`, the rest here, and nothing of it anywhere else.

An override changes a plan and not the field. What a row only names (the ERP's cost centre, say) belongs to the
system that has it, under the name that stands there.
"""

from __future__ import annotations

from collections.abc import Mapping

from oppsync.domain.catalog import CATALOG
from oppsync.domain.configuration.files import FILES, VALID_FROM, VALID_TO
from oppsync.domain.deal.owned_fields import (
    CONFIGURATION,
    CRM,
    DEAL_GROUPS,
    ERP,
    OPPSYNC,
    Group,
    SystemOfRecord,
    who_owns,
)
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.domain.plan.orders import WriteBack
from oppsync.domain.plan.overrides import OverrideField
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.model import Code, Frozen, Text


class FieldOwner(Frozen):
    """`group`: what the field is a part of. `names`: the system of the record that its value names, where it
    is another's."""

    group: Text
    field: Code
    owner: SystemOfRecord
    names: SystemOfRecord | None = None


_WRITTEN_GROUPS = (
    Group(
        "Write-back in the CRM and the PSA", WriteBack, OPPSYNC, but={"project_number": ERP, "project_url": ERP}
    ),
    Group(
        "Project, task or invoice",
        ExternalRecord,
        ERP,
        but={"differences": OPPSYNC, "revisable": OPPSYNC},
    ),
)
# What rows name of other systems. Names and codes of the CRM are what rows are found by.
_ROWS_NAME: Mapping[ReferenceKind, Mapping[str, SystemOfRecord]] = {
    ReferenceKind.LEGAL_ENTITY: {"crm_name": CRM, "erp_company": ERP},
    ReferenceKind.SERVICE_LINE: {"crm_name": CRM},
    ReferenceKind.DELIVERY_MODEL: {"crm_name": CRM},
    ReferenceKind.REGION: {"crm_name": CRM},
    ReferenceKind.COST_CENTRE: {"code": ERP},
    ReferenceKind.RATE_CARD: {"customer": ERP},
    ReferenceKind.TAX_TREATMENT: {"code": ERP},
    ReferenceKind.TAX_REGIME: dict.fromkeys(
        ("standard_code", "reverse_charge_code", "outside_scope_code", "exempt_code", "not_taxable_code"), ERP
    ),
    ReferenceKind.TAX_NEXUS: {"code": ERP},
    ReferenceKind.TAX_EXEMPTION: {"customer": ERP},
}
GROUPS = (
    *DEAL_GROUPS,
    *_WRITTEN_GROUPS,
    *(
        Group(
            file.name,
            CATALOG[kind].shape,
            CONFIGURATION,
            names=_ROWS_NAME.get(kind, {}),
            besides=(*file.parts, VALID_FROM, VALID_TO),
        )
        for kind, file in FILES.items()
    ),
)


def systems_of_record() -> tuple[FieldOwner, ...]:
    return tuple(
        FieldOwner(
            group=group.title, field=name, owner=group.but.get(name, group.owner), names=group.names.get(name)
        )
        for group in GROUPS
        for name in dict.fromkeys((*group.besides, *group.shape.model_fields))
        if name not in group.within
    )


def why_no_override(field: str) -> str | None:
    """What to tell somebody who overrides a field that another system owns; None for any other."""
    owner = None if field in [*OverrideField] else who_owns(field, (*DEAL_GROUPS, *_WRITTEN_GROUPS))
    return owner and f"{owner}. An override changes of a plan's workstream: {', '.join(OverrideField)}."
