"""Open exception items: each is owned as the firm's configuration says, and one that comes back after it was
replayed is the same item."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from oppsync.domain.deal.opportunity import Opportunity
from oppsync.domain.policy.exception_owner import ExceptionOwner, owner_of
from oppsync.domain.reference.book import ReferenceKind
from oppsync.domain.values.model import changed
from oppsync.domain.work.exceptions import ExceptionItem, NewException
from oppsync.ports.storage.unit_of_work import UnitOfWork


def raise_item(uow: UnitOfWork, new: NewException) -> UUID:
    """Open an item that is about no deal. Returns its id."""
    return uow.exceptions.raise_item(_with_owner(uow, new, None))


def raise_or_reopen(
    uow: UnitOfWork,
    new: NewException,
    is_over: Callable[[ExceptionItem], bool],
    record: Opportunity | None = None,
) -> UUID:
    """Open an item. What was replayed in vain is the same item again, with one more occurrence; unless the
    replay had helped (`is_over`), so that this is a new matter. `record`: of its deal, as it is read now.
    Returns the item's id."""
    new = _with_owner(uow, new, record)
    last = uow.exceptions.last(new)
    if last is None or not last.was_replayed or is_over(last):
        return uow.exceptions.raise_item(new)
    uow.exceptions.reopen(last.id, new)
    return last.id


def _with_owner(uow: UnitOfWork, new: NewException, record: Opportunity | None) -> NewException:
    """The item and its findings under the owners of today's configuration, where it names one."""
    rows = uow.references.of_today(new.tenant_id, ReferenceKind.EXCEPTION_OWNER)
    if not rows:
        return new
    owners = {row.key: ExceptionOwner.model_validate(row.value).owner for row in rows}
    entity = region = None
    if record is not None:
        entity = _code(uow, new.tenant_id, ReferenceKind.LEGAL_ENTITY, record.contracting_entity)
        region = _code(uow, new.tenant_id, ReferenceKind.REGION, record.region)
    findings = [
        changed(each, owner=owner_of(owners, each.code, entity, region) or each.owner) for each in new.findings
    ]
    owner = owner_of(owners, new.code, entity, region) or new.owner
    return changed(new, owner=owner, findings=tuple(findings))


def _code(uow: UnitOfWork, tenant_id: str, kind: ReferenceKind, name: str | None) -> str | None:
    """The code of what the CRM calls so; None where no row of today has that name."""
    rows = uow.references.of_today(tenant_id, kind) if name else ()
    return next((str(row.value["code"]) for row in rows if row.key == name), None)
