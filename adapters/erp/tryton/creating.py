"""Create records in Tryton: one, or many in one call that is carried out as a whole or not at all.

Projects and tasks below one parent are a nested write of that parent, whose answer names them with their keys
and numbers. Invoices have no parent: their call answers ids only, so a second one reads them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from adapters.erp.tryton import landing, wire
from adapters.erp.tryton.client import TrytonClient
from adapters.erp.tryton.errors import NumberDrawnTwice
from adapters.erp.tryton.landing import Fields
from adapters.erp.tryton.named import OfCompany
from oppsync.domain.effects.effects import ExternalRecord
from oppsync.kernel.errors import AmbiguousAnswer, OppsyncError

WORK, INVOICE = "project.work", "account.invoice"
# The answer of a nested write has all that is below the parent, and is bounded.
MOST_TOGETHER = 50
# Upper bounds in seconds: each pause is random, so that the same two writers do not collide again.
RACE_PAUSES = (0.05, 0.1, 0.2, 0.4)


class New(NamedTuple):
    """A record to be created under our key. `wanted`: what it is compared with."""

    key: str
    model: str
    values: wire.Wire
    wanted: Fields
    company: OfCompany


@dataclass(frozen=True)
class Creator:
    """`existing`: the records of projects and tasks under some keys. `landed`: what we keep of a record that
    exists."""

    client: TrytonClient
    existing: Callable[[Sequence[str]], Sequence[wire.Work]]
    landed: Callable[[New, wire.Wire | wire.Work], ExternalRecord]

    def one(self, new: New) -> ExternalRecord:
        return self.together([new])[new.key]

    def together(self, new: Sequence[New]) -> Mapping[str, ExternalRecord]:
        """All of one model, company and parent. A number that was drawn twice is drawn again, once nothing is
        found under the keys. Raises NumberDrawnTwice if that goes on."""
        for pause in RACE_PAUSES:
            try:
                return self._created(new)
            except NumberDrawnTwice:
                time.sleep(random.uniform(0, pause))  # noqa: S311
            found = self._of_keys(new, self.existing([each.key for each in new]))
            if len(found) == len(new):
                return found
            if found:
                raise AmbiguousAnswer(f"Tryton: of {len(new)} records, {len(found)} exist already")
        return self._created(new)

    def _created(self, new: Sequence[New]) -> Mapping[str, ExternalRecord]:
        first, company = new[0], new[0].company.id
        if len(new) == 1:
            fields = wire.WORK_FIELDS if first.model == WORK else wire.INVOICE_FIELDS
            made = self.client.create(first.model, first.values, fields, company)
            return {first.key: self.landed(first, made)}
        values = [each.values for each in new]
        if first.model == WORK:
            return self._of_keys(new, self._below(first.values["parent"], values, company))
        return self._of_keys(new, self._many(first.model, values, company))

    def _below(self, parent: int, values: Sequence[wire.Wire], company: int) -> Sequence[wire.Wire]:
        fields = [f"children.{name}" for name in wire.WORK_FIELDS]
        made = self.client.write(WORK, parent, {"children": [["create", [*values]]]}, fields, company)
        return made.get("children") or []

    def _many(self, model: str, values: Sequence[wire.Wire], company: int) -> Sequence[wire.Wire]:
        ids = self.client.create_many(model, values, company)
        try:
            return self.client.search(model, [["id", "in", ids]], wire.INVOICE_FIELDS)
        except OppsyncError as error:
            raise AmbiguousAnswer(f"created, but not read: {error.message}") from error

    def _of_keys(
        self, new: Sequence[New], records: Sequence[wire.Wire | wire.Work]
    ) -> Mapping[str, ExternalRecord]:
        """Those of the records that have one of the keys, and are the only one."""
        found: dict[str, list[wire.Wire | wire.Work]] = {}
        for record in records:
            found.setdefault(_key_of(record), []).append(record)
        return {
            each.key: self.landed(each, found[each.key][0]) for each in new if len(found.get(each.key, ())) == 1
        }


def _key_of(record: wire.Wire | wire.Work) -> str:
    if isinstance(record, wire.Work):
        return landing.key_of(record.comment)
    return str(record["reference"]) if "reference" in record else landing.key_of(record.get("comment"))
