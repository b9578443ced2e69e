"""How answers of many rows are asked for in pages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from oppsync.domain.values.model import Code, Frozen


class PageQuery(Frozen):
    """`cursor` is the `next_cursor` of the page before."""

    cursor: Code | None = Field(default=None, description="The next_cursor of the page before.")
    limit: Annotated[int, Field(ge=1, le=100, description="Rows a page, 1 to 100.")] = 25
