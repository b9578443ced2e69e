"""The roles that a person can be given: ours, and the approvers' that the firm's configuration names."""

from __future__ import annotations

from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.roles import PersonRole, held_as
from web.context import application


def every_role(tenant_id: str) -> tuple[str, ...]:
    with application().uow.reading() as uow:
        rows = uow.references.of_kind(tenant_id, ReferenceKind.APPROVAL_ROLE)
    return (*PersonRole, *sorted({held_as(row.key) for row in rows}))
