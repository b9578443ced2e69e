"""Check roles and their limits before they are given."""

from __future__ import annotations

from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.limits import Granted, Limits, in_order, is_limitable, why_not_limitable
from oppsync.domain.values.roles import Role, held_as, is_further, role_name
from oppsync.kernel.errors import InvalidInput
from oppsync.ports.storage.unit_of_work import UnitOfWork


def checked_grant(uow: UnitOfWork, tenant_id: str, roles: frozenset[Role], limits: Limits) -> Granted:
    """Raises InvalidInput for an approver's role that the configuration does not name (field `roles`); and,
    with the place among `limits` as its field, for a limit of a role that has none or is
    not given, and for an entity or region that no row of the configuration names."""
    _check_further(uow, tenant_id, roles)
    for index, limit in enumerate(limits):
        at = f"limits/{index}"
        name = role_name(limit.role)
        if not is_limitable(limit.role):
            raise InvalidInput(
                f"The role {name} cannot be limited. {why_not_limitable(limit.role)} Those of approvers, of "
                "operations and of integration admins can.",
                field=f"{at}/role",
            )
        if limit.role not in roles:
            raise InvalidInput(f"Give the role {name} too, or leave out its limit.", field=f"{at}/role")
        if sum(each.role == limit.role for each in limits) > 1:
            raise InvalidInput(f"Name the limit of the role {name} once.", field=f"{at}/role")
        _check_known(uow, tenant_id, ReferenceKind.LEGAL_ENTITY, f"{at}/entities", limit.entities)
        _check_known(uow, tenant_id, ReferenceKind.REGION, f"{at}/regions", limit.regions)
    return Granted(roles, in_order(limits))


def _check_further(uow: UnitOfWork, tenant_id: str, roles: frozenset[Role]) -> None:
    further = sorted(role for role in roles if is_further(role))
    rows = uow.references.of_kind(tenant_id, ReferenceKind.APPROVAL_ROLE) if further else ()
    known = {held_as(row.key) for row in rows}
    unknown = [role for role in further if role not in known]
    if unknown:
        there_are = f"There are {', '.join(sorted(known))}." if known else "It names none."
        raise InvalidInput(f"The configuration has no role {unknown[0]}. {there_are}", field="roles")


def _check_known(
    uow: UnitOfWork, tenant_id: str, kind: ReferenceKind, field: str, named: tuple[str, ...]
) -> None:
    """A firm that has no row of the kind yet may name what it will have."""
    known = {row.key for row in uow.references.of_kind(tenant_id, kind)} if named else set()
    unknown = [code for code in named if known and code not in known]
    if unknown:
        what = kind.value.replace("_", " ")
        raise InvalidInput(
            f"There is no {what} {unknown[0]}. There are {', '.join(sorted(known))}.", field=field
        )
