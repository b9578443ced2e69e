"""The settings and secrets of a connection to Tryton, and the capabilities that follow from them."""

from __future__ import annotations

from pydantic import Field, SecretStr

from adapters.erp.tryton.creating import MOST_TOGETHER
from oppsync.domain.master_data.rows import MasterKind
from oppsync.domain.plan.capabilities import ErpCapabilities
from oppsync.domain.plan.plan import LineKind
from oppsync.domain.values.model import Code, Frozen


class TrytonSettings(Frozen):
    """`timeout` and `late_commit`: how long we wait for an answer, and how long Tryton may go on working after
    that (on SQLite it waits for the lock up to six times five seconds)."""

    base_url: Code = Field(title="Address of the server", description="Such as https://tryton.firm.example")
    database: Code = Field(title="Database", description="Its name, the first part of the path of Tryton's API")
    web_url: Code | None = Field(
        default=None,
        title="Address of the web client",
        description="Where people open records; empty: in Tryton's desktop client",
    )
    time_product: Code = Field(
        default="CONS-HR",
        title="Product for hours",
        description="Code of the product by which hours are invoiced",
    )
    dated_product: Code = Field(
        default="FIXED", title="Product for instalments", description="Code of the product of dated invoices"
    )
    milestone_product: Code = Field(
        default="MS", title="Product for milestones", description="Code of the product of milestones"
    )
    progress_product: Code = Field(
        default="FIXED",
        title="Product for percent complete",
        description="Its unit needs two decimals, or 40 % would be invoiced as nothing",
    )
    closed_status: Code = Field(
        default="Done",
        title="Closed status",
        description="Work status that ends a project or task; one for cancelled work, where the firm has it",
    )
    open_status: Code = Field(
        default="Open", title="Open status", description="Work status of what was closed and is wanted again"
    )
    mirror_minutes: int = Field(
        default=15,
        ge=1,
        le=1440,
        title="Minutes between two readings of its master data",
    )
    mirror_trusted_minutes: int = Field(
        default=30,
        ge=0,
        le=1440,
        title="Minutes for which master data counts",
        description="What is older is asked for again when a deal needs it",
    )
    timeout: float = Field(default=15.0, title="Seconds to wait for an answer")
    late_commit: float = Field(default=30.0, title="Seconds after which an unanswered write can be looked up")


class TrytonSecrets(Frozen):
    rest_key: SecretStr = Field(
        title="Key of the application", description="Of a Tryton user's application of the kind REST"
    )


def capabilities(settings: TrytonSettings) -> ErpCapabilities:
    """Lines that only a project's tasks can invoice have prices in the company's currency, with four decimals
    (Tryton's `price_decimal`)."""
    return ErpCapabilities(
        line_kinds=frozenset(LineKind),
        own_currency_only=frozenset({LineKind.TIME, LineKind.PROGRESS}),
        price_decimals=4,
        revises=True,
        reopens=True,
        mirrors=frozenset(MasterKind),
        creates_together=MOST_TOGETHER,
    )
