"""Exchange rates: what a contract is worth in other currencies. The contract's own figures never depend on
them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from oppsync.domain.values.model import Frozen, Quantity, Text


class ExchangeRate(Frozen):
    """Key: `<from>|<to>`. One unit of the first is `rate` of the second, as `source` quoted that day."""

    rate: Annotated[Quantity, Field(gt=0)]
    source: Text
    quoted_on: date
