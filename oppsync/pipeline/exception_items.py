"""An exception item that comes back after it was replayed is the same item."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from oppsync.domain.work.exceptions import ExceptionItem, NewException
from oppsync.ports.storage.unit_of_work import UnitOfWork


def raise_or_reopen(uow: UnitOfWork, new: NewException, is_over: Callable[[ExceptionItem], bool]) -> UUID:
    """Open an item. What was replayed in vain is the same item again, with one more occurrence; unless the
    replay had helped (`is_over`), so that this is a new matter. Returns the item's id."""
    last = uow.exceptions.last(new)
    if last is None or not last.was_replayed or is_over(last):
        return uow.exceptions.raise_item(new)
    uow.exceptions.reopen(last.id, new)
    return last.id
