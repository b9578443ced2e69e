"""Previews of plans."""

from __future__ import annotations

from pydantic import Field

from oppsync.domain.values.model import Code, Frozen


class PreviewQuery(Frozen):
    record: Code = Field(description="The record's id in the CRM.")
