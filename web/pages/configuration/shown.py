"""What the configuration's pages show alike: a comparison, its rows, and the faults of an upload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from oppsync.domain.configuration.differences import Difference, moves_money
from oppsync.domain.configuration.faults import Fault
from oppsync.domain.reading.backtest import MOST_TRIED
from oppsync.domain.reference.book import ReferenceRow
from oppsync.services.configuration.commands import BacktestConfiguration, CompareConfiguration, Comparison
from web.context import application, signed_in
from web.forms import FormError, posted

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


class AskedBacktest(NamedTuple):
    """How many deals somebody wants to try, and by the rows of which day; `error` where a page takes no such
    number or day."""

    last: int = 0
    as_of: date | None = None
    error: FormError | None = None


def asked_backtest() -> AskedBacktest:
    typed, day = posted("last"), posted("as_of")
    if not (typed.isascii() and typed.isdigit() and 1 <= int(typed[:9]) <= MOST_TRIED):
        problem = f"Give a number from 1 to {MOST_TRIED}; the command line tries more."
        return AskedBacktest(error=FormError("last", problem))
    try:
        return AskedBacktest(int(typed), date.fromisoformat(day) if day else None)
    except ValueError:
        return AskedBacktest(error=FormError("as_of", "Give a day as YYYY-MM-DD, or leave it empty."))


def try_past_deals(rows: Sequence[ReferenceRow], asked: AskedBacktest) -> None:
    """Keep the report of these rows, which their pages show."""
    me = signed_in()
    application().dispatch(BacktestConfiguration(me.tenant_id, me.person.id, rows, asked.last, asked.as_of))


def compare(firm: str, rows: Sequence[ReferenceRow]) -> Comparison:
    me = signed_in()
    return application().dispatch(CompareConfiguration(me.tenant_id, me.person.id, firm, rows))
