"""What the configuration's pages show alike: a comparison, its rows, and the faults of an upload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oppsync.domain.configuration.differences import Difference, moves_money
from oppsync.domain.configuration.faults import Fault
from oppsync.domain.reference.book import ReferenceRow
from oppsync.services.configuration.commands import CompareConfiguration, Comparison
from web.context import application, signed_in

# Of more, a page shows so many; the API and the command line have all.
MOST_ROWS = 200


class ShownRow(NamedTuple):
    file: str
    row: str
    what: str
    moves_money: bool


class Shown(NamedTuple):
    """Some rows of a list; `more`: how many there are besides. `counted`: how many rows change in which way."""

    rows: Sequence[ShownRow | Fault]
    more: int
    counted: Mapping[str, int] = {}


def shown_rows(changes: Sequence[Difference]) -> Shown:
    first = changes[:MOST_ROWS]
    rows = [ShownRow(each.file, each.row_in_words, each.what_in_words, moves_money(each)) for each in first]
    return Shown(rows, len(changes) - len(rows), Counter(each.change.value for each in changes))


def shown_faults(faults: Sequence[Fault]) -> Shown:
    return Shown(faults[:MOST_ROWS], max(0, len(faults) - MOST_ROWS))


def compare(firm: str, rows: Sequence[ReferenceRow]) -> Comparison:
    me = signed_in()
    return application().dispatch(CompareConfiguration(me.tenant_id, me.person.id, firm, rows))
