"""The settings and secrets of a connection to Tryton, and the capabilities that follow from them."""

from __future__ import annotations

from pydantic import SecretStr

from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.values.model import Code, Frozen


class TrytonSettings(Frozen):
    """A connection's settings. `web_url`: where people open records, when not in Tryton's desktop client.

    The products are codes; that of progress needs a unit with two decimals, or 40 % would be invoiced as
    nothing. `closed_status` is the name of the work status that ends a project or task: a firm that has a
    status for cancelled work names that one. `open_status` is the status that a project or task gets which we
    closed and which is wanted again. `timeout` and `late_commit` are seconds: how long we wait for an
    answer, and how long Tryton may go on working after that (on SQLite it waits for the lock up to six times
    five seconds).
    """

    base_url: Code
    database: Code
    web_url: Code | None = None
    time_product: Code = "CONS-HR"
    dated_product: Code = "FIXED"
    milestone_product: Code = "MS"
    progress_product: Code = "FIXED"
    closed_status: Code = "Done"
    open_status: Code = "Open"
    timeout: float = 15.0
    late_commit: float = 30.0


class TrytonSecrets(Frozen):
    """`rest_key`: the key of a Tryton user's application `rest`."""

    rest_key: SecretStr


def capabilities(settings: TrytonSettings) -> ErpCapabilities:
    """Lines that only a project's tasks can invoice have prices in the company's currency, with four decimals
    (Tryton's `price_decimal`)."""
    return ErpCapabilities(
        line_kinds=frozenset(LineKind),
        own_currency_only=frozenset({LineKind.TIME, LineKind.PROGRESS}),
        price_decimals=4,
        revises=True,
        reopens=True,
    )
