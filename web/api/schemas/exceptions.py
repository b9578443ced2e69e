"""The exception queue."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from oppsync.domain.values.model import Code, Frozen, Text
from oppsync.domain.work.exceptions import ExceptionItem, ExceptionStatus
from web.api.schemas.paging import PageQuery


class ExceptionQuery(PageQuery):
    status: ExceptionStatus | None = Field(default=ExceptionStatus.OPEN, description="Items of this status.")
    code: Code | None = Field(default=None, description="Only items of this code.")
    opportunity_id: UUID | None = Field(default=None, description="Only items of this opportunity.")


class ConfirmRequest(Frozen):
    """Why it is right: kept on the deal and shown to the approvers."""

    reason: Annotated[Text, Field(min_length=1)]


class CustomerRequest(Frozen):
    """The ERP's customer, by its code."""

    customer: Code


class DismissRequest(Frozen):
    reason: Annotated[Text, Field(min_length=1)]


class ExceptionPage(Frozen):
    rows: tuple[ExceptionItem, ...]
    next_cursor: Code | None = None
